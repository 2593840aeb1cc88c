/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a store, for its own files.
 *
 * Every transaction has a number.  The snapshot says up to which one it holds
 * them, so that a journal that was not emptied after a snapshot does no harm:
 * what it repeats is skipped.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"
#include "policy_json.h"
#include "store_io.h"

#define STORE_SNAPSHOT "policies.json"
#define STORE_JOURNAL "journal.jsonl"
#define STORE_LAST_GOOD "last-good.json"
#define STORE_LOCK "lock"
#define STORE_SETS "sets" /* a directory of NAME.set */

#define STORE_NAME_MAX 128
#define STORE_BOOT_ID_SIZE 37

struct address_set;
struct json_object;
struct store_writer;

struct store {
	const struct store_io *io;
	char *path;
	int directory; /* fd */
	int lock; /* fd, holds the lock while it is open */
	int journal; /* fd, -1: none */
	uint64_t sequence; /* of the last transaction */
	size_t journal_bytes;
	size_t last_bytes; /* of the last transaction, in the journal; 0: not known */
	size_t snapshot_bytes;
	/* -errno when nothing may be appended until a snapshot has been written:
	 * what the journal ends with is not known. */
	int broken;
	bool journal_bad; /* it is to be kept aside then, not emptied */
	bool snapshot_bad; /* a copy of it is to be kept before it is replaced */
	char boot_id[STORE_BOOT_ID_SIZE];
};

/* ---- files, store_file.c */

typedef void (*store_content)(void *context, struct store_writer *writer);

/**
 * Puts a new file in the place of an old one, in one step: @add_content writes
 * what is between the format and the checksum. @ret_bytes may be NULL. Returns
 * 0 or -errno.
 */
int store_replace_file(const struct store *store, const char *name, store_content add_content,
		       void *context, size_t *ret_bytes);

/** Reads a whole file; the caller frees *ret. Returns 0 or -errno. */
int store_read_file(const struct store *store, const char *name, char **ret, size_t *ret_size);

/** Renames a file to NAME.bad-N, with the first N that is free. Returns 0 or -errno. */
int store_keep_aside(const struct store *store, const char *name);

/** Makes NAME.bad-N a second name of a file that is about to be replaced. Returns 0 or -errno. */
int store_keep_copy(const struct store *store, const char *name);

/** Opens the journal, made if absent, and cuts it off at @bytes. Returns 0 or -errno. */
int store_open_journal(struct store *store, size_t bytes);

/* ---- policies, store_policy.c */

/** What a stored policy is read with. */
struct policy_source store_policy_source(void);

/** Appends a policy: its definition, its times. */
void store_add_policy(const struct store *store, struct store_writer *writer,
		      const struct policy *policy);

/** Appends the policies of @origin as a list. */
void store_add_policies(const struct store *store, struct store_writer *writer,
			const struct policyset *set, enum origin origin);

/** Reads it back. Returns 0, -EINVAL with the reason in @problems, -ENOMEM. */
int store_read_policy(const struct store *store, struct json_object *json,
		      const struct policy_source *source, struct policy **ret,
		      struct problems *problems);

/* ---- sets of addresses, store_set.c */

/** Appends the members of a set: its name, its times, its entries as a text. */
void store_add_set(struct store_writer *writer, const struct address_set *set);

/**
 * Reads them back, without entries that have ended. Returns 0, -EINVAL with the
 * reason in @problems, -ENOMEM.
 */
int store_read_set(struct json_object *json, struct address_set **ret, struct problems *problems);

/* ---- store_snapshot.c */

/** Writes a snapshot of the API's policies in @set and empties the journal. 0 or -errno. */
int store_write_snapshot(struct store *store, const struct policyset *set);

/* ---- store_load.c */

/** Reads snapshot and journal and repairs what is wrong. Errors as store_open(). */
int store_load(struct store *store, struct policyset **ret_set, struct problems *problems);

#endif
