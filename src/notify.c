/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"

/*
 * As sd_notify(3) does it, but never longer than this: that one waits for ever
 * when the service manager hangs, and enforcement must not hang with it.
 */
#define PATIENCE_MS 1000
#define TEXT_MAX 1024

struct notify_watchdog {
	struct event *timer;
};

static void on_timer(evutil_socket_t fd, short what, void *context);
static void tell(int patience_ms, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wait_for(struct pollfd *event, int patience_ms);
static int send_text(int fd, const char *text, int passed);
static int tell_with(int passed, const char *text);
static int connect_socket(void);

void notify_ready(const char *status)
{
	tell(PATIENCE_MS, "READY=1\nSTATUS=%s", status);
}

/* Type=notify-reload tells the end of this reload from that of an earlier one by the time. */
void notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	tell(PATIENCE_MS, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	     (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void notify_stopping(void)
{
	tell(PATIENCE_MS, "STOPPING=1");
}

void notify_status(const char *status)
{
	tell(0, "STATUS=%s", status);
}

static void say_alive(void)
{
	uint64_t period_us;

	if (sd_watchdog_enabled(0, &period_us) > 0)
		tell(0, "WATCHDOG=1");
}

void notify_extend(unsigned int seconds)
{
	tell(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, (uint64_t)seconds * 1000000);
	say_alive();
}

int notify_store(const char *name, int fd)
{
	char text[TEXT_MAX];

	/* A link or map has nothing to be polled for. */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	return tell_with(fd, text);
}

void notify_unstore(const char *name)
{
	tell(PATIENCE_MS, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/* Who has heard it closes the other end of the pipe. */
void notify_barrier(void)
{
	CLEANUP(cleanup_fd) int read_end = -1;
	CLEANUP(cleanup_fd) int write_end = -1;
	int ends[2];
	struct pollfd closed;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	read_end = ends[0];
	write_end = ends[1];
	if (tell_with(write_end, "BARRIER=1"))
		return;
	cleanup_fd(&write_end);
	closed = (struct pollfd){ .fd = read_end };
	wait_for(&closed, PATIENCE_MS);
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
	say_alive();
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
	say_alive();
}

/* Sends one message, or gives up when nobody takes it in that time. */
static void tell(int patience_ms, const char *format, ...)
{
	CLEANUP(cleanup_fd) int fd = -1;
	char text[TEXT_MAX];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fd = connect_socket();
	if (fd < 0 || length < 0)
		return;
	if (patience_ms)
		wait_for(&(struct pollfd){ .fd = fd, .events = POLLOUT }, patience_ms);
	(void)send_text(fd, text, -1);
}

/* A message and a descriptor. Returns 0 or -errno. */
static int tell_with(int passed, const char *text)
{
	CLEANUP(cleanup_fd) int fd = connect_socket();

	if (fd < 0)
		return -ENOTCONN;
	wait_for(&(struct pollfd){ .fd = fd, .events = POLLOUT }, PATIENCE_MS);
	return send_text(fd, text, passed);
}

static int send_text(int fd, const char *text, int passed)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (char *)text, strlen(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int error;

	if (passed >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	error = -errno;
	log_debug("the service manager is not listening: %s", strerror(-error));
	return error;
}

/* No signal cuts it short: what is sent here must arrive if it can. */
static void wait_for(struct pollfd *event, int patience_ms)
{
	const struct timespec patience = {
		.tv_sec = patience_ms / 1000,
		.tv_nsec = patience_ms % 1000 * 1000000L,
	};
	sigset_t signals;

	sigfillset(&signals);
	ppoll(event, 1, &patience, &signals);
}

/* Returns -1 without a service manager that wants to hear. */
static int connect_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	CLEANUP(cleanup_fd) int fd = -1;

	if (length < 2 || length >= sizeof(address.sun_path) || !strchr("/@", *path))
		return -1;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -1;
	return TAKE_FD(fd);
}
