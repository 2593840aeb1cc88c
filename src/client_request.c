/* SPDX-License-Identifier: Apache-2.0 */
#include "client_request.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_http.h"
#include "client_json.h"
#include "client_text.h"
#include "directories.h"
#include "json.h"
#include "json_scan.h"
#include "problem.h"

#define TIMEOUT_SECONDS 60

static char *full_target(struct client *client, const struct client_request *request);
static int read_answer(struct client *client, const struct client_http_reply *reply,
		       struct json_object **ret);
static void note_pending(struct client *client, struct json_object *answer);
static int refuse_answer(struct client *client);
static void print_place(struct client *client, struct json_object *problem);

int client_get(struct client *client, const char *target, struct json_object **ret)
{
	const struct client_request request = { .method = "GET", .target = target };

	return client_ask(client, &request, ret);
}

/* Of the request; what a body of JSON becomes stays the JSON's. Returns 0 or -ENOMEM. */
static int set_body(const struct client_request *request, struct client_http_request *http)
{
	if (request->text) {
		http->content_type = request->text_is_json ? "application/json" : "text/plain";
		http->body = request->text;
		http->body_bytes = request->text_bytes;
	} else if (request->body) {
		http->content_type = request->patch ? "application/merge-patch+json"
						    : "application/json";
		http->body = json_object_to_json_string_length(
			request->body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
			&http->body_bytes);
		if (!http->body)
			return -ENOMEM;
	}
	return 0;
}

/* An answer that is none for the caller is told here. */
static int exchange(struct client *client, const struct client_request *request,
		    struct client_http_reply *ret)
{
	CLEANUP(cleanup_free) char *target = full_target(client, request);
	struct client_http_request http = {
		.method = request->method,
		.target = target,
		.headers = request->must_be_new ? "If-None-Match: *\r\n" : NULL,
		.timeout_seconds = TIMEOUT_SECONDS,
	};
	int result;

	if (!target || set_body(request, &http))
		return client_fail(client, "out of memory");
	result = client_http_exchange(&client->endpoint, &http, ret);
	if (result && request->ask_only)
		return result == -EACCES ? CLIENT_NOT_PERMITTED : CLIENT_NO_DAEMON;
	if (result)
		return client_explain_unreachable(client, result, ret->fault);
	if (ret->status / 100 == 2 || (ret->status == 404 && request->may_be_absent) ||
	    (ret->status == 503 && request->may_be_unwell &&
	     !strcmp(ret->content_type, "application/json")))
		return CLIENT_DONE;
	return client_explain_problem(client, ret->status, ret->body, ret->body_bytes);
}

int client_ask(struct client *client, const struct client_request *request,
	       struct json_object **ret)
{
	CLEANUP(client_http_reply_clear) struct client_http_reply reply = { 0 };
	int status = exchange(client, request, &reply);

	if (status)
		return status;
	*ret = NULL;
	if (reply.status == 204 || reply.status == 404)
		return CLIENT_DONE;
	status = read_answer(client, &reply, ret);
	if (!status)
		note_pending(client, *ret);
	return status;
}

int client_get_text(struct client *client, const char *target, char **ret, size_t *ret_size)
{
	CLEANUP(client_http_reply_clear) struct client_http_reply reply = { 0 };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const struct client_request request = { .method = "GET", .target = target };
	int status = exchange(client, &request, &reply);

	if (status)
		return status;
	if (json_scan(reply.body, reply.body_bytes, &problems))
		return refuse_answer(client);
	*ret = TAKE_PTR(reply.body);
	*ret_size = reply.body_bytes;
	return CLIENT_DONE;
}

char *client_encode(const char *text)
{
	char *encoded = malloc(3 * strlen(text) + 1), *next = encoded;

	if (!encoded)
		return NULL;
	for (; *text; text++) {
		if (isascii(*text) && (isalnum(*text) || strchr("-._~@:", *text)))
			*next++ = *text;
		else
			next += sprintf(next, "%%%02X", (unsigned char)*text);
	}
	*next = '\0';
	return encoded;
}

char *client_policy_target(const char *id, const char *query)
{
	CLEANUP(cleanup_free) char *encoded = client_encode(id);
	char *target;

	if (!encoded || asprintf(&target, "/policies/%s%s", encoded, query) < 0)
		return NULL;
	return target;
}

/* Of what there is. */
static const char *start_command(void)
{
	static const char *const units[] = {
		"/etc/systemd/system/pepctl.service",
		"/usr/lib/systemd/system/pepctl.service",
		"/lib/systemd/system/pepctl.service",
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!access(units[i], F_OK))
			return "systemctl start pepctl";
	return "pepctl --config " CONFIG_FILE;
}

int client_explain_unreachable(struct client *client, int error, const char *fault)
{
	const struct client_endpoint *endpoint = &client->endpoint;
	bool socket = !endpoint->host[0];
	const char *at = socket ? endpoint->socket : endpoint->host;

	if ((error == -EACCES || error == -EPERM) && socket) {
		client_fail(client,
			    "not permitted to use %s: be root or a member of the group pepctl", at);
		return CLIENT_NOT_PERMITTED;
	}
	if (error == -EKEYREJECTED)
		return client_fail(client, "%s", fault);
	if (error == -EBADMSG)
		return client_fail(client, "what answers at %s is not pepctl, or broke off", at);
	if (error == -ENOMEM || error == -EFBIG)
		return client_fail(client, "the answer is too large: %s", strerror(-error));
	if (error == -ETIMEDOUT)
		client_fail(client, "the daemon at %s did not answer within %d s", at,
			    TIMEOUT_SECONDS);
	else if (socket)
		client_fail(client,
			    "no daemon answers at %s: %s\n"
			    "  start it with: %s",
			    at, strerror(-error), start_command());
	else
		client_fail(client, "no daemon answers at %s port %s: %s", at, endpoint->port,
			    strerror(-error));
	return CLIENT_NO_DAEMON;
}

int client_explain_problem(struct client *client, unsigned int status, const char *body,
			   size_t bytes)
{
	CLEANUP(cleanup_json) struct json_object *problem = NULL;
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	struct json_object *errors;
	const char *detail;

	if (json_read(body, bytes, 0, &problem, &ignored))
		problem = NULL;
	errors = client_member(problem, "errors");
	detail = client_text(problem, "detail");
	if (!*detail)
		detail = client_text(problem, "title");
	if (!*detail)
		detail = client_text(problem, "error");
	fprintf(client->err, "pepctl: ");
	if (*client_text(problem, "pointer"))
		print_place(client, problem);
	else if (*detail)
		text_print(client->err, detail);
	else
		fprintf(client->err, "refused with HTTP status %u", status);
	fputc('\n', client->err);
	for (size_t i = 0; i < client_length(errors); i++) {
		fputs("  ", client->err);
		print_place(client, json_object_array_get_idx(errors, i));
		fputc('\n', client->err);
	}
	return status == 401 || status == 403 ? CLIENT_NOT_PERMITTED : CLIENT_REFUSED;
}

void client_print_warnings(struct client *client, struct json_object *answer)
{
	struct json_object *warnings = client_member(answer, "warnings");

	for (size_t i = 0; i < client_length(warnings); i++) {
		struct json_object *warning = json_object_array_get_idx(warnings, i);

		fputs("warning: ", client->err);
		if (json_object_is_type(warning, json_type_object))
			print_place(client, warning);
		else
			text_print(client->err, client_text(warning, ""));
		fputc('\n', client->err);
	}
}

static void add_parameter(FILE *stream, char *joint, const char *name, const char *value)
{
	CLEANUP(cleanup_free) char *encoded = client_encode(value);

	fprintf(stream, "%c%s=%s", *joint, name, encoded ? encoded : "");
	*joint = '&';
}

/* No write forgets what was said of it. */
static char *full_target(struct client *client, const struct client_request *request)
{
	const char *seconds = client->value[OPTION_CONFIRM];
	char joint = strchr(request->target, '?') ? '&' : '?';
	bool write = strcmp(request->method, "GET") != 0;
	char *target = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&target, &size);

	if (!stream)
		return NULL;
	fputs(request->target, stream);
	if (write && client->value[OPTION_DRY_RUN])
		add_parameter(stream, &joint, "dry_run", "true");
	if (write && client->value[OPTION_FORCE])
		add_parameter(stream, &joint, "force", "true");
	if (write && seconds)
		add_parameter(stream, &joint, "confirm_seconds", seconds);
	if (fclose(stream)) {
		free(target);
		return NULL;
	}
	return target;
}

static void note_pending(struct client *client, struct json_object *answer)
{
	const char *id = client_text(answer, "pending.id");

	if (!client->value[OPTION_CONFIRM] || !*id)
		return;
	snprintf(client->pending, sizeof(client->pending), "%s", id);
	client->pending_seconds = (unsigned int)client_number(answer, "pending.seconds_left");
}

static int refuse_answer(struct client *client)
{
	return client_fail(client, "what answers at %s does not speak as pepctl does",
			   client->endpoint.host[0] ? client->endpoint.host
						    : client->endpoint.socket);
}

static int read_answer(struct client *client, const struct client_http_reply *reply,
		       struct json_object **ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };

	if (!json_read(reply->body, reply->body_bytes, 0, ret, &problems))
		return CLIENT_DONE;
	*ret = NULL;
	return refuse_answer(client);
}

/* "pointer: detail" */
static void print_place(struct client *client, struct json_object *problem)
{
	const char *pointer = client_text(problem, "pointer");

	if (*pointer) {
		text_print(client->err, pointer);
		fputs(": ", client->err);
	}
	text_print(client->err, client_text(problem, "detail"));
}
