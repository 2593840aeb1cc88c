// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "cleanup.h"

struct queued {
	STAILQ_ENTRY(queued) link;
	struct job job;
};

STAILQ_HEAD(queue, queued);

struct worker {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct queue todo, done;
	bool closing;
	int wake; /* eventfd: something was done */
	struct event *woken;
};

/* ---- in the thread */

static struct queued *take_todo(struct worker *worker)
{
	struct queued *queued;

	pthread_mutex_lock(&worker->lock);
	while (STAILQ_EMPTY(&worker->todo) && !worker->closing)
		pthread_cond_wait(&worker->changed, &worker->lock);
	queued = STAILQ_FIRST(&worker->todo);
	if (queued)
		STAILQ_REMOVE_HEAD(&worker->todo, link);
	pthread_mutex_unlock(&worker->lock);
	return queued;
}

static void *run(void *context)
{
	const uint64_t one = 1;
	struct worker *worker = context;
	struct queued *queued;

	while ((queued = take_todo(worker))) {
		queued->job.work(queued->job.context);
		pthread_mutex_lock(&worker->lock);
		STAILQ_INSERT_TAIL(&worker->done, queued, link);
		pthread_mutex_unlock(&worker->lock);
		/* An eventfd takes 2^64 - 2 of these before it would block. */
		while (write(worker->wake, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

/* ---- in the loop */

static struct queued *take_done(struct worker *worker)
{
	struct queued *queued;

	pthread_mutex_lock(&worker->lock);
	queued = STAILQ_FIRST(&worker->done);
	if (queued)
		STAILQ_REMOVE_HEAD(&worker->done, link);
	pthread_mutex_unlock(&worker->lock);
	return queued;
}

static void finish_done(struct worker *worker)
{
	struct queued *queued;

	while ((queued = take_done(worker))) {
		if (queued->job.done)
			queued->job.done(queued->job.context);
		free(queued);
	}
}

static void on_woken(evutil_socket_t fd, short what, void *context)
{
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return; /* it stays readable */
	finish_done(context);
}

/* Signals are for the loop. */
static int start_thread(struct worker *worker)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->running = !error;
	return -error;
}

int worker_open(struct event_base *base, struct worker **ret)
{
	CLEANUP(worker_close) struct worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return -ENOMEM;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->changed, NULL);
	STAILQ_INIT(&worker->todo);
	STAILQ_INIT(&worker->done);
	worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake < 0)
		return -errno;
	worker->woken = event_new(base, worker->wake, EV_READ | EV_PERSIST, on_woken, worker);
	if (!worker->woken || event_add(worker->woken, NULL) < 0)
		return -ENOMEM;
	error = start_thread(worker);
	if (error)
		return error;
	*ret = TAKE_PTR(worker);
	return 0;
}

int worker_add(struct worker *worker, const struct job *job)
{
	struct queued *queued = calloc(1, sizeof(*queued));

	if (!queued)
		return -ENOMEM;
	queued->job = *job;
	pthread_mutex_lock(&worker->lock);
	STAILQ_INSERT_TAIL(&worker->todo, queued, link);
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->lock);
	return 0;
}

void worker_close(struct worker **worker)
{
	struct worker *closed = TAKE_PTR(*worker);

	if (!closed)
		return;
	pthread_mutex_lock(&closed->lock);
	closed->closing = true;
	pthread_cond_signal(&closed->changed);
	pthread_mutex_unlock(&closed->lock);
	if (closed->running)
		pthread_join(closed->thread, NULL);
	finish_done(closed);
	if (closed->woken)
		event_free(closed->woken);
	cleanup_fd(&closed->wake);
	pthread_cond_destroy(&closed->changed);
	pthread_mutex_destroy(&closed->lock);
	free(closed);
}
