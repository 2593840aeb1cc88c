/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: a line of JSON for every change and every refused attempt,
 * in a file that is only ever appended to.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit;
struct change_result;
struct daemon;
struct json_object;
struct policy;
struct policyset;
struct problems;

#define AUDIT_CHANGES_MAX 100 /* policies of which a record says what they were and are */

struct audit_change {
	struct policy *before, *after; /* NULL: there was none, it is deleted */
};

/* What a change does to policies. */
struct audit_diff {
	struct audit_change *change;
	size_t kept; /* of these */
	size_t count; /* in all */
};

/** Notes one; without memory it is only counted. Any thread. */
void audit_diff_note(struct audit_diff *diff, struct policy *before, struct policy *after);

/** Notes all that differs between two sets. */
void audit_diff_sets(struct audit_diff *diff, const struct policyset *before,
		     const struct policyset *after);

/** Frees what it holds. */
void audit_diff_clear(struct audit_diff *diff);

/** "changes", and how many are left out of it. Returns 0 or -ENOMEM. */
int audit_diff_print(const struct audit_diff *diff, struct json_object *record);

/** NULL when out of memory. The file is opened when there is something to write. */
struct audit *audit_new(void);

/** Whether a refusal of somebody who is not known may be written now: so many a second are. */
bool audit_admits(struct audit *audit, uint64_t now_ns);

/**
 * Appends @record to @path, after "time" and how many refusals were left out
 * before; takes it over. A NULL (there was no memory) counts as not written.
 */
void audit_write(struct audit *audit, const char *path, struct json_object *record);

/** Has the file opened anew for the next record (SIGUSR1). */
void audit_reopen(struct audit *audit);

/** "created", "updated" ... and what it did to policies. Returns 0 or -ENOMEM. */
int audit_add_result(struct json_object *record, const struct change_result *result);

/** The first errors, if there are any. Returns 0 or -ENOMEM. */
int audit_add_errors(struct json_object *record, const struct problems *problems);

/**
 * Writes what nobody's request changed: @caller is "signal" or "daemon". It failed if @result is
 * NULL. Nothing happens where there is no audit log.
 */
void audit_own(const struct daemon *daemon, const char *caller, const char *what,
	       const struct change_result *result, const struct problems *problems);

/** 0, or the errno of the last record, which is not in the file. */
int audit_error(const struct audit *audit);

/** Tolerates NULL. */
void audit_free(struct audit **audit);

#endif
