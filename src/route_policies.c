/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /policies and GET /policies/{id}.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "http_json.h"
#include "http_request.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "policy_cursor.h"
#include "policy_json.h"
#include "policy_view.h"
#include "policyset.h"

#define PART_BYTES 65536

struct chosen {
	uint32_t index; /* in the set */
	uint32_t position;
};

struct listing {
	const struct daemon *daemon;
	struct policyset *set; /* of when it was asked for */
	struct chosen *chosen;
	size_t count, next;
	size_t total; /* of the origin, on all pages */
	bool definitions;
	bool more; /* there is another page */
	uint64_t generation;
};

static int parse_listing(struct http_request *request, struct listing *listing, size_t *ret_limit,
			 int *ret_origin);
static int choose(struct http_request *request, struct listing *listing, size_t limit, int origin);
static int parse_fields(struct http_request *request, bool *ret_definitions);
static size_t first_of_page(const struct http_order *order, const struct policy_cursor *cursor);
static int next_part(void *context, struct evbuffer *part);
static int add_policy(const struct listing *listing, size_t n, struct evbuffer *part);
static int add_end(const struct listing *listing, struct evbuffer *part);
static int add_cursor(const struct listing *listing, struct json_object *end);
static void release_listing(void *context);
static void free_listing(struct listing **listing);

void route_list_policies(struct http_request *request)
{
	CLEANUP(free_listing) struct listing *listing = calloc(1, sizeof(*listing));
	struct datapath_figures figures;
	size_t limit = SIZE_MAX;
	char etag[POLICY_ETAG_SIZE];
	int origin = -1;

	if (!listing) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	if (parse_listing(request, listing, &limit, &origin))
		return;
	if (choose(request, listing, limit, origin)) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	datapath_figures(request->daemon->datapath, &figures);
	listing->generation = figures.generation;
	policies_etag(request->daemon, etag);
	http_set_header(request, "ETag", etag);
	http_answer_parts(request, &(struct http_parts){
					   .content_type = "application/json",
					   .next = next_part,
					   .release = release_listing,
					   .context = TAKE_PTR(listing),
				   });
}

void route_get_policy(struct http_request *request)
{
	const struct policyset *set = request->daemon->set;
	ptrdiff_t index = policyset_index(set, request->id);
	const struct http_order *order = http_order(request->http);
	char etag[POLICY_ETAG_SIZE];
	bool definition = false;

	if (parse_fields(request, &definition))
		return;
	if (index < 0) {
		http_refuse(request, 404, "there is no policy '%.150s'", request->id);
		return;
	}
	policy_etag(set->policy[index], etag);
	http_set_header(request, "ETag", etag);
	if (definition)
		http_answer(request, 200, policy_to_json(set->policy[index]));
	else if (order)
		http_answer(request, 200,
			    policy_view(request->daemon, set->policy[index],
					order->position[index] + 1));
	else
		http_refuse(request, 503, "out of memory");
}

static int parse_listing(struct http_request *request, struct listing *listing, size_t *ret_limit,
			 int *ret_origin)
{
	const char *limit = http_parameter(request, "limit", 0);
	const char *origin = http_parameter(request, "origin", 0);
	const char *cursor = http_parameter(request, "cursor", 0);
	struct policy_cursor place;
	unsigned long long number;
	char *end = NULL;

	if (limit) {
		number = strtoull(limit, &end, 10);
		if (*limit < '1' || *limit > '9' || *end || strlen(limit) > 9) {
			http_refuse(request, 400, "limit is a number from 1 on, not '%.50s'",
				    limit);
			return -EINVAL;
		}
		*ret_limit = (size_t)number;
	}
	if (cursor && policy_cursor_parse(cursor, &place)) {
		http_refuse(request, 400, "cursor is the next_cursor of the page before");
		return -EINVAL;
	}
	for (int i = 0; origin && i < ORIGINS; i++)
		if (!strcmp(origin, policy_origin_name((enum origin)i)) && i != ORIGIN_FAILSAFE)
			*ret_origin = i;
	if (origin && *ret_origin < 0) {
		http_refuse(request, 400, "origin is file or api, not '%.50s'", origin);
		return -EINVAL;
	}
	return parse_fields(request, &listing->definitions);
}

static int parse_fields(struct http_request *request, bool *ret_definitions)
{
	const char *fields = http_parameter(request, "fields", 0);

	if (fields && strcmp(fields, "definition") && strcmp(fields, "all")) {
		http_refuse(request, 400, "fields is definition or all, not '%.50s'", fields);
		return -EINVAL;
	}
	*ret_definitions = fields && !strcmp(fields, "definition");
	return 0;
}

static int choose(struct http_request *request, struct listing *listing, size_t limit, int origin)
{
	const char *cursor = http_parameter(request, "cursor", 0);
	const struct http_order *order = http_order(request->http);
	struct policy_cursor place;
	size_t first = 0;

	if (!order)
		return -ENOMEM;
	listing->daemon = request->daemon;
	listing->set = policyset_get(order->set);
	listing->chosen = calloc(order->set->count + 1, sizeof(*listing->chosen));
	if (!listing->chosen)
		return -ENOMEM;
	if (cursor && !policy_cursor_parse(cursor, &place))
		first = first_of_page(order, &place);
	for (size_t i = 0; i < order->set->count; i++) {
		uint32_t index = order->order[i];

		if (origin >= 0 && order->set->policy[index]->origin != (enum origin)origin)
			continue;
		listing->total++;
		if (i < first)
			continue;
		if (listing->count < limit)
			listing->chosen[listing->count++] = (struct chosen){ index, (uint32_t)i };
		else
			listing->more = true;
	}
	return 0;
}

/* The first behind where the last policy of the page before stood, even if it is gone now. */
static size_t first_of_page(const struct http_order *order, const struct policy_cursor *cursor)
{
	size_t low = 0, high = order->set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct policy_cursor place =
			policy_cursor(order->set->policy[order->order[middle]]);

		if (policy_cursor_compare(&place, cursor) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int next_part(void *context, struct evbuffer *part)
{
	struct listing *listing = context;

	if (!listing->next && evbuffer_add_printf(part, "{\"policies\":[") < 0)
		return -ENOMEM;
	for (; listing->next < listing->count; listing->next++) {
		if (evbuffer_get_length(part) >= PART_BYTES)
			return 1;
		if (add_policy(listing, listing->next, part))
			return -ENOMEM;
	}
	return add_end(listing, part);
}

static int add_definition(const struct policy *policy, struct evbuffer *part)
{
	struct printbuf *text = printbuf_new();
	int error = text ? policy_print(policy, true, text) : -ENOMEM;

	if (!error)
		error = evbuffer_add(part, text->buf, (size_t)printbuf_length(text));
	if (text)
		printbuf_free(text);
	return error ? -ENOMEM : 0;
}

static int add_view(const struct listing *listing, const struct chosen *chosen,
		    struct evbuffer *part)
{
	const struct policy *policy = listing->set->policy[chosen->index];
	CLEANUP(cleanup_json)
	struct json_object *json = policy_view(listing->daemon, policy, chosen->position + 1);
	const char *text =
		json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE) : NULL;

	return !text || evbuffer_add(part, text, strlen(text)) ? -ENOMEM : 0;
}

static int add_policy(const struct listing *listing, size_t n, struct evbuffer *part)
{
	const struct chosen *chosen = &listing->chosen[n];

	if (evbuffer_add_printf(part, "%s\n", n ? "," : "") < 0)
		return -ENOMEM;
	return listing->definitions ? add_definition(listing->set->policy[chosen->index], part)
				    : add_view(listing, chosen, part);
}

static int add_end(const struct listing *listing, struct evbuffer *part)
{
	CLEANUP(cleanup_json) struct json_object *end = json_object_new_object();
	const char *text;

	if (!end || json_add_number(end, "count", listing->count) ||
	    json_add_number(end, "policy_count", listing->total) ||
	    json_add_number(end, "generation", listing->generation) ||
	    (listing->more && add_cursor(listing, end)))
		return -ENOMEM;
	text = json_object_to_json_string_ext(end, JSON_C_TO_STRING_NOSLASHESCAPE);
	/* The members of this object follow the array in the one that was begun. */
	if (!text || evbuffer_add_printf(part, "\n],%s\n", text + 1) < 0)
		return -ENOMEM;
	return 0;
}

static int add_cursor(const struct listing *listing, struct json_object *end)
{
	const struct chosen *last = &listing->chosen[listing->count - 1];
	struct policy_cursor cursor = policy_cursor(listing->set->policy[last->index]);
	char text[POLICY_CURSOR_SIZE];

	policy_cursor_print(&cursor, text);
	return json_add_text(end, "next_cursor", text);
}

static void release_listing(void *context)
{
	struct listing *listing = context;

	free_listing(&listing);
}

static void free_listing(struct listing **listing)
{
	if (!*listing)
		return;
	policyset_put(&(*listing)->set);
	free((*listing)->chosen);
	free(*listing);
	*listing = NULL;
}
