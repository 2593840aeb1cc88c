// SPDX-License-Identifier: Apache-2.0
#include "store_state.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "store_text.h"

struct policy_source store_policy_source(void)
{
	struct policy_source source = { 0 };
	struct timespec now = { 0 }, boottime = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	source.now_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
	source.boottime_ns = (uint64_t)boottime.tv_sec * 1000000000ULL + (uint64_t)boottime.tv_nsec;
	return source;
}

static void free_text(struct printbuf **text)
{
	if (*text)
		printbuf_free(*text);
}

/*
 * The end is kept beside the definition, not in it: reading a definition
 * refuses an end that has passed and starts ttl_seconds anew.  A ttl_seconds
 * holds by the clock since boot, so only within this boot.
 */
void store_add_policy(const struct store *store, struct store_writer *writer,
		      const struct policy *policy)
{
	static const char first[] = "{\"policy\":";
	CLEANUP(free_text) struct printbuf *text = printbuf_new();

	if (!text || printbuf_memappend(text, first, sizeof(first) - 1) < 0 ||
	    policy_print(policy, false, text) < 0 ||
	    sprintbuf(text, ",\"created_us\":%lld,\"updated_us\":%lld",
		      (long long)policy->created_at, (long long)policy->updated_at) < 0) {
		writer->error = -ENOMEM;
		return;
	}
	store_writer_add(writer, text->buf, (size_t)printbuf_length(text));
	if (policy->expires_at)
		store_writer_print(writer, ",\"expires_us\":%lld", (long long)policy->expires_at);
	if (policy->ttl_deadline_ns)
		store_writer_print(writer, ",\"boot_id\":\"%s\",\"deadline_ns\":%llu",
				   store->boot_id, (unsigned long long)policy->ttl_deadline_ns);
	store_writer_add(writer, "}", 1);
}

void store_add_policies(const struct store *store, struct store_writer *writer,
			const struct policyset *set, enum origin origin)
{
	const char *before = "\n";

	store_writer_print(writer, ",\"policies\":[");
	for (size_t i = 0; i < set->count; i++) {
		if (set->policy[i]->origin != origin)
			continue;
		store_writer_print(writer, "%s", before);
		store_add_policy(store, writer, set->policy[i]);
		before = ",\n";
	}
	store_writer_print(writer, "]");
}

/* A time, 0 when it is absent. */
static int64_t time_of(struct json_object *json, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(json, name, &value) ? json_object_get_int64(value) : 0;
}

static uint64_t deadline_of(const struct store *store, struct json_object *json)
{
	struct json_object *boot_id;

	if (!json_object_object_get_ex(json, "boot_id", &boot_id) ||
	    !json_object_is_type(boot_id, json_type_string) || !store->boot_id[0] ||
	    strcmp(json_object_get_string(boot_id), store->boot_id) != 0)
		return 0;
	return (uint64_t)time_of(json, "deadline_ns");
}

int store_read_policy(const struct store *store, struct json_object *json,
		      const struct policy_source *source, struct policy **ret,
		      struct problems *problems)
{
	struct json_object *definition;
	struct policy *policy;
	int error;

	if (!json_object_is_type(json, json_type_object) ||
	    !json_object_object_get_ex(json, "policy", &definition)) {
		problem_add(problems, "", "holds no policy");
		return -EINVAL;
	}
	error = policy_parse(definition, NULL, source, &policy, problems);
	if (error)
		return error;
	policy->created_at = time_of(json, "created_us");
	policy->updated_at = time_of(json, "updated_us");
	policy->expires_at = time_of(json, "expires_us");
	policy->ttl_deadline_ns = deadline_of(store, json);
	*ret = policy;
	return 0;
}
