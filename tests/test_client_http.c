// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_endpoint.h"
#include "client_http.h"
#include "client_server.h"

#define GET                                                                                        \
	{                                                                                          \
		.method = "GET", .target = "/health", .timeout_seconds = 10                        \
	}

static struct client_server server;
static struct client_http_reply reply;

/* Sends @request to a server that answers with @text. */
static int exchange(const struct client_http_request *request, const char *text, size_t bytes)
{
	const struct canned answer = { text, bytes };
	struct client_endpoint endpoint = { .socket = server.socket };

	client_server_start(&server, &answer, 1);
	return client_http_exchange(&endpoint, request, &reply);
}

static int get(const char *text)
{
	const struct client_http_request request = GET;

	return exchange(&request, text, 0);
}

static void tear_down(void)
{
	client_http_reply_clear(&reply);
	if (server.child)
		client_server_stop(&server);
	server.child = 0;
}

START_TEST(a_body_of_known_length)
{
	CLEANUP(cleanup_free) char *asked = NULL;

	ck_assert_int_eq(get("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
			     "content-length: 5\r\n\r\nhello and more"),
			 0);
	ck_assert_uint_eq(reply.status, 200);
	ck_assert_str_eq(reply.content_type, "application/json");
	ck_assert_str_eq(reply.body, "hello");
	ck_assert_uint_eq(reply.body_bytes, 5);
	asked = client_server_requests(&server);
	ck_assert_ptr_nonnull(strstr(asked, "GET /health HTTP/1.1\r\nHost: localhost\r\n"));
	ck_assert_ptr_nonnull(strstr(asked, "\r\nConnection: close\r\n"));
	ck_assert_ptr_null(strstr(asked, "Content-Length"));
}
END_TEST

START_TEST(a_body_in_chunks)
{
	ck_assert_int_eq(get("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
			     "5\r\nhello\r\n7;name=value\r\n, world\r\n0\r\nTrailer: 1\r\n\r\n"),
			 0);
	ck_assert_uint_eq(reply.status, 404);
	ck_assert_str_eq(reply.body, "hello, world");
}
END_TEST

START_TEST(a_body_that_ends_with_the_connection)
{
	ck_assert_int_eq(get("HTTP/1.0 200 OK\r\n\r\nall of it"), 0);
	ck_assert_str_eq(reply.body, "all of it");
}
END_TEST

START_TEST(no_body)
{
	ck_assert_int_eq(get("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), 0);
	ck_assert_uint_eq(reply.status, 204);
	ck_assert_str_eq(reply.body, "");
}
END_TEST

START_TEST(a_large_body)
{
	const struct client_http_request request = GET;
	const size_t bytes = 12 << 20;
	CLEANUP(cleanup_free) char *text = malloc(bytes);
	size_t head;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', bytes);
	head = sprintf(text, "HTTP/1.1 200 OK\r\n\r\n");
	text[head] = 'x';
	ck_assert_int_eq(exchange(&request, text, bytes), 0);
	ck_assert_uint_eq(reply.body_bytes, bytes - head);
	ck_assert_uint_eq(strlen(reply.body), bytes - head);
}
END_TEST

START_TEST(a_body_is_sent)
{
	CLEANUP(cleanup_free) char *asked = NULL;
	const struct client_http_request request = {
		.method = "PATCH",
		.target = "/policies/a",
		.content_type = "application/merge-patch+json",
		.body = "{\"log\":true}",
		.body_bytes = 12,
		.timeout_seconds = 10,
	};

	ck_assert_int_eq(exchange(&request, "HTTP/1.1 200 OK\r\n\r\n{}", 0), 0);
	asked = client_server_requests(&server);
	ck_assert_ptr_nonnull(strstr(asked, "PATCH /policies/a HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(asked, "\r\nContent-Type: application/merge-patch+json\r\n"
					    "Content-Length: 12\r\n\r\n{\"log\":true}"));
}
END_TEST

static const char *const broken[] = {
	"",
	"HTTP/1.1 200",
	"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nab",
	"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello\r\n",
	"SSH-2.0-OpenSSH_9.2p1\r\n",
	"HTTP/1.1 007 Bond\r\n\r\n",
};

START_TEST(what_is_not_http)
{
	ck_assert_msg(get(broken[_i]) == -EBADMSG, "accepted: %s", broken[_i]);
	ck_assert_ptr_null(reply.body);
}
END_TEST

START_TEST(endless_headers)
{
	CLEANUP(cleanup_free) char *text = calloc(1, 1 << 16);
	size_t length;

	ck_assert_ptr_nonnull(text);
	length = sprintf(text, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 200; i++)
		length += sprintf(text + length, "Header-%d: x\r\n", i);
	ck_assert_int_eq(get(text), -EBADMSG);
	client_server_stop(&server);
	memset(text + 17, 'x', 60000);
	ck_assert_int_eq(get(text), -EBADMSG);
}
END_TEST

struct pieces {
	char text[64];
	size_t bytes;
	int after; /* what to answer once there is something */
};

static int take(void *context, const char *data, size_t bytes)
{
	struct pieces *pieces = context;

	ck_assert_uint_lt(pieces->bytes + bytes, sizeof(pieces->text));
	memcpy(pieces->text + pieces->bytes, data, bytes);
	pieces->bytes += bytes;
	return pieces->after;
}

START_TEST(a_stream)
{
	struct pieces pieces = { .after = 0 };
	struct client_http_request request = GET;

	request.sink = take;
	request.context = &pieces;
	ck_assert_int_eq(exchange(&request,
				  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				  "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
				  0),
			 0);
	ck_assert_str_eq(pieces.text, "abcdef");
	ck_assert_ptr_null(reply.body);
}
END_TEST

START_TEST(a_stream_that_its_reader_ends)
{
	struct pieces pieces = { .after = -ECANCELED };
	struct client_http_request request = GET;

	request.sink = take;
	request.context = &pieces;
	ck_assert_int_eq(exchange(&request,
				  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				  "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
				  0),
			 -ECANCELED);
	ck_assert_str_eq(pieces.text, "abc");
}
END_TEST

START_TEST(a_refused_stream_is_collected)
{
	struct pieces pieces = { .after = 0 };
	struct client_http_request request = GET;

	request.sink = take;
	request.context = &pieces;
	ck_assert_int_eq(exchange(&request, "HTTP/1.1 403 Forbidden\r\n\r\n{}", 0), 0);
	ck_assert_uint_eq(pieces.bytes, 0);
	ck_assert_str_eq(reply.body, "{}");
}
END_TEST

START_TEST(nobody_there)
{
	const struct client_http_request request = GET;
	struct client_endpoint endpoint = { .socket = "/nonexistent/pepctl.sock" };
	char path[300];

	ck_assert_int_eq(client_http_exchange(&endpoint, &request, &reply), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	endpoint.socket = path;
	ck_assert_int_eq(client_http_exchange(&endpoint, &request, &reply), -ENAMETOOLONG);
}
END_TEST

static const struct {
	const char *url;
	int result;
	const char *host, *port;
} urls[] = {
	{ "http://localhost", 0, "localhost", "80" },
	{ "http://127.0.0.1:8080", 0, "127.0.0.1", "8080" },
	{ "HTTP://127.0.0.1:8080/", 0, "127.0.0.1", "8080" },
	{ "http://[::1]:8080/", 0, "::1", "8080" },
	{ "http://[::1]", 0, "::1", "80" },
	{ "https://localhost", 0, "localhost", "443" },
	{ "HTTPS://[::1]:8443/", 0, "::1", "8443" },
	{ "httpsx://localhost", -EINVAL, NULL, NULL },
	{ "localhost:8080", -EINVAL, NULL, NULL },
	{ "http://", -EINVAL, NULL, NULL },
	{ "http://[::1", -EINVAL, NULL, NULL },
	{ "http://[]:80", -EINVAL, NULL, NULL },
	{ "http://host:", -EINVAL, NULL, NULL },
	{ "http://host:/", -EINVAL, NULL, NULL },
	{ "http://host:80x", -EINVAL, NULL, NULL },
	{ "http://host:123456", -EINVAL, NULL, NULL },
	{ "http://host/policies", -EINVAL, NULL, NULL },
	{ "http://host?x", -EINVAL, NULL, NULL },
	{ "http://host:80?x", -EINVAL, NULL, NULL },
};

START_TEST(a_url)
{
	struct client_endpoint endpoint = { 0 };

	ck_assert_msg(client_endpoint_parse(urls[_i].url, &endpoint) == urls[_i].result, "%s",
		      urls[_i].url);
	if (urls[_i].result)
		return;
	ck_assert_str_eq(endpoint.host, urls[_i].host);
	ck_assert_str_eq(endpoint.port, urls[_i].port);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_http");
	TCase *tests = tcase_create("exchange");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, NULL, tear_down);
	tcase_add_test(tests, a_body_of_known_length);
	tcase_add_test(tests, a_body_in_chunks);
	tcase_add_test(tests, a_body_that_ends_with_the_connection);
	tcase_add_test(tests, no_body);
	tcase_add_test(tests, a_large_body);
	tcase_add_test(tests, a_body_is_sent);
	tcase_add_loop_test(tests, what_is_not_http, 0, ARRAY_SIZE(broken));
	tcase_add_test(tests, endless_headers);
	tcase_add_test(tests, a_stream);
	tcase_add_test(tests, a_stream_that_its_reader_ends);
	tcase_add_test(tests, a_refused_stream_is_collected);
	tcase_add_test(tests, nobody_there);
	tcase_add_loop_test(tests, a_url, 0, ARRAY_SIZE(urls));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
