/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cleanup.h"
#include "http_listener.h"
#include "policy_text.h"

static struct event_base *base;
static struct evhttp *server;
static char directory[32];
static char path[64], address[80];
static struct http_listener listener;

static void begin(void)
{
	strcpy(directory, "/tmp/pepctl-listener-XXXXXX");
	base = event_base_new();
	server = evhttp_new(base);
	ck_assert_ptr_nonnull(server);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sock", directory);
	snprintf(address, sizeof(address), HTTP_LISTENER_UNIX "%s", path);
	listener = (struct http_listener){ .address = address };
}

static void end(void)
{
	http_listener_close(&listener, server);
	evhttp_free(server);
	event_base_free(base);
	unlink(path);
	rmdir(directory);
}

/* A socket at the path; it listens when @queue is not 0. */
static int occupy(int queue)
{
	struct sockaddr_un there = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(there.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&there, sizeof(there)), 0);
	if (queue)
		ck_assert_int_eq(listen(fd, queue), 0);
	return fd;
}

START_TEST(socket_is_for_its_group_and_goes_at_the_end)
{
	struct stat status;

	ck_assert_int_eq(http_listener_open(&listener, base, server), 0);
	ck_assert_int_eq(listener.error, 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0660);
	http_listener_close(&listener, server);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(directories_are_made)
{
	char deep[80], text[96];

	snprintf(deep, sizeof(deep), "%s/a/b/sock", directory);
	snprintf(text, sizeof(text), HTTP_LISTENER_UNIX "%s", deep);
	listener.address = text;
	ck_assert_int_eq(http_listener_open(&listener, base, server), 0);
	http_listener_close(&listener, server);
	*strrchr(deep, '/') = '\0';
	ck_assert_int_eq(rmdir(deep), 0);
	*strrchr(deep, '/') = '\0';
	ck_assert_int_eq(rmdir(deep), 0);
}
END_TEST

START_TEST(socket_that_nobody_listens_on_is_removed)
{
	CLEANUP(cleanup_fd) int fd = occupy(0);

	ck_assert_int_eq(http_listener_open(&listener, base, server), 0);
}
END_TEST

START_TEST(socket_that_somebody_listens_on_stays)
{
	CLEANUP(cleanup_fd) int fd = occupy(1);

	ck_assert_int_eq(http_listener_open(&listener, base, server), -EADDRINUSE);
	ck_assert_int_eq(listener.error, EADDRINUSE);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_int_eq(http_listener_open(&listener, base, server), -EEXIST);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(socket_of_somebody_else_is_not_removed_at_the_end)
{
	int other;

	ck_assert_int_eq(http_listener_open(&listener, base, server), 0);
	ck_assert_int_eq(unlink(path), 0);
	other = occupy(1);
	http_listener_close(&listener, server);
	ck_assert_int_eq(access(path, F_OK), 0);
	close(other);
}
END_TEST

static const struct {
	const char *address;
	int result;
} wrong[] = {
	{ "unix:relative", -EINVAL },
	{ "unix:", -EINVAL },
	{ "unix:/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  -EINVAL },
	{ "127.0.0.1", -EINVAL },
	{ "127.0.0.1:0", -EINVAL },
	{ "localhost:8080", -EINVAL },
	{ "8080", -EINVAL },
	{ "", -EINVAL },
};

START_TEST(wrong_addresses_are_refused)
{
	char text[160];

	snprintf(text, sizeof(text), "%s", wrong[_i].address);
	listener.address = text;
	ck_assert_int_eq(http_listener_open(&listener, base, server), wrong[_i].result);
	ck_assert_ptr_null(listener.bound);
}
END_TEST

static const struct {
	const char *address;
	enum http_kind kind;
} kinds[] = {
	{ "unix:/run/sock", HTTP_LOCAL },
	{ "127.0.0.1:8080", HTTP_LOOPBACK },
	{ "127.9.9.9:8080", HTTP_LOOPBACK },
	{ "[::1]:8080", HTTP_LOOPBACK },
	{ "0.0.0.0:8080", HTTP_OPEN },
	{ "[::]:8080", HTTP_OPEN },
	{ "192.0.2.1:8080", HTTP_OPEN },
	{ "128.0.0.1:8080", HTTP_OPEN },
	{ "[::ffff:127.0.0.1]:8080", HTTP_OPEN },
	{ "what is none", HTTP_OPEN },
};

START_TEST(what_is_not_surely_loopback_is_open)
{
	ck_assert_int_eq(http_listener_kind(kinds[_i].address), kinds[_i].kind);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("http_listener");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, socket_is_for_its_group_and_goes_at_the_end);
	tcase_add_test(tcase, directories_are_made);
	tcase_add_test(tcase, socket_that_nobody_listens_on_is_removed);
	tcase_add_test(tcase, socket_that_somebody_listens_on_stays);
	tcase_add_test(tcase, what_is_no_socket_stays);
	tcase_add_test(tcase, socket_of_somebody_else_is_not_removed_at_the_end);
	tcase_add_loop_test(tcase, wrong_addresses_are_refused, 0, ARRAY_SIZE(wrong));
	tcase_add_loop_test(tcase, what_is_not_surely_loopback_is_open, 0, ARRAY_SIZE(kinds));
	return run_case("http_listener", tcase);
}
