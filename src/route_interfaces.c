/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /interfaces.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "attach.h"
#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "http_json.h"
#include "http_request.h"
#include "http_traffic.h"
#include "json_cleanup.h"

static void ask_for_foreign(struct attachments *attachments);
static struct json_object *interface_json(const struct daemon *daemon,
					  const struct attachment *attachment);
static struct json_object *attempts_json(const struct attachment *attachment);
static struct json_object *foreign_json(const struct attachment *attachment);
static struct json_object *counters_json(const struct daemon *daemon, const char *name);
static int add_program(struct json_object *json, const char *key, uint32_t id);

void route_interfaces(struct http_request *request)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	const struct daemon *daemon = request->daemon;
	const struct attachment *const *list;
	size_t count = 0;
	int error = json && array ? 0 : -ENOMEM;

	ask_for_foreign(daemon->attachments);
	list = attachments_list(daemon->attachments, &count);
	for (size_t i = 0; !error && i < count; i++)
		error = json_append(array, interface_json(daemon, list[i]));
	if (!error)
		error = json_add(json, "interfaces", TAKE_PTR(array));
	http_answer(request, 200, error ? NULL : TAKE_PTR(json));
}

/* Others may have come or gone; where it cannot be asked, what was seen last
 * stays. */
static void ask_for_foreign(struct attachments *attachments)
{
	size_t count = 0;

	attachments_list(attachments, &count);
	for (size_t i = 0; i < count; i++) {
		const struct attachment *const *list = attachments_list(attachments, &count);

		if (i < count && list[i]->ifindex)
			(void)attach_refresh_foreign(attachments, list[i]->ifindex);
	}
}

static struct json_object *interface_json(const struct daemon *daemon,
					  const struct attachment *attachment)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	const char *refused = attachment->refused;

	if (!json || json_add_text(json, "name", attachment->name) ||
	    json_add_number(json, "ifindex", attachment->ifindex) ||
	    json_add_bool(json, "present", attachment->ifindex != 0) ||
	    json_add_text(json, "mode", attachment->mode) ||
	    json_add_text(json, "mechanism", attachment->mode ? attachment->mechanism : NULL) ||
	    add_program(json, "program_id", attachment->mode ? attachment->program_id : 0) ||
	    json_add_bool(json, "egress", attachment->egress) ||
	    add_program(json, "egress_program_id",
			attachment->egress ? attachment->egress_program_id : 0) ||
	    json_add_text(json, "driver", attachment->driver ? attachment->driver : "") ||
	    json_add_number(json, "mtu", attachment->mtu) ||
	    json_add_text(json, "link_layer", attachment->l3 ? "none" : "ethernet") ||
	    json_add_bool(json, "merged_packets", attachment->merged_packets) ||
	    json_add_bool(json, "taken_over", attachment->taken_over) ||
	    (refused && json_add_text(json, "refused", refused)) ||
	    json_add(json, "attempts", attempts_json(attachment)) ||
	    json_add(json, "foreign", foreign_json(attachment)) ||
	    json_add(json, "counters", counters_json(daemon, attachment->name)))
		return NULL;
	return TAKE_PTR(json);
}

static struct json_object *attempts_json(const struct attachment *attachment)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < attachment->attempt_count; i++) {
		const struct attach_attempt *attempt = &attachment->attempts[i];
		struct json_object *json = json_object_new_object();

		if (json_append(array, json) || json_add_text(json, "mode", attempt->mode) ||
		    json_add_text(json, "hook", attempt->hook) ||
		    json_add_number(json, "errno", (uint64_t)attempt->error) ||
		    json_add_text(json, "error",
				  attempt->error ? strerror(attempt->error) : NULL) ||
		    (attempt->detail && json_add_text(json, "detail", attempt->detail)))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *foreign_json(const struct attachment *attachment)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < attachment->foreign_count; i++) {
		const struct attach_foreign *foreign = &attachment->foreign[i];
		struct json_object *json = json_object_new_object();

		if (json_append(array, json) || json_add_text(json, "name", foreign->name) ||
		    add_program(json, "program_id", foreign->program_id) ||
		    json_add_text(json, "hook", foreign->hook) ||
		    json_add_text(json, "position", foreign->position))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *counters_json(const struct daemon *daemon, const char *name)
{
	static const char *const directions[PEP_DIRECTIONS] = { "ingress", "egress" };
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	for (int i = 0; json && i < PEP_DIRECTIONS; i++) {
		struct pep_tally outcome[PEP_OUTCOME_MAX];

		datapath_interface_tally(daemon->datapath, name, (enum pep_direction)i, outcome);
		if (json_add(json, directions[i], http_traffic_json(outcome)))
			return NULL;
	}
	return TAKE_PTR(json);
}

/* 0 is no program's id. */
static int add_program(struct json_object *json, const char *key, uint32_t id)
{
	return id ? json_add_number(json, key, id) : json_add_text(json, key, NULL);
}
