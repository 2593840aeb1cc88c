/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to go by when the configuration is bad: the last good one, and a guess
 * where that is kept.
 */
#ifndef DAEMON_GUESS_H
#define DAEMON_GUESS_H

#include <stdbool.h>

struct daemon;
struct daemon_files;
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

/** Keeps settings and file policies in force as the last good ones. Says in the log if it fails. */
void daemon_keep_last_good(const struct daemon *daemon, const struct settings *settings);

#endif
