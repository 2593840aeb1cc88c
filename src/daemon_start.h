/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start begins with: the state that the files and the state directory
 * ask for or, when they are bad, what "policy.on_bad_start" chooses instead.
 */
#ifndef DAEMON_START_H
#define DAEMON_START_H

#include <stdbool.h>

struct address_sets;
struct daemon;
struct policyset;
struct problems;

struct daemon_start {
	struct policyset *api; /* what came by API */
	struct policyset *set; /* to be enforced, with daemon->settings */
	struct address_sets *api_sets; /* as api and set: of addresses */
	struct address_sets *sets;
	bool no_config; /* daemon->settings are only a guess */
	bool no_state; /* and so is their state directory */
	unsigned int rung; /* of the ladder that daemon_start_fall_back() goes down */
};

/**
 * Reads everything; sets daemon->settings and daemon->store, configures the
 * log. Returns 0 or an exit status, the reason is in the log.
 */
int daemon_start_read(struct daemon *daemon, struct daemon_start *ret);

/**
 * Replaces settings and set by the next best that on_bad_start allows, because
 * of @problems, and makes the daemon degraded. Returns 0 or an exit status.
 */
int daemon_start_fall_back(struct daemon *daemon, struct daemon_start *start,
			   const struct problems *problems);

/** Drops what is still held. */
void daemon_start_clear(struct daemon_start *start);

#endif
