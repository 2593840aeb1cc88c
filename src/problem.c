// SPDX-License-Identifier: Apache-2.0
#include "problem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct problems *problems, const char *pointer, bool warning, const char *format,
		   va_list arguments) __attribute__((format(printf, 4, 0)));

void problem_add(struct problems *problems, const char *pointer, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append(problems, pointer, false, format, arguments);
	va_end(arguments);
	problems->errors++;
}

void problem_warn(struct problems *problems, const char *pointer, const char *format, ...)
{
	va_list arguments;
	bool lost = problems->out_of_memory;

	va_start(arguments, format);
	append(problems, pointer, true, format, arguments);
	va_end(arguments);
	/* What could not be said might have mattered. */
	if (problems->out_of_memory && !lost)
		problems->errors++;
}

void problems_prefix(struct problems *problems, size_t first, const char *prefix)
{
	for (size_t i = first; i < problems->count; i++) {
		char *pointer;

		if (asprintf(&pointer, "%s%s", prefix, problems->list[i].pointer) < 0) {
			problems->out_of_memory = true;
			problems->errors++;
			return;
		}
		free(problems->list[i].pointer);
		problems->list[i].pointer = pointer;
	}
}

void problems_clear(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->list[i].pointer);
		free(problems->list[i].detail);
	}
	free(problems->list);
	*problems = (struct problems){ 0 };
}

/* Room for one more entry: the list doubles, so no capacity need be kept. */
static bool make_room(struct problems *problems)
{
	size_t count = problems->count;
	struct problem *list;

	if (count & (count - 1))
		return true;
	list = reallocarray(problems->list, count ? count * 2 : 1, sizeof(*list));
	if (!list)
		return false;
	problems->list = list;
	return true;
}

void problems_move(struct problems *from, struct problems *to)
{
	for (size_t i = 0; i < from->count; i++) {
		if (make_room(to)) {
			to->list[to->count++] = from->list[i];
			from->list[i] = (struct problem){ 0 };
		} else {
			to->out_of_memory = true;
		}
	}
	to->errors += from->errors;
	to->out_of_memory |= from->out_of_memory;
	problems_clear(from);
}

static void append(struct problems *problems, const char *pointer, bool warning, const char *format,
		   va_list arguments)
{
	struct problem problem = { .warning = warning };

	if (vasprintf(&problem.detail, format, arguments) < 0)
		problem.detail = NULL;
	problem.pointer = strdup(pointer);
	if (!problem.detail || !problem.pointer || !make_room(problems)) {
		free(problem.detail);
		free(problem.pointer);
		problems->out_of_memory = true;
		return;
	}
	problems->list[problems->count++] = problem;
}
