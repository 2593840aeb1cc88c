/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "daemon.h"
#include "http_server.h"
#include "policyset.h"

static int merge_orders(const struct policyset *set, struct http_order *ret);

const struct http_order *http_order(struct http *http)
{
	struct http_order order = { 0 };

	if (http->order.set == http->daemon->set)
		return &http->order;
	if (merge_orders(http->daemon->set, &order)) {
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

static int merge_orders(const struct policyset *set, struct http_order *ret)
{
	CLEANUP(cleanup_free) uint32_t *order6 = NULL;
	CLEANUP(cleanup_free) uint32_t *order4 = NULL;
	size_t count = 0;

	ret->order = calloc(set->count + 1, sizeof(*ret->order));
	ret->position = calloc(set->count + 1, sizeof(*ret->position));
	if (!ret->order || !ret->position || policyset_order(set, PEP_IPV4, &order4) ||
	    policyset_order(set, PEP_IPV6, &order6))
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		if (policy_has_family(set->policy[order4[i]], PEP_IPV4))
			ret->order[count++] = order4[i];
	for (size_t i = 0; i < set->count; i++)
		if (!policy_has_family(set->policy[order6[i]], PEP_IPV4))
			ret->order[count++] = order6[i];
	for (size_t i = 0; i < count; i++)
		ret->position[ret->order[i]] = (uint32_t)i;
	return 0;
}
