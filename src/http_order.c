/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "daemon.h"
#include "http_server.h"
#include "policyset.h"

static int make_order(const struct policyset *set, struct http_order *ret);

const struct http_order *http_order(struct http *http)
{
	struct http_order order = { 0 };

	if (http->order.set == http->daemon->set)
		return &http->order;
	if (make_order(http->daemon->set, &order)) {
		http_order_clear(&order);
		return NULL;
	}
	order.set = policyset_get(http->daemon->set);
	http_order_clear(&http->order);
	http->order = order;
	return &http->order;
}

void http_order_clear(struct http_order *order)
{
	policyset_put(&order->set);
	free(order->order);
	free(order->position);
	*order = (struct http_order){ 0 };
}

static int make_order(const struct policyset *set, struct http_order *ret)
{
	ret->position = calloc(set->count + 1, sizeof(*ret->position));
	if (!ret->position || policyset_order_all(set, &ret->order))
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		ret->position[ret->order[i]] = (uint32_t)i;
	return 0;
}
