/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that does what takes long, one job after the other, while the event
 * loop goes on.
 */
#ifndef WORKER_H
#define WORKER_H

struct event_base;
struct worker;

struct job {
	void (*work)(void *context); /* in the thread */
	void (*done)(void *context); /* in the loop, afterwards; NULL: nothing */
	void *context;
};

/** Starts the thread. Returns 0 or -errno. */
int worker_open(struct event_base *base, struct worker **ret);

/** Adds a job. Returns 0 or -ENOMEM. */
int worker_add(struct worker *worker, const struct job *job);

/**
 * Waits for the jobs that were added, the loop's part of them included, and ends the thread.
 * Tolerates NULL.
 */
void worker_close(struct worker **worker);

#endif
