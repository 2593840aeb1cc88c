// SPDX-License-Identifier: Apache-2.0
#include "policy_document.h"

#include <errno.h>
#include <json-c/json.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"

/* Whether a listing says of itself that it has not all there is. */
static bool is_page(struct json_object *json)
{
	struct json_object *cursor = NULL, *count = NULL, *total = NULL;

	if (!json_object_is_type(json, json_type_object))
		return false;
	if (json_object_object_get_ex(json, "next_cursor", &cursor) && cursor)
		return true;
	return json_object_object_get_ex(json, "count", &count) &&
	       json_object_object_get_ex(json, "policy_count", &total) &&
	       json_object_is_type(count, json_type_int) &&
	       json_object_is_type(total, json_type_int) &&
	       json_object_get_int64(count) < json_object_get_int64(total);
}

int policy_document_parse(const struct policy_document *document, struct policy_list *ret,
			  struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int r, read = json_read(document->text, document->size,
				document->go_on ? JSON_GO_ON : 0, &json, problems);

	if (read < 0 && read != -EEXIST)
		return read;
	if (document->whole && is_page(json))
		return -ERANGE;
	r = policy_parse_list(json, document->source, ret, problems);
	if (!r && read == -EEXIST) {
		policy_list_clear(ret);
		r = -EBADMSG;
	}
	return r;
}
