/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: signals, the watchdog, and what is done when it is quiet.
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

struct daemon;
struct daemon_loop;

/**
 * Makes daemon->base and catches the signals; one that comes before
 * daemon_loop_run() is seen there. Returns 0 or -errno.
 */
int daemon_loop_open(struct daemon *daemon, struct daemon_loop **ret);

/** Turns until SIGTERM or SIGINT. Returns 0 or -errno. */
int daemon_loop_run(struct daemon_loop *loop);

/** Frees daemon->base too, so everything that is on it must be closed. */
void daemon_loop_close(struct daemon_loop **loop);

/**
 * Has done by the thread what is left to do behind changes: lookups become faster, the journal
 * becomes a snapshot if it has grown, and after a start the last good state is kept.
 */
void daemon_tidy_up(struct daemon *daemon);

#endif
