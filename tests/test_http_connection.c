/* SPDX-License-Identifier: Apache-2.0 */
/* evhttp over a Unix socket, with clients in the same loop. */
#include <check.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cleanup.h"
#include "http_connection.h"
#include "http_listener.h"
#include "policy_text.h"

#define ROUNDS 1000 /* of the loop, until something must have happened */

static struct event_base *base;
static struct evhttp *server;
static struct http_connections *connections;
static struct http_listener listener;
static char directory[40];
static char address[80];
static int opened, refused;
static struct evhttp_request *held; /* a request that is not answered */
static bool hold, closed;

static void note_opened(void *context)
{
	(void)context;
	opened++;
}

static const char *explain(void *context, int status)
{
	(void)context;
	return status == 413 ? "too large" : "not understood";
}

static void note_refused(void *context, int status, int fd)
{
	(void)context;
	ck_assert_int_ge(fd, 0);
	refused = status;
}

static void note_closed(void *context)
{
	(void)context;
	closed = true;
	if (!evhttp_request_get_connection(held))
		evhttp_request_free(held);
}

static void answer(struct evhttp_request *request, void *context)
{
	struct http_connection *connection = http_connection_claim(connections, request);

	(void)context;
	ck_assert_ptr_nonnull(connection);
	if (!hold) {
		evhttp_send_reply(request, 200, "OK", NULL);
		return;
	}
	held = request;
	evhttp_send_reply_start(request, 200, "OK");
	http_connection_on_close(connection, note_closed, NULL);
}

static void begin(void)
{
	const struct http_connections_calls calls = {
		.opened = note_opened,
		.explain = explain,
		.refused = note_refused,
	};

	strcpy(directory, "/tmp/pepctl-connection-XXXXXX");
	opened = refused = 0;
	hold = closed = false;
	base = event_base_new();
	server = evhttp_new(base);
	ck_assert_ptr_nonnull(server);
	connections = http_connections_new(base, server, &calls);
	ck_assert_ptr_nonnull(connections);
	evhttp_set_gencb(server, answer, NULL);
	evhttp_set_max_body_size(server, 10);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(address, sizeof(address), HTTP_LISTENER_UNIX "%s/sock", directory);
	listener.address = address;
	ck_assert_int_eq(http_listener_open(&listener, base, server), 0);
}

static void end(void)
{
	http_listener_close(&listener, server);
	http_connections_free(&connections);
	evhttp_free(server);
	event_base_free(base);
	rmdir(directory);
}

static int connect_client(void)
{
	struct sockaddr_un there = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(there.sun_path, address + strlen(HTTP_LISTENER_UNIX));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&there, sizeof(there)), 0);
	return fd;
}

/* Sends @text and runs the loop until there is an answer. */
static void ask(int fd, const char *text, char ret[1024])
{
	ssize_t bytes = -1;

	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	for (int i = 0; i < ROUNDS && bytes < 0; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		bytes = recv(fd, ret, 1023, 0);
	}
	ck_assert_int_gt(bytes, 0);
	ret[bytes] = '\0';
}

static void wait_count(size_t count)
{
	for (int i = 0; i < ROUNDS && http_connections_count(connections) != count; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		http_connections_sweep(connections);
	}
	ck_assert_uint_eq(http_connections_count(connections), count);
}

static void assert_problem(const char *text, int status, const char *detail)
{
	char line[32];

	snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	ck_assert_ptr_eq(strstr(text, line), text);
	ck_assert_ptr_nonnull(strstr(text, "Content-Type: application/problem+json\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "Connection: close\r\n"));
	ck_assert_ptr_nonnull(strstr(text, detail));
	ck_assert_ptr_null(strstr(text, "<HTML>"));
	ck_assert_int_eq(refused, status);
}

START_TEST(what_evhttp_refuses_is_a_problem_document)
{
	CLEANUP(cleanup_fd) int fd = connect_client();
	char text[1024];

	ask(fd, "nonsense\r\n\r\n", text);
	assert_problem(text, 400, "not understood");
	wait_count(0);
}
END_TEST

START_TEST(so_it_is_after_a_good_request)
{
	CLEANUP(cleanup_fd) int fd = connect_client();
	char text[1024];

	for (int i = 0; i < 3; i++) {
		ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text);
		ck_assert_ptr_eq(strstr(text, "HTTP/1.1 200 OK"), text);
		ck_assert_int_eq(refused, 0);
	}
	ask(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n12345678901", text);
	assert_problem(text, 413, "too large");
	cleanup_fd(&fd);
	wait_count(0);
}
END_TEST

START_TEST(interim_answers_pass)
{
	CLEANUP(cleanup_fd) int fd = connect_client();
	char text[1024];

	ask(fd, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
	    text);
	ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
	ask(fd, "ab", text);
	ck_assert_ptr_eq(strstr(text, "HTTP/1.1 200 OK"), text);
}
END_TEST

static const char *const large_bodies[] = {
	"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n",
	"Content-Length: 11\r\n\r\n",
	"Content-Length: 10000000000\r\n\r\n",
};

/* Before any of the body, and without a reset for who sends it nevertheless. */
START_TEST(a_large_body_is_refused_at_once)
{
	CLEANUP(cleanup_fd) int fd = connect_client();
	char text[1024];

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\n%s", large_bodies[_i]);
	ask(fd, text, text);
	assert_problem(text, 413, "too large");
	for (int i = 0; i < 100; i++) {
		http_connections_sweep(connections);
		ck_assert(http_connections_linger(connections));
		ck_assert_int_eq(send(fd, "12345678901", 11, MSG_NOSIGNAL), 11);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 0);
	cleanup_fd(&fd);
	wait_count(0);
	ck_assert(!http_connections_linger(connections));
}
END_TEST

START_TEST(connections_are_counted)
{
	CLEANUP(cleanup_fd) int silent = connect_client();
	CLEANUP(cleanup_fd) int half = connect_client();
	CLEANUP(cleanup_fd) int whole = connect_client();
	char text[1024];

	ask(whole, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text);
	wait_count(3);
	ck_assert_int_eq(opened, 3);
	ck_assert_int_eq(send(half, "GET", 3, MSG_NOSIGNAL), 3);
	cleanup_fd(&silent);
	wait_count(2);
	cleanup_fd(&half);
	wait_count(1);
	cleanup_fd(&whole);
	wait_count(0);
}
END_TEST

START_TEST(client_that_leaves_is_told_of)
{
	CLEANUP(cleanup_fd) int fd = connect_client();
	char text[1024];

	hold = true;
	ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text);
	ck_assert(!closed);
	cleanup_fd(&fd);
	wait_count(0);
	ck_assert(closed);
}
END_TEST

START_TEST(answers_under_way_end_with_the_server)
{
	CLEANUP(cleanup_fd) int fd = connect_client();
	char text[1024];

	hold = true;
	ask(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text);
	http_connections_free(&connections);
	ck_assert(closed);
}
END_TEST

START_TEST(who_sends_a_byte_now_and_then_is_ended)
{
	CLEANUP(cleanup_fd) int slow = connect_client();
	CLEANUP(cleanup_fd) int quick = connect_client();
	char text[1024];

	ck_assert_int_eq(send(slow, "GET / HT", 8, MSG_NOSIGNAL), 8);
	ask(quick, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text);
	wait_count(2);
	http_connections_expire(connections, UINT64_MAX / 10);
	wait_count(2);
	ck_assert_int_eq(send(slow, "TP", 2, MSG_NOSIGNAL), 2);
	http_connections_expire(connections, 0);
	wait_count(0);
	ck_assert_int_eq(recv(slow, text, sizeof(text), 0), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("http_connection");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, what_evhttp_refuses_is_a_problem_document);
	tcase_add_test(tcase, so_it_is_after_a_good_request);
	tcase_add_test(tcase, interim_answers_pass);
	tcase_add_loop_test(tcase, a_large_body_is_refused_at_once, 0, ARRAY_SIZE(large_bodies));
	tcase_add_test(tcase, connections_are_counted);
	tcase_add_test(tcase, client_that_leaves_is_told_of);
	tcase_add_test(tcase, answers_under_way_end_with_the_server);
	tcase_add_test(tcase, who_sends_a_byte_now_and_then_is_ended);
	return run_case("http_connection", tcase);
}
