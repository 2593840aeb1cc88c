/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl events: what happens, a line each, until somebody has seen enough. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_http.h"
#include "client_json.h"
#include "client_packet.h"
#include "client_request.h"
#include "client_sse.h"
#include "client_text.h"
#include "json.h"
#include "problem.h"

/* What the callbacks of a stream need. */
struct watch {
	struct client *client;
	struct client_sse sse;
};

static int take_piece(void *context, const char *data, size_t bytes);
static int print_event(void *context, const char *name, const char *data);
static char *events_target(struct client *client);

int client_events(struct client *client)
{
	CLEANUP(client_http_reply_clear) struct client_http_reply reply = { 0 };
	CLEANUP(cleanup_free) char *target = events_target(client);
	struct watch watch = { .client = client };
	const struct client_http_request request = {
		.method = "GET",
		.target = target,
		.sink = take_piece,
		.context = &watch,
	};
	int result;

	if (!target)
		return client_fail(client, "out of memory");
	watch.sse.callback = print_event;
	watch.sse.context = &watch;
	result = client_http_exchange(&client->endpoint, &request, &reply);
	client_sse_clear(&watch.sse);
	if (result == -EPIPE)
		return CLIENT_REFUSED; /* nobody reads our output any more */
	if (reply.status && reply.status != 200)
		return client_explain_problem(client, reply.status, reply.body, reply.body_bytes);
	if (result && result != -EBADMSG && result != -ECONNRESET)
		return client_explain_unreachable(client, result, reply.fault);
	client_fail(client, "the daemon has closed the stream of events");
	return CLIENT_NO_DAEMON;
}

static char *events_target(struct client *client)
{
	const char *policy = client->value[OPTION_POLICY], *verdict = client->value[OPTION_VERDICT];
	CLEANUP(cleanup_free) char *id = client_encode(policy ? policy : "");
	CLEANUP(cleanup_free) char *word = client_encode(verdict ? verdict : "");
	char *target;

	if (!id || !word ||
	    asprintf(&target, "/events%s%s%s%s", policy ? "?policy=" : "", id,
		     !verdict ? ""
		     : policy ? "&verdict="
			      : "?verdict=",
		     word) < 0)
		return NULL;
	return target;
}

static int take_piece(void *context, const char *data, size_t bytes)
{
	struct watch *watch = context;

	return client_sse_feed(&watch->sse, data, bytes);
}

/* "HH:MM:SS.mmm" of here. */
static void print_time(FILE *out, const char *time)
{
	time_t seconds = text_time(time);
	const char *fraction = strchr(time, '.');
	char text[16];
	struct tm parts;

	if (seconds < 0 || !localtime_r(&seconds, &parts) ||
	    !strftime(text, sizeof(text), "%H:%M:%S", &parts))
		return;
	fprintf(out, "%s.%-3.3s ", text, fraction ? fraction + 1 : "000");
}

static void print_line(struct client *client, struct json_object *event)
{
	const char *verdict = client_text(event, "verdict"), *policy = client_text(event, "policy");
	FILE *out = client->out;

	print_time(out, client_text(event, "time"));
	fputs(text_color(strcmp(verdict, "drop") ? COLOR_GOOD : COLOR_BAD, client->color), out);
	fprintf(out, "%-4s", verdict);
	fprintf(out, "%s ", text_color(COLOR_NONE, client->color));
	client_print_packet(out, event);
	fprintf(out, ", %s ", client_text(event, "direction"));
	text_print(out, client_text(event, "interface"));
	fprintf(out, ": %s ", *policy ? "policy" : "reason");
	text_print(out, *policy ? policy : client_text(event, "reason"));
	fputc('\n', out);
}

static int print_event(void *context, const char *name, const char *data)
{
	struct watch *watch = context;
	struct client *client = watch->client;
	CLEANUP(cleanup_json) struct json_object *event = NULL;
	CLEANUP(problems_clear) struct problems ignored = { 0 };

	if (json_read(data, strlen(data), 0, &event, &ignored))
		return -EBADMSG;
	if (client->value[OPTION_JSON])
		client_json_print_line(client->out, event);
	else if (!strcmp(name, "lost"))
		fprintf(client->out, "(%s events are lost: too many at once)\n",
			client_text(event, "lost"));
	else
		print_line(client, event);
	return fflush(client->out) ? -EPIPE : 0;
}
