/* SPDX-License-Identifier: Apache-2.0 */
#include "set_view.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

#include "address_set.h"
#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"

struct json_object *set_view(const struct address_set *set, struct json_object *used_by)
{
	CLEANUP(cleanup_json) struct json_object *view = json_object_new_object();
	CLEANUP(cleanup_json) struct json_object *users = used_by;

	if (!view || json_add_text(view, "name", set->name) ||
	    json_add_text(view, "origin", policy_origin_name(set->origin)) ||
	    json_add_number(view, "entry_count", address_set_count(set)) ||
	    json_add_time(view, "created_at", set->created_at) ||
	    json_add(view, "used_by", TAKE_PTR(users)) ||
	    json_add_time(view, "updated_at", set->updated_at))
		return NULL;
	return TAKE_PTR(view);
}

void set_etag(const struct address_set *set, char ret[SET_ETAG_SIZE])
{
	snprintf(ret, SET_ETAG_SIZE, "\"%" PRIx64 "-%016" PRIx64 "\"", (uint64_t)set->updated_at,
		 set->hash);
}
