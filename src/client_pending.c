/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl confirm and rollback, and what follows a change with --confirm. */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_pending.h"
#include "client_request.h"
#include "client_text.h"

#define TICK_MS 200

static volatile sig_atomic_t interrupted;

/* ---- the two commands */

/* The one that is pending: there is one at most. */
static int find_change(struct client *client, char ret[CLIENT_CHANGE_ID])
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct json_object *changes;
	int status = client_get(client, "/changes", &json);

	if (status)
		return status;
	changes = client_member(json, "changes");
	if (!client_length(changes))
		return client_fail(client, "no change is pending");
	snprintf(ret, CLIENT_CHANGE_ID, "%s",
		 client_text(json_object_array_get_idx(changes, 0), "id"));
	return CLIENT_DONE;
}

static int end(struct client *client, const char *id, bool confirm)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	CLEANUP(cleanup_free) char *encoded = client_encode(id), *target = NULL;
	struct client_request request = { .method = confirm ? "POST" : "DELETE" };
	int status;

	if (!encoded ||
	    asprintf(&target, "/changes/%s%s", encoded, confirm ? "/confirm" : "") < 0) {
		target = NULL;
		return client_fail(client, "out of memory");
	}
	request.target = target;
	status = client_ask(client, &request, &answer);
	if (status)
		return status;
	if (client->value[OPTION_JSON]) {
		client_json_print(client->out, answer);
		return CLIENT_DONE;
	}
	text_print(client->out, id);
	fputs(confirm ? " is confirmed\n" : " is taken back: what was before is in force\n",
	      client->out);
	return CLIENT_DONE;
}

static int end_named(struct client *client, bool confirm)
{
	char id[CLIENT_CHANGE_ID];
	int status;

	if (client->argument_count)
		return end(client, client->argument[0], confirm);
	status = find_change(client, id);
	return status ? status : end(client, id, confirm);
}

int client_confirm(struct client *client)
{
	return end_named(client, true);
}

int client_rollback(struct client *client)
{
	return end_named(client, false);
}

/* ---- behind a change */

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

enum reply { REPLY_NONE, REPLY_KEEP, REPLY_LEFT };

/* A line keeps it, whatever is on it; the end of the input says nothing. */
static enum reply read_reply(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[256];
	ssize_t size;

	if (poll(&input, 1, TICK_MS) <= 0)
		return REPLY_NONE;
	size = read(STDIN_FILENO, line, sizeof(line));
	if (size > 0)
		return memchr(line, '\n', (size_t)size) ? REPLY_KEEP : REPLY_NONE;
	return size < 0 && errno == EINTR ? REPLY_NONE : REPLY_LEFT;
}

static int say_how(struct client *client)
{
	fprintf(client->out,
		"it goes back in %u s: pepctl confirm %s (makes it stay), pepctl rollback %s\n",
		client->pending_seconds, client->pending, client->pending);
	return CLIENT_DONE;
}

static int count_down(struct client *client)
{
	const int64_t end_ms = now_ms() + client->pending_seconds * 1000LL;
	enum reply reply = REPLY_NONE;
	int64_t left_ms, shown = -1;

	tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed ahead is no answer */
	while (!reply && !interrupted && (left_ms = end_ms - now_ms()) > 0) {
		if ((left_ms + 999) / 1000 != shown) {
			shown = (left_ms + 999) / 1000;
			fprintf(client->out,
				"\rit goes back in %lld s: Enter makes it stay, Ctrl-C takes it "
				"back ",
				(long long)shown);
			fflush(client->out);
		}
		reply = read_reply();
	}
	fputc('\n', client->out);
	if (reply == REPLY_LEFT)
		return say_how(client);
	if (reply == REPLY_KEEP || interrupted)
		return end(client, client->pending, reply == REPLY_KEEP);
	return client_fail(client, "%s was not confirmed: what was before is in force again",
			   client->pending);
}

int client_follow_pending(struct client *client)
{
	const struct sigaction note = { .sa_handler = on_interrupt };

	client->value[OPTION_CONFIRM] = client->value[OPTION_FORCE] =
		NULL; /* what follows is no such change */
	if (client->value[OPTION_JSON])
		return CLIENT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(fileno(client->out)) ||
	    sigaction(SIGINT, &note, NULL) < 0)
		return say_how(client);
	return count_down(client);
}
