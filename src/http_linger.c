/* SPDX-License-Identifier: Apache-2.0 */
#include "http_linger.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cleanup.h"
#include "event_priority.h"
#include "http_server.h"

#define LINGER_SECONDS 10
#define READ_BYTES 65536

struct http_linger {
	LIST_ENTRY(http_linger) link;
	struct http_lingers *all;
	struct event *readable;
	int fd;
	uint64_t until_ns;
};

static void on_readable(evutil_socket_t fd, short what, void *context);
static void linger_free(struct http_linger *linger);

void http_linger(struct http_lingers *lingers, struct event_base *base, int fd)
{
	const struct timeval limit = { .tv_sec = LINGER_SECONDS };
	struct http_linger *linger = calloc(1, sizeof(*linger));

	if (!linger)
		return;
	linger->all = lingers;
	linger->until_ns = http_now_ns() + LINGER_SECONDS * HTTP_NS_PER_SECOND;
	linger->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (linger->fd >= 0)
		linger->readable =
			event_new(base, linger->fd, EV_READ | EV_PERSIST, on_readable, linger);
	LIST_INSERT_HEAD(&lingers->list, linger, link);
	lingers->count++;
	if (!linger->readable || event_add(linger->readable, &limit) < 0)
		linger_free(linger);
	else
		(void)event_priority_set(linger->readable, EVENT_PRIORITY_LAST);
}

void http_lingers_clear(struct http_lingers *lingers)
{
	while (!LIST_EMPTY(&lingers->list))
		linger_free(LIST_FIRST(&lingers->list));
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct http_linger *linger = context;
	char nowhere[READ_BYTES];
	ssize_t bytes = 0;

	if (what & EV_READ)
		bytes = read(fd, nowhere, sizeof(nowhere));
	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		bytes = 1;
	if (bytes <= 0 || http_now_ns() >= linger->until_ns)
		linger_free(linger);
}

static void linger_free(struct http_linger *linger)
{
	LIST_REMOVE(linger, link);
	linger->all->count--;
	if (linger->readable)
		event_free(linger->readable);
	if (linger->fd >= 0)
		close(linger->fd);
	free(linger);
}
