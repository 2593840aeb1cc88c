/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct notify_watchdog {
	struct event *timer;
};

static void on_timer(evutil_socket_t fd, short what, void *context);

void notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* Type=notify-reload tells the end of this reload from that of an earlier one by the time. */
void notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(const char *status)
{
	sd_notifyf(0, "STATUS=%s", status);
}

void notify_extend(unsigned int seconds)
{
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64 "\nWATCHDOG=1", (uint64_t)seconds * 1000000);
}

int notify_watchdog_open(struct event_base *base, struct notify_watchdog **ret)
{
	struct notify_watchdog *watchdog;
	struct timeval interval;
	uint64_t period_us;

	if (sd_watchdog_enabled(0, &period_us) <= 0)
		return 0;
	interval.tv_sec = (time_t)(period_us / 2 / 1000000);
	interval.tv_usec = (suseconds_t)(period_us / 2 % 1000000);

	watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return -ENOMEM;
	watchdog->timer = event_new(base, -1, EV_PERSIST, on_timer, NULL);
	if (!watchdog->timer || event_add(watchdog->timer, &interval) < 0) {
		notify_watchdog_close(&watchdog);
		return -ENOMEM;
	}
	sd_notify(0, "WATCHDOG=1");
	*ret = watchdog;
	return 0;
}

void notify_watchdog_close(struct notify_watchdog **watchdog)
{
	if (!*watchdog)
		return;
	if ((*watchdog)->timer)
		event_free((*watchdog)->timer);
	free(*watchdog);
	*watchdog = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	(void)context;
	sd_notify(0, "WATCHDOG=1");
}
