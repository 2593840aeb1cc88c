/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "daemon.h"
#include "daemon_state.h"
#include "http.h"
#include "log.h"
#include "notify.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

/* A line that is cut off rather than made longer. */
struct line {
	char *text;
	size_t size, used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void make_one_line(char *text);
static void add_interfaces(struct line *line, const struct daemon *daemon);
static void add_listeners(struct line *line, const struct daemon *daemon);

void daemon_log_problems(const struct problems *problems, const char *what)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		const struct log_field field = { "POINTER", problem->pointer };

		log_write(problem->warning ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, &field,
			  *problem->pointer != '\0', "%s: %s%s%s", what, problem->pointer,
			  *problem->pointer ? ": " : "", problem->detail);
	}
	if (problems->out_of_memory)
		log_error("%s: out of memory", what);
}

void daemon_set_degraded(struct daemon *daemon, const char *format, ...)
{
	va_list arguments;

	free(daemon->degraded);
	daemon->degraded = NULL;
	if (!format)
		return;
	va_start(arguments, format);
	if (vasprintf(&daemon->degraded, format, arguments) < 0)
		daemon->degraded = NULL;
	va_end(arguments);
}

void daemon_give_up(const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_critical("%s", text);
	make_one_line(text);
	notify_status(text);
}

void daemon_status(const struct daemon *daemon, char *text, size_t size)
{
	struct line line = { .text = text, .size = size };
	const size_t files = daemon->set->of_origin[ORIGIN_FILE];

	text[0] = '\0';
	if (daemon->degraded)
		add(&line, "DEGRADED: %s; ", daemon->degraded);
	if (store_error(daemon->store))
		add(&line, "DEGRADED: nothing can be stored in %s: %s; ",
		    daemon->settings->state_dir, strerror(-store_error(daemon->store)));
	add(&line, "%zu policies (%zu from files, %zu by API), default %s, ", daemon->set->count,
	    files, daemon->set->count - files, daemon->settings->default_block ? "BLOCK" : "ALLOW");
	add_interfaces(&line, daemon);
	add_listeners(&line, daemon);
	make_one_line(text);
}

void daemon_tell_status(struct daemon *daemon)
{
	char text[512];
	char *copy;

	if (!daemon->status)
		return;
	daemon_status(daemon, text, sizeof(text));
	if (!strcmp(text, daemon->status))
		return;
	notify_status(text);
	copy = strdup(text);
	if (copy) {
		free(daemon->status);
		daemon->status = copy;
	}
}

/* What is quoted in it came from outside. */
static void make_one_line(char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ')
			*c = ' ';
	}
}

static void add_interfaces(struct line *line, const struct daemon *daemon)
{
	const struct attachment *const *list;
	size_t count = 0, attached = 0;

	if (!daemon->settings->interfaces.count) {
		add(line, "no interface is configured: nothing is enforced");
		return;
	}
	list = attachments_list(daemon->attachments, &count);
	for (size_t i = 0; i < count; i++) {
		if (list[i]->mode) {
			add(line, "%s%s (%s%s)", attached ? ", " : "on ", list[i]->name,
			    list[i]->mode, list[i]->egress ? ", egress" : "");
			attached++;
		}
	}
	if (!attached)
		add(line, "attached to no interface");
	for (size_t i = 0; i < count; i++) {
		if (!list[i]->mode)
			add(line, "; NOT on %s", list[i]->name);
	}
}

static void add_listeners(struct line *line, const struct daemon *daemon)
{
	const struct http_listener_state *list;
	size_t count = 0;

	if (!daemon->http)
		return;
	list = http_listeners(daemon->http, &count);
	for (size_t i = 0; i < count; i++) {
		if (!list[i].up)
			add(line, "; %s is not listened on", list[i].address);
	}
}

static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int written;

	if (line->used >= line->size)
		return;
	va_start(arguments, format);
	written = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);
	va_end(arguments);
	if (written > 0)
		line->used += (size_t)written;
}
