/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told, and that it cannot hold us up. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "notify.h"

static char directory[] = "/tmp/pepctl-notify-XXXXXX";
static struct sockaddr_un address;
static int service = -1;

static void listen_at(const char *path, size_t length)
{
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address.sun_path, path, length);
	service = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(service, 0);
	ck_assert_int_eq(bind(service, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
			 0);
}

static void setup(void)
{
	char path[64];

	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/notify", directory);
	listen_at(path, strlen(path));
	setenv("NOTIFY_SOCKET", path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

static void teardown(void)
{
	close(service);
	unlink(address.sun_path);
	rmdir(directory);
}

/* The next message, "" when there is none. */
static const char *heard(void)
{
	static char text[2048];
	ssize_t length = recv(service, text, sizeof(text) - 1, 0);

	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* The descriptor that came with the next message, whose text is @text; -1: none. */
static int heard_with(const char *text)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char data[256] = "";
	struct iovec part = { data, sizeof(data) - 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	int fd = -1;

	ck_assert_int_gt(recvmsg(service, &message, 0), 0);
	ck_assert_str_eq(data, text);
	header = CMSG_FIRSTHDR(&message);
	if (header)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

START_TEST(descriptors_are_stored)
{
	int ends[2], passed;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(notify_store("link-native-1", ends[1]), 0);
	passed = heard_with("FDSTORE=1\nFDNAME=link-native-1\nFDPOLL=0");
	ck_assert_int_eq(write(passed, "x", 1), 1);
	ck_assert_int_eq(read(ends[0], (char[1]){ 0 }, 1), 1);
	notify_unstore("link-native-1");
	ck_assert_str_eq(heard(), "FDSTOREREMOVE=1\nFDNAME=link-native-1");
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_eq(notify_store("link-native-1", ends[1]), -ENOTCONN);
	close(passed);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

static void *hear_barrier(void *context)
{
	struct pollfd readable = { .fd = service, .events = POLLIN };

	(void)context;
	poll(&readable, 1, 5000);
	close(heard_with("BARRIER=1"));
	return NULL;
}

/* It returns when the other side has let go, and not for want of patience. */
START_TEST(barrier_waits_for_the_manager)
{
	struct timespec before, after;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, hear_barrier, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	notify_barrier();
	clock_gettime(CLOCK_MONOTONIC, &after);
	pthread_join(thread, NULL);
	ck_assert_int_lt((after.tv_sec - before.tv_sec) * 1000 +
				 (after.tv_nsec - before.tv_nsec) / 1000000,
			 900);
}
END_TEST

START_TEST(messages_are_those_of_sd_notify)
{
	notify_ready("all is well");
	ck_assert_str_eq(heard(), "READY=1\nSTATUS=all is well");
	notify_status("still");
	ck_assert_str_eq(heard(), "STATUS=still");
	notify_reloading();
	ck_assert_ptr_nonnull(strstr(heard(), "RELOADING=1\nMONOTONIC_USEC="));
	notify_extend(7);
	ck_assert_str_eq(heard(), "EXTEND_TIMEOUT_USEC=7000000");
	notify_stopping();
	ck_assert_str_eq(heard(), "STOPPING=1");
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(an_abstract_socket_will_do)
{
	char name[64];

	teardown();
	snprintf(name, sizeof(name), "@pepctl-notify-%d", (int)getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	*name = '\0';
	listen_at(name, 1 + strlen(name + 1));
	notify_stopping();
	ck_assert_str_eq(heard(), "STOPPING=1");
}
END_TEST

START_TEST(nobody_need_listen)
{
	unsetenv("NOTIFY_SOCKET");
	notify_ready("x");
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_ready("x");
	setenv("NOTIFY_SOCKET", "", 1);
	notify_ready("x");
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_manager_that_hangs_does_not_hang_us)
{
	struct timespec before, after;

	for (int i = 0; i < 2000; i++)
		notify_status("nobody reads this");
	clock_gettime(CLOCK_MONOTONIC, &before);
	notify_ready("important, so it waits a moment");
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_le(after.tv_sec - before.tv_sec, 3);
}
END_TEST

START_TEST(the_watchdog_hears_twice_a_period)
{
	struct event_base *base = event_base_new();
	struct notify_watchdog *watchdog = NULL;
	char pid[16];

	ck_assert_int_eq(notify_watchdog_open(base, &watchdog), 0);
	ck_assert_ptr_null(watchdog);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "100000", 1);
	ck_assert_int_eq(notify_watchdog_open(base, &watchdog), 0);
	ck_assert_ptr_nonnull(watchdog);
	ck_assert_str_eq(heard(), "WATCHDOG=1");
	event_base_loop(base, EVLOOP_ONCE);
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(heard(), "WATCHDOG=1");
	ck_assert_str_eq(heard(), "WATCHDOG=1");
	notify_watchdog_close(&watchdog);
	ck_assert_ptr_null(watchdog);
	event_base_free(base);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notify");
	TCase *tests = tcase_create("notify");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, messages_are_those_of_sd_notify);
	tcase_add_test(tests, descriptors_are_stored);
	tcase_add_test(tests, barrier_waits_for_the_manager);
	tcase_add_test(tests, an_abstract_socket_will_do);
	tcase_add_test(tests, nobody_need_listen);
	tcase_add_test(tests, a_manager_that_hangs_does_not_hang_us);
	tcase_add_test(tests, the_watchdog_hears_twice_a_period);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
