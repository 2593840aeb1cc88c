/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether what is wanted is enforced, in one word and with reasons.
 */
#ifndef HTTP_HEALTH_H
#define HTTP_HEALTH_H

#include <stdbool.h>

struct attachment;
struct daemon;
struct problems;

enum health {
	HEALTH_OK,
	HEALTH_IDLE, /* no interface is configured */
	HEALTH_DEGRADED, /* not the files' state, on no interface, or nothing can be stored */
	HEALTH_OUT_OF_SYNC, /* an interface is there and not attached as it should be */
};

/**
 * Finds it out. @reasons gets errors, which make the status what it is, and
 * warnings, which do not; NULL when they do not matter.
 */
enum health health_of(const struct daemon *daemon, struct problems *reasons);

/** "ok", "idle" ... */
const char *health_name(enum health health);

/** Whether programs are there in each direction that is wanted, or were never tried. */
bool health_attached(const struct attachment *attachment);

#endif
