// SPDX-License-Identifier: Apache-2.0
#include "store_state.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_walk.h"
#include "policyset.h"
#include "problem.h"
#include "store_entries.h"
#include "store_text.h"

/* A store on its way from files to a set. */
struct load {
	struct store *store;
	struct problems *problems;
	struct policy_source source;
	struct json_tokener *tokener;
	struct store_entries entries;
	size_t journal_bytes; /* of whole lines */
	bool applied; /* a transaction of the journal */
	bool damaged; /* something was lost: a new snapshot makes an end to it */
};

static int check_last_good(struct load *load);
static int load_snapshot(struct load *load);
static int load_journal(struct load *load);
static int start_journal(struct load *load, const struct policyset *set);

static void load_clear(struct load *load)
{
	store_entries_clear(&load->entries);
	json_build_end(&load->tokener);
}

int store_load(struct store *store, struct policyset **ret_set, struct problems *problems)
{
	CLEANUP(load_clear)
	struct load load = {
		.store = store,
		.problems = problems,
		.source = store_policy_source(),
	};
	CLEANUP(policyset_put) struct policyset *set = NULL;
	int error;

	error = check_last_good(&load);
	if (!error)
		error = load_snapshot(&load);
	if (!error)
		error = load_journal(&load);
	if (!error)
		error = store_entries_make_set(&load.entries, &set);
	if (!error)
		error = start_journal(&load, set);
	if (error)
		return error;
	*ret_set = TAKE_PTR(set);
	return 0;
}

static int add_removed(struct load *load, const struct json_part *part)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int error;

	if (!json_part_is(part, '"'))
		return 0;
	error = json_build(&load->tokener, part->text, part->size, &json, &ignored);
	return error ? error : store_entries_remove(&load->entries, json_object_get_string(json));
}

/* A policy that this version does not take is reported, and the others are kept. */
static int load_policy(struct load *load, const struct json_part *part, const char *where,
		       bool *ret_bad)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(policy_put) struct policy *policy = NULL;
	struct problems *problems = load->problems;
	size_t first = problems->count;
	int error = json_build(&load->tokener, part->text, part->size, &json, problems);

	if (!error)
		error = store_read_policy(load->store, json, &load->source, &policy, problems);
	if (problems->count > first)
		problems_prefix(problems, first, where);
	if (error == -EINVAL || error == -EBADMSG) {
		load->damaged = *ret_bad = true;
		return 0;
	}
	return error ? error : store_entries_put(&load->entries, policy);
}

/* @ret_bad becomes true when the file is to be kept for what could not be read. */
static int load_policies(struct load *load, const struct json_part *object, const char *name,
			 const char *where, bool *ret_bad)
{
	struct json_part array;
	struct json_walk walk;
	int error = 0;

	if (!json_part_member(object, name, &array) || !json_part_is(&array, '['))
		return 0;
	walk = json_walk(&array);
	while (!error && json_walk_next(&walk)) {
		char pointer[128];

		snprintf(pointer, sizeof(pointer), "%s/%zu/policy", where, walk.index);
		error = load_policy(load, &walk.value, pointer, ret_bad);
	}
	return error;
}

static uint64_t sequence_of(const struct json_part *object)
{
	struct json_part sequence;
	int64_t number = 0;

	if (json_part_member(object, "sequence", &sequence))
		json_part_integer(&sequence, &number);
	return number > 0 ? (uint64_t)number : 0;
}

static int refuse_newer(const struct load *load, const char *name)
{
	problem_add(load->problems, load->store->path,
		    "%s is of a newer format than this version of pepctl knows; it stays as it is",
		    name);
	return -EPROTO;
}

static int refuse_unreadable(const struct load *load, const char *name, int error)
{
	problem_add(load->problems, load->store->path, "%s cannot be read: %s", name,
		    strerror(-error));
	return error;
}

/* What it held is lost when the start needs it, and only then; so it is a warning. */
static void keep_last_good(struct load *load, const char *detail)
{
	int error = store_keep_aside(load->store, STORE_LAST_GOOD);

	problem_warn(load->problems, load->store->path, "%s cannot be used: %s. It %s%s",
		     STORE_LAST_GOOD, detail, error ? "cannot be kept aside: " : "is kept aside",
		     error ? strerror(-error) : "");
}

/* It is written anew and not read at a good start, so it is looked at here. */
static int check_last_good(struct load *load)
{
	CLEANUP(cleanup_free) char *text = NULL;
	const char *detail;
	size_t size;
	int error = store_read_file(load->store, STORE_LAST_GOOD, &text, &size);

	if (error)
		return error == -ENOENT ? 0 : refuse_unreadable(load, STORE_LAST_GOOD, error);
	error = store_check(text, size, &detail);
	if (error == -EPROTO)
		return refuse_newer(load, STORE_LAST_GOOD);
	if (error)
		keep_last_good(load, detail);
	return 0;
}

static void report_bad_snapshot(struct load *load, const char *detail)
{
	problem_add(load->problems, load->store->path,
		    "%s cannot be used: %s. It is kept aside; policies that came by the API "
		    "before the last snapshot are lost",
		    STORE_SNAPSHOT, detail);
	load->store->snapshot_bad = true;
	load->damaged = true;
}

static int load_snapshot(struct load *load)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct json_part snapshot;
	const char *detail;
	size_t size;
	int error;

	error = store_read_file(load->store, STORE_SNAPSHOT, &text, &size);
	if (error)
		return error == -ENOENT ? 0 : refuse_unreadable(load, STORE_SNAPSHOT, error);
	error = store_find(text, size, &snapshot, &detail);
	if (error == -EPROTO)
		return refuse_newer(load, STORE_SNAPSHOT);
	if (error == -EBADMSG)
		report_bad_snapshot(load, detail);
	if (error)
		return error == -EBADMSG ? 0 : error;
	load->store->snapshot_bytes = size;
	load->store->sequence = sequence_of(&snapshot);
	return load_policies(load, &snapshot, "policies", STORE_SNAPSHOT "/policies",
			     &load->store->snapshot_bad);
}

/* ---- the journal */

static int apply(struct load *load, const struct json_part *transaction, uint64_t sequence)
{
	struct json_part remove;
	char where[64];
	int error = 0;

	if (json_part_member(transaction, "remove", &remove) && json_part_is(&remove, '[')) {
		struct json_walk walk = json_walk(&remove);

		while (!error && json_walk_next(&walk))
			error = add_removed(load, &walk.value);
	}
	snprintf(where, sizeof(where), STORE_JOURNAL "/%llu/put", (unsigned long long)sequence);
	return error ? error
		     : load_policies(load, transaction, "put", where, &load->store->journal_bad);
}

/* Whether a transaction is the next one; one that the snapshot holds already is not. */
static bool is_next(struct load *load, uint64_t sequence)
{
	uint64_t expected = load->store->sequence + 1;

	if (sequence > expected && !load->applied) {
		problem_add(load->problems, load->store->path,
			    "the transactions %llu to %llu are missing before the first of %s",
			    (unsigned long long)expected, (unsigned long long)sequence - 1,
			    STORE_JOURNAL);
		load->damaged = true;
	}
	return sequence >= expected;
}

static int load_line(struct load *load, const char *line, size_t size, const char **ret_detail)
{
	struct json_part transaction;
	uint64_t sequence;
	int error = store_find(line, size, &transaction, ret_detail);

	if (error)
		return error;
	sequence = sequence_of(&transaction);
	if (!is_next(load, sequence))
		return 0;
	*ret_detail = "a transaction before it is missing";
	if (load->applied && sequence > load->store->sequence + 1)
		return -EBADMSG;
	load->applied = true;
	load->store->sequence = sequence;
	return apply(load, &transaction, sequence);
}

static void report_bad_line(struct load *load, size_t number, const char *detail)
{
	problem_add(load->problems, load->store->path,
		    "line %zu of %s cannot be used: %s. The file is kept aside, and what the API "
		    "changed from that line on is lost",
		    number, STORE_JOURNAL, detail);
	load->store->journal_bad = true;
	load->damaged = true;
}

/* A line without an end was being written when the power went: nobody was told that it is kept. */
static void report_torn_end(const struct load *load, size_t size)
{
	problem_warn(load->problems, load->store->path,
		     "%s ended with %zu bytes of a change that was never acknowledged; they are "
		     "cut off",
		     STORE_JOURNAL, size);
}

static int load_journal(struct load *load)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size = 0, number = 0;
	int error;

	error = store_read_file(load->store, STORE_JOURNAL, &text, &size);
	if (error)
		return error == -ENOENT ? 0 : refuse_unreadable(load, STORE_JOURNAL, error);
	while (load->journal_bytes < size) {
		const char *line = text + load->journal_bytes;
		const char *end = memchr(line, '\n', size - load->journal_bytes);
		const char *detail;

		if (!end) {
			report_torn_end(load, size - load->journal_bytes);
			break;
		}
		number++;
		error = load_line(load, line, (size_t)(end - line), &detail);
		if (error == -EPROTO)
			return refuse_newer(load, STORE_JOURNAL);
		if (error == -EBADMSG) {
			report_bad_line(load, number, detail);
			break;
		}
		if (error)
			return error;
		load->journal_bytes += (size_t)(end - line) + 1;
	}
	return 0;
}

/* ---- the result */

/* A snapshot of what could be read; what could not is kept beside it first. */
static int repair(struct load *load, const struct policyset *set)
{
	load->store->broken = -EIO;
	return store_write_snapshot(load->store, set);
}

/*
 * From here on the store can be written to, or says why not: the policies that
 * were read are enforced in either case.
 */
static int start_journal(struct load *load, const struct policyset *set)
{
	struct store *store = load->store;
	int error;

	if (load->damaged)
		error = repair(load, set);
	else
		error = store_open_journal(store, load->journal_bytes);
	if (error) {
		store->broken = error;
		problem_add(load->problems, store->path,
			    "cannot be written to, so nothing can be changed by the API: %s",
			    strerror(-error));
	}
	return 0;
}
