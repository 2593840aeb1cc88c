/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy as the API shows it: its definition and what is known about it.
 */
#ifndef POLICY_VIEW_H
#define POLICY_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct json_object;
struct policy;

#define POLICY_ETAG_SIZE 48

/**
 * The definition with origin, counters, times and @position, counted from 1.
 * The caller owns the result; NULL when out of memory.
 */
struct json_object *policy_view(const struct daemon *daemon, const struct policy *policy,
				uint32_t position);

/** Seconds until it expires, 0 if it has; false: it never does. */
bool policy_expires_in(const struct policy *policy, uint64_t *ret_seconds);

/** A quoted entity tag of the definition: another one whenever anything of it was changed. */
void policy_etag(const struct policy *policy, char ret[POLICY_ETAG_SIZE]);

/** The same of all policies: this start of the daemon and the generation in force. */
void policies_etag(const struct daemon *daemon, char ret[POLICY_ETAG_SIZE]);
/** As it is or was in that generation. */
void policies_etag_at(const struct daemon *daemon, uint64_t generation, char ret[POLICY_ETAG_SIZE]);

/**
 * Whether the value of an If-Match or If-None-Match header names @etag, or is
 * "*". Weak tags match nothing.
 */
bool etag_listed(const char *header, const char *etag);

#endif
