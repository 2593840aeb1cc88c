/* SPDX-License-Identifier: Apache-2.0 */
#include "stubs.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "address_sets.h"
#include "cleanup.h"
#include "daemon_fold.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "datapath_dry.h"
#include "datapath_interfaces.h"
#include "datapath_pending.h"
#include "http.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_json.h"
#include "policyset.h"
#include "problem.h"

struct stubs stubs;

struct datapath_change {
	uint32_t flags;
};

void stubs_note(const char *call)
{
	size_t used = strlen(stubs.calls);

	snprintf(stubs.calls + used, sizeof(stubs.calls) - used, "%s ", call);
}

void stubs_reset(void)
{
	stubs = (struct stubs){ .generation = 1 };
}

struct policyset *set_of(const char *json, bool file)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();
	CLEANUP(cleanup_json) struct json_object *parsed = NULL;
	const struct policy_source source = { .file = file, .now_us = time(NULL) * 1000000LL };
	struct policyset *set = NULL;

	ck_assert_int_eq(json_read(json, strlen(json), 0, &parsed, &problems), 0);
	ck_assert_msg(!policy_parse_list(parsed, &source, &list, &problems), "%s: %s", json,
		      problems.count ? problems.list[0].detail : "");
	for (size_t i = 0; i < list.count; i++)
		list.policy[i]->origin = file ? ORIGIN_FILE : ORIGIN_API;
	ck_assert_int_eq(policyset_add(empty, list.policy, list.count, &set), 0);
	return set;
}

struct policy *policy_of(const char *json, bool file)
{
	CLEANUP(policyset_put) struct policyset *set = set_of(json, file);

	ck_assert_uint_eq(set->count, 1);
	return policy_get(set->policy[0]);
}

/* ---- datapath.h */

int datapath_prepare(struct datapath *datapath, const struct datapath_state *state,
		     struct datapath_change **ret, struct problems *problems)
{
	(void)datapath;
	stubs_note("prepare");
	if (stubs.prepare_error) {
		if (stubs.prepare_error == -ENOSPC)
			problem_add(problems, "", "too many rules");
		return stubs.prepare_error;
	}
	if (stubs.prepare_most && state->set->count > stubs.prepare_most)
		return -ENOSPC;
	*ret = calloc(1, sizeof(**ret));
	ck_assert_ptr_nonnull(*ret);
	stubs.flags = state->flags;
	stubs.steps = state->steps ? state->steps : 1;
	stubs.sets = state->sets;
	stubs.open_changes++;
	return 0;
}

void datapath_cancel(struct datapath *datapath)
{
	(void)datapath;
	stubs_note("cancel");
}

int datapath_promote(struct datapath *datapath, struct datapath_change *change)
{
	(void)datapath;
	(void)change;
	return stubs.promote_error;
}

void datapath_publish(struct datapath *datapath, struct datapath_change *change)
{
	(void)datapath;
	(void)change;
	stubs_note("commit");
	stubs.generation += stubs.steps;
}

void datapath_publish_pending(struct datapath *datapath, struct datapath_change *change,
			      uint64_t deadline_ns)
{
	(void)datapath;
	(void)change;
	(void)deadline_ns;
	stubs_note("pend");
	stubs.generation += stubs.steps;
}

int datapath_confirm(struct datapath *datapath, struct datapath_change *change)
{
	(void)datapath;
	(void)change;
	stubs_note("confirm");
	return stubs.confirm_error;
}

int datapath_withdraw(struct datapath *datapath, struct datapath_change *change)
{
	(void)datapath;
	(void)change;
	stubs_note("withdraw");
	return stubs.withdraw_error;
}

void datapath_return(struct datapath *datapath, struct datapath_change *change)
{
	(void)datapath;
	(void)change;
	stubs_note("return");
}

void datapath_dispose(struct datapath_change **change)
{
	stubs.open_changes -= *change != NULL;
	free(*change);
	*change = NULL;
}

void datapath_abandon(struct datapath *datapath, struct datapath_change **change)
{
	(void)datapath;
	if (!*change)
		return;
	stubs_note("abandon");
	stubs.open_changes--;
	free(*change);
	*change = NULL;
}

void datapath_figures(const struct datapath *datapath, struct datapath_figures *ret)
{
	(void)datapath;
	*ret = (struct datapath_figures){ .generation = stubs.generation };
}

void datapath_refresh(struct datapath *datapath)
{
	(void)datapath;
	stubs_note("refresh");
}

uint32_t datapath_policy_slot(const struct datapath *datapath, const char *id)
{
	(void)datapath;
	return (uint32_t)strlen(id);
}

uint32_t datapath_slot_of(const struct datapath *datapath, const struct policyset *set,
			  size_t index)
{
	return datapath_policy_slot(datapath, set->policy[index]->id);
}

void datapath_slot_counters(const struct datapath *datapath, uint32_t slot,
			    struct pep_counters *ret)
{
	(void)datapath;
	*ret = (struct pep_counters){ .packets = stubs.slot_packets * slot };
}

void datapath_memory(const struct datapath *datapath, struct datapath_memory *ret)
{
	(void)datapath;
	memset(ret, 0, sizeof(*ret));
}

void datapath_interface_tally(const struct datapath *datapath, const char *name,
			      enum pep_direction direction, struct pep_tally *ret)
{
	(void)datapath;
	(void)name;
	(void)direction;
	memset(ret, 0, PEP_OUTCOME_MAX * sizeof(*ret));
	ret[PEP_OUTCOME_POLICY_BLOCK].packets = stubs.interface_packets;
}

const char *datapath_slot_policy(const struct datapath *datapath, uint32_t slot)
{
	(void)datapath;
	for (size_t i = 0; stubs.slots && i < stubs.slots->count; i++)
		if (strlen(stubs.slots->policy[i]->id) == slot)
			return stubs.slots->policy[i]->id;
	return slot == 1 ? "one" : NULL;
}

uint32_t datapath_slot_life(const struct datapath *datapath, uint32_t slot)
{
	(void)datapath;
	(void)slot;
	return stubs.slot_life;
}

uint32_t datapath_slot_limit(const struct datapath *datapath)
{
	(void)datapath;
	return 8;
}

int datapath_map(const struct datapath *datapath, const char *name)
{
	(void)datapath;
	(void)name;
	return -ENOENT;
}

void datapath_set_event_readers(struct datapath *datapath, uint64_t readers)
{
	(void)datapath;
	stubs.event_readers = readers;
}

int datapath_open(const struct datapath_options *options, struct datapath **ret, char **ret_detail)
{
	(void)options;
	(void)ret;
	(void)ret_detail;
	return -EOPNOTSUPP;
}

void datapath_free(struct datapath **datapath)
{
	*datapath = NULL;
}

int datapath_program(struct datapath *datapath, enum datapath_program program, char **ret_detail)
{
	(void)datapath;
	(void)program;
	(void)ret_detail;
	return -EOPNOTSUPP;
}

void datapath_on_replace(struct datapath *datapath, datapath_replace replace, void *context)
{
	(void)datapath;
	(void)replace;
	(void)context;
}

int datapath_interface_add(struct datapath *datapath, uint32_t ifindex, const char *name, bool l3)
{
	(void)datapath;
	(void)ifindex;
	(void)name;
	(void)l3;
	return 0;
}

void datapath_interface_remove(struct datapath *datapath, uint32_t ifindex)
{
	(void)datapath;
	(void)ifindex;
}

/* ---- datapath_dry.h */

int datapath_dry_run(struct datapath *datapath, const struct datapath_packet *packet,
		     struct pep_trace *ret)
{
	(void)datapath;
	(void)packet;
	(void)ret;
	return -ENODATA;
}

const char *datapath_dry_policy(const struct datapath *datapath,
				const struct datapath_change *change, uint32_t slot)
{
	(void)datapath;
	(void)change;
	(void)slot;
	return NULL;
}

/* ---- http.h */

int http_reconfigure(struct http *http)
{
	(void)http;
	stubs_note("listen");
	return stubs.reconfigure_error;
}

const struct http_listener_state *http_listeners(const struct http *http, size_t *ret_count)
{
	(void)http;
	*ret_count = 0;
	return NULL;
}

void daemon_fold_follow(struct daemon_fold *fold)
{
	(void)fold;
}

void http_note_hotplug(struct http *http, uint64_t window_ns)
{
	(void)http;
	(void)window_ns;
}

void http_note_publish(struct http *http)
{
	(void)http;
}

int http_note_interfaces(struct http *http)
{
	(void)http;
	stubs_note("interfaces");
	return 0;
}
