/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must survive: policies that came by API (a snapshot and a journal of
 * transactions behind it) and the last good configuration, in the state
 * directory.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>

struct address_set;
struct address_sets;
struct policy;
struct policyset;
struct problems;
struct json_object;
struct store;

/**
 * Locks and reads the state directory, made if absent. A torn end of the
 * journal (never acknowledged) is cut off, an invalid file is kept aside as
 * NAME.bad-N and reported in @problems; what could be read is in *ret_set
 * (origin ORIGIN_API). What was lost is an error in @problems, what never
 * counted a warning; a directory that cannot be written to is an error (store_error()).
 * Returns 0, -EBUSY (noted with the pid of the holder), -EPROTO when a file is
 * of a newer format (it stays as it is), or -errno.
 */
int store_open(const char *directory, struct store **ret, struct policyset **ret_set,
	       struct problems *problems);

/**
 * Appends one transaction and waits until it is durable. When it fails nothing
 * of it will be seen again. Returns 0 or -errno (-ENOSPC, -EIO ...).
 */
int store_append(struct store *store, const char *const *remove, size_t remove_count,
		 struct policy *const *put, size_t put_count);

/** Takes the last transaction back. Returns 0 or -errno; store_error() says the same then. */
int store_take_back(struct store *store);

/**
 * 0, or -errno: why nothing can be stored. An append could not be taken back,
 * or the files could not be repaired; store_compact() tries again.
 */
int store_error(const struct store *store);

/** Whether store_compact() has something to do; any thread. */
bool store_wants_compact(const struct store *store);

/**
 * Writes a snapshot of the API's policies in @set when the journal has grown
 * enough, or when store_error() says so. 0 or -errno.
 */
int store_compact(struct store *store, const struct policyset *set);

/**
 * Keeps configuration, file policies and those of @sets that are from files
 * (NULL: none) as the last good ones, atomically. Returns 0 or -errno.
 */
int store_save_last_good(struct store *store, struct json_object *config,
			 const struct policyset *file_policies, const struct address_sets *sets);

/** Reads them back; the caller puts all three. Returns 0, -ENOENT, -EBADMSG or -errno. */
int store_load_last_good(const struct store *store, struct json_object **ret_config,
			 struct policyset **ret_set, struct address_sets **ret_sets,
			 struct problems *problems);

/**
 * Reads the API's sets of addresses, without entries that have ended. One that
 * is damaged is kept aside as NAME.set.bad-N, reported in @problems and empty
 * from then on, so that the policies that name it stay. The caller puts *ret.
 * Returns 0, -EPROTO (noted) or -errno.
 */
int store_load_sets(const struct store *store, struct address_sets **ret,
		    struct problems *problems);

/**
 * Stores a set and waits until it is durable. When it fails @before (NULL: none)
 * is stored again. Returns 0 or -errno.
 */
int store_put_set(const struct store *store, const struct address_set *set,
		  const struct address_set *before);

/** Removes a set for good; when it fails it is stored again. Returns 0 or -errno. */
int store_delete_set(const struct store *store, const struct address_set *set);

/** Unlocks and closes. Tolerates NULL. */
void store_close(struct store **store);

#endif
