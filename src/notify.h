/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told (sd_notify(3)).  Without one every call
 * does nothing.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

struct event_base;
struct notify_watchdog;

/** Has the service manager keep @fd for the next process, under @name. Returns 0 or -errno. */
int notify_store(const char *name, int fd);

/** It keeps what is under that name no longer. */
void notify_unstore(const char *name);

/** Returns when all that was said has been heard, or after a second. */
void notify_barrier(void);

/** What was asked for is in force: after the start, and after notify_reloading(). */
void notify_ready(const char *status);

/** A reload has begun; notify_ready() ends it, also when it failed. */
void notify_reloading(void);

/** The stop has begun. */
void notify_stopping(void);

/** The line that `systemctl status` shows. */
void notify_status(const char *status);

/** Asks for @seconds more before a start or reload counts as hung, and calms the watchdog. */
void notify_extend(unsigned int seconds);

/**
 * Reports twice per period that the loop of @base turns. *ret stays NULL when
 * no watchdog is asked for. Returns 0 or -ENOMEM.
 */
int notify_watchdog_open(struct event_base *base, struct notify_watchdog **ret);
/** Stops reporting. Tolerates NULL. */
void notify_watchdog_close(struct notify_watchdog **watchdog);

#endif
