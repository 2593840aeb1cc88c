/* SPDX-License-Identifier: Apache-2.0 */
#include "client_http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "client_endpoint.h"

#define HEADER_LINES 100
#define BODY_MAX (1UL << 30)

/* A connection, with TLS or without. */
struct line {
	int fd;
	struct client_tls *tls; /* NULL: without */
};

struct reader {
	const struct line *line;
	size_t start, end; /* what was received and not yet used */
	char data[16384];
};

/* Where a body goes. */
struct body {
	client_http_sink sink;
	void *context;
	char *data;
	size_t bytes, capacity;
};

struct head {
	unsigned int status;
	bool chunked;
	bool has_length;
	uint64_t length;
	char content_type[64];
};

static int open_line(const struct client_endpoint *endpoint, unsigned int timeout_seconds,
		     struct line *ret, char *ret_fault);
static int send_request(const struct line *line, const struct client_endpoint *endpoint,
			const struct client_http_request *request);
static int read_reply(struct reader *reader, const struct client_http_request *request,
		      struct client_http_reply *ret);

static void line_close(struct line *line)
{
	client_tls_free(&line->tls);
	cleanup_fd(&line->fd);
}

int client_http_exchange(const struct client_endpoint *endpoint,
			 const struct client_http_request *request, struct client_http_reply *ret)
{
	CLEANUP(cleanup_free) struct reader *reader = NULL;
	CLEANUP(line_close) struct line line = { .fd = -1 };
	int sent, result;

	reader = malloc(sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	result = open_line(endpoint, request->timeout_seconds, &line, ret->fault);
	if (result)
		return result;

	/* A server that refuses a body may answer and close before it has read it all. */
	sent = send_request(&line, endpoint, request);
	if (sent && sent != -EPIPE && sent != -ECONNRESET)
		return sent;
	reader->line = &line;
	reader->start = reader->end = 0;
	result = read_reply(reader, request, ret);
	return result < 0 && sent ? sent : result;
}

void client_http_reply_clear(struct client_http_reply *reply)
{
	free(reply->body);
	memset(reply, 0, sizeof(*reply));
}

static int open_line(const struct client_endpoint *endpoint, unsigned int timeout_seconds,
		     struct line *ret, char *ret_fault)
{
	int result = client_endpoint_connect(endpoint, timeout_seconds, &ret->fd);

	if (!result && endpoint->tls)
		result = client_tls_open(endpoint, ret->fd, &ret->tls, ret_fault);
	return result;
}

/* Returns how many bytes, 0 at the end, -errno. */
static ssize_t receive(const struct line *line, char *data, size_t bytes)
{
	ssize_t got;

	if (line->tls)
		return client_tls_receive(line->tls, data, bytes);
	do
		got = recv(line->fd, data, bytes, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return got;
}

static ssize_t send_some(const struct line *line, const char *data, size_t bytes)
{
	ssize_t sent;

	if (line->tls)
		return client_tls_send(line->tls, data, bytes);
	do
		sent = send(line->fd, data, bytes, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return sent;
}

static int send_all(const struct line *line, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t sent = send_some(line, data, bytes);

		if (sent <= 0)
			return sent ? (int)sent : -EPIPE;
		data += sent;
		bytes -= sent;
	}
	return 0;
}

static int send_request(const struct line *line, const struct client_endpoint *endpoint,
			const struct client_http_request *request)
{
	const char *host = endpoint->host[0] ? endpoint->host : "localhost";
	CLEANUP(cleanup_free) char *head = NULL;
	const char *bracket = strchr(host, ':') ? "[" : "";
	char body_head[160] = "";
	int length, result;

	if (request->content_type)
		snprintf(body_head, sizeof(body_head),
			 "Content-Type: %s\r\nContent-Length: %zu\r\n", request->content_type,
			 request->body_bytes);
	else if (strcmp(request->method, "GET") != 0)
		snprintf(body_head, sizeof(body_head), "Content-Length: 0\r\n");
	length = asprintf(&head,
			  "%s %s HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: pepctl\r\n"
			  "Accept: */*\r\nConnection: close\r\n%s%s%s%s%s\r\n",
			  request->method, request->target, bracket, host, *bracket ? "]" : "",
			  *endpoint->token ? "Authorization: Bearer " : "", endpoint->token,
			  *endpoint->token ? "\r\n" : "", request->headers ? request->headers : "",
			  body_head);
	if (length < 0) {
		head = NULL;
		return -ENOMEM;
	}
	result = send_all(line, head, length);
	if (!result && request->content_type)
		result = send_all(line, request->body, request->body_bytes);
	return result;
}

/* Receives more. Returns 0, -ENODATA at the end, -errno. */
static int reader_fill(struct reader *reader)
{
	ssize_t got = receive(reader->line, reader->data, sizeof(reader->data));

	if (got < 0)
		return (int)got;
	if (!got)
		return -ENODATA;
	reader->start = 0;
	reader->end = got;
	return 0;
}

/* Reads a line without its end. */
static int reader_line(struct reader *reader, char *line, size_t size)
{
	size_t length = 0;

	for (;;) {
		char c;

		if (reader->start == reader->end) {
			int result = reader_fill(reader);

			if (result)
				return result == -ENODATA ? -EBADMSG : result;
		}
		c = reader->data[reader->start++];
		if (c == '\n')
			break;
		if (length + 1 >= size)
			return -EBADMSG;
		line[length++] = c;
	}
	if (length && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	return 0;
}

static int body_append(struct body *body, const char *data, size_t bytes)
{
	if (body->sink)
		return body->sink(body->context, data, bytes);
	if (bytes > BODY_MAX - body->bytes)
		return -EFBIG;
	if (body->bytes + bytes >= body->capacity) {
		size_t capacity = 2 * (body->bytes + bytes) + 4096;
		char *grown = realloc(body->data, capacity);

		if (!grown)
			return -ENOMEM;
		body->data = grown;
		body->capacity = capacity;
	}
	memcpy(body->data + body->bytes, data, bytes);
	body->bytes += bytes;
	body->data[body->bytes] = '\0';
	return 0;
}

/* Reads @bytes of body, or all there is until the end with UINT64_MAX. */
static int read_plain(struct reader *reader, uint64_t bytes, struct body *body)
{
	while (bytes) {
		size_t part = reader->end - reader->start;
		int result;

		if (!part) {
			result = reader_fill(reader);
			if (result == -ENODATA)
				return bytes == UINT64_MAX ? 0 : -EBADMSG;
			if (result)
				return result;
			continue;
		}
		if (part > bytes)
			part = bytes;
		result = body_append(body, reader->data + reader->start, part);
		if (result)
			return result;
		reader->start += part;
		bytes -= bytes == UINT64_MAX ? 0 : part;
	}
	return 0;
}

static int parse_number(const char *text, int base, uint64_t max, uint64_t *ret)
{
	char *end;

	if (!strchr(base == 16 ? "0123456789abcdefABCDEF" : "0123456789", *text) || !*text)
		return -EBADMSG;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return errno || *ret > max || (*end && !strchr("; \t", *end)) ? -EBADMSG : 0;
}

static int read_chunked(struct reader *reader, struct body *body)
{
	char line[1024];
	int result;

	for (;;) {
		uint64_t bytes;

		result = reader_line(reader, line, sizeof(line));
		if (!result)
			result = parse_number(line, 16, BODY_MAX, &bytes);
		if (result)
			return result;
		if (!bytes)
			break;
		result = read_plain(reader, bytes, body);
		if (!result)
			result = reader_line(reader, line, sizeof(line));
		if (result)
			return result;
		if (*line)
			return -EBADMSG;
	}
	do /* trailers */
		result = reader_line(reader, line, sizeof(line));
	while (!result && *line);
	return result;
}

static int read_header(const char *line, struct head *head)
{
	const char *value = strchr(line, ':');
	size_t name = value ? (size_t)(value - line) : 0;

	if (!name)
		return -EBADMSG;
	value += 1 + strspn(value + 1, " \t");
	if (name == 14 && !strncasecmp(line, "Content-Length", name)) {
		head->has_length = true;
		return parse_number(value, 10, BODY_MAX, &head->length);
	}
	if (name == 17 && !strncasecmp(line, "Transfer-Encoding", name))
		head->chunked = strcasestr(value, "chunked");
	if (name == 12 && !strncasecmp(line, "Content-Type", name))
		snprintf(head->content_type, sizeof(head->content_type), "%.*s",
			 (int)strcspn(value, "; \t"), value);
	return 0;
}

/* "HTTP/1.1 200 OK" */
static int read_status(const char *line, unsigned int *ret)
{
	uint64_t status;

	if (strncmp(line, "HTTP/1.", 7) != 0 || !line[7] || line[8] != ' ' ||
	    parse_number(line + 9, 10, 999, &status) || status < 100)
		return -EBADMSG;
	*ret = (unsigned int)status;
	return 0;
}

static int read_head(struct reader *reader, struct head *ret)
{
	char line[8192] = "";
	unsigned int lines;
	int result;

	memset(ret, 0, sizeof(*ret));
	result = reader_line(reader, line, sizeof(line));
	if (result)
		return result;
	result = read_status(line, &ret->status);
	if (result)
		return result;
	for (lines = 0; lines < HEADER_LINES; lines++) {
		result = reader_line(reader, line, sizeof(line));
		if (result || !*line)
			return result;
		result = read_header(line, ret);
		if (result)
			return result;
	}
	return -EBADMSG;
}

static int read_reply(struct reader *reader, const struct client_http_request *request,
		      struct client_http_reply *ret)
{
	struct body body = { 0 };
	struct head head;
	int result;

	do
		result = read_head(reader, &head);
	while (!result && head.status < 200);
	if (result)
		return result;
	if (head.status == 200 && request->sink) {
		body.sink = request->sink;
		body.context = request->context;
	} else {
		result = body_append(&body, "", 0);
	}
	if (!result && head.status != 204)
		result = head.chunked
				 ? read_chunked(reader, &body)
				 : read_plain(reader, head.has_length ? head.length : UINT64_MAX,
					      &body);
	if (result) {
		free(body.data);
		return result;
	}
	ret->status = head.status;
	ret->body = body.data;
	ret->body_bytes = body.bytes;
	memcpy(ret->content_type, head.content_type, sizeof(ret->content_type));
	return 0;
}
