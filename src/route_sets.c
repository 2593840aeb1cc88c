/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /sets and GET /sets/{name}.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "daemon.h"
#include "http_json.h"
#include "http_request.h"
#include "json_cleanup.h"
#include "policy_sets.h"
#include "set_view.h"

#define PART_BYTES 65536

/* A set on its way out; it may be replaced meanwhile. */
struct set_listing {
	struct address_set *set;
	struct json_object *view; /* all but the entries */
	bool text;
	bool begun;
	bool any; /* an entry was written */
	int family;
	size_t next;
};

static int next_part(void *context, struct evbuffer *part);
static int begin(struct set_listing *listing, struct evbuffer *part);
static int add_entry(struct set_listing *listing, const struct address_entry *entry,
		     struct evbuffer *part);
static void release_listing(void *context);
static bool wants_text(const char *accept);

static void free_listing(struct set_listing **listing)
{
	if (!*listing)
		return;
	address_set_put(&(*listing)->set);
	json_object_put((*listing)->view);
	free(*listing);
	*listing = NULL;
}

void route_list_sets(struct http_request *request)
{
	const struct daemon *daemon = request->daemon;
	CLEANUP(cleanup_json) struct json_object *answer = json_object_new_object();
	CLEANUP(cleanup_json) struct json_object *users = NULL;
	struct json_object *list = json_object_new_array();

	users = policies_by_set(daemon->set, daemon->sets);
	if (!answer || !users || json_add(answer, "sets", list)) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	for (size_t i = 0; i < daemon->sets->count; i++) {
		struct json_object *used_by = json_object_array_get_idx(users, i);

		if (json_append(list, set_view(daemon->sets->set[i], json_object_get(used_by)))) {
			http_refuse(request, 503, "out of memory");
			return;
		}
	}
	if (json_add_number(answer, "count", daemon->sets->count)) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	http_answer(request, 200, TAKE_PTR(answer));
}

void route_get_set(struct http_request *request)
{
	const struct daemon *daemon = request->daemon;
	struct address_set *set = address_sets_find(daemon->sets, request->id);
	const struct address_sets one = { .set = &set, .count = 1 };
	CLEANUP(free_listing) struct set_listing *listing = calloc(1, sizeof(*listing));
	CLEANUP(cleanup_json) struct json_object *users = NULL;
	char etag[SET_ETAG_SIZE];

	if (!set) {
		http_refuse(request, 404, "there is no set of addresses '%.150s'", request->id);
		return;
	}
	users = policies_by_set(daemon->set, &one);
	if (listing && users)
		listing->view = set_view(set, json_object_get(json_object_array_get_idx(users, 0)));
	if (!listing || !listing->view) {
		http_refuse(request, 503, "out of memory");
		return;
	}
	listing->set = address_set_get(set);
	listing->text = wants_text(http_header(request, "Accept"));
	set_etag(set, etag);
	http_set_header(request, "ETag", etag);
	http_set_header(request, "Vary", "Accept");
	http_answer_parts(request,
			  &(struct http_parts){
				  .content_type = listing->text ? "text/plain; charset=utf-8"
								: "application/json",
				  .next = next_part,
				  .release = release_listing,
				  .context = TAKE_PTR(listing),
			  });
}

/* JSON, unless text is asked for and JSON is not. */
static bool wants_text(const char *accept)
{
	return accept && strstr(accept, "text/plain") && !strstr(accept, "application/json");
}

static int next_part(void *context, struct evbuffer *part)
{
	struct set_listing *listing = context;

	if (!listing->begun && begin(listing, part))
		return -ENOMEM;
	listing->begun = true;
	for (; listing->family < PEP_FAMILIES; listing->family++, listing->next = 0) {
		const struct address_entries *list = &listing->set->list[listing->family];

		for (; listing->next < list->count; listing->next++) {
			if (evbuffer_get_length(part) >= PART_BYTES)
				return 1;
			if (add_entry(listing, &list->entry[listing->next], part))
				return -ENOMEM;
		}
	}
	return listing->text || evbuffer_add_printf(part, "\n]}\n") >= 0 ? 0 : -ENOMEM;
}

/* The members of the view, and the array that the entries follow in. */
static int begin(struct set_listing *listing, struct evbuffer *part)
{
	const char *text;

	if (listing->text)
		return evbuffer_add_printf(part, "# %s\n", listing->set->name) < 0 ? -ENOMEM : 0;
	text = json_object_to_json_string_ext(listing->view, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text || evbuffer_add(part, text, strlen(text) - 1) ||
	    evbuffer_add_printf(part, ",\"entries\":[") < 0)
		return -ENOMEM;
	return 0;
}

static int add_entry(struct set_listing *listing, const struct address_entry *entry,
		     struct evbuffer *part)
{
	const enum pep_family family = (enum pep_family)listing->family;
	char text[ADDRESS_ENTRY_TEXT_MAX + 2] = "\n";
	size_t length;

	if (listing->text)
		address_entry_print_line(entry, family, text);
	else
		address_entry_print_json(entry, family, text + 1);
	length = strlen(text);
	if (listing->text)
		text[length++] = '\n';
	if (!listing->text && listing->any && evbuffer_add(part, ",", 1))
		return -ENOMEM;
	listing->any = true;
	return evbuffer_add(part, text, length) ? -ENOMEM : 0;
}

static void release_listing(void *context)
{
	struct set_listing *listing = context;

	free_listing(&listing);
}
