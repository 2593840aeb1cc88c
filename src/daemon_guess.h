/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to go by when the configuration is bad: the last good one, and a guess
 * where that is kept.
 */
#ifndef DAEMON_GUESS_H
#define DAEMON_GUESS_H

#include <stdbool.h>

struct address_sets;
struct daemon;
struct daemon_files;
struct json_object;
struct policyset;
struct problems;
struct settings;

/**
 * The defaults, with "policy.state_dir" and "policy.on_bad_start" of the
 * configuration if they at least can be read. @ret_sure: this is the state
 * directory; false when any other may be meant. Returns 0 or -ENOMEM.
 */
int daemon_guess_settings(const struct daemon *daemon, struct settings **ret, bool *ret_sure);

/** Reads what daemon_keep_last_good() has kept. Errors as store_load_last_good(), -EBADMSG. */
int daemon_last_good(const struct daemon *daemon, struct daemon_files *ret,
		     struct problems *problems);

/**
 * Keeps a configuration, and the file policies and sets of these, as the last good ones. Any
 * thread. Says in the log if it fails; a NULL @config is "out of memory".
 */
void daemon_keep_last_good(const struct daemon *daemon, struct json_object *config,
			   const struct policyset *set, const struct address_sets *sets);

#endif
