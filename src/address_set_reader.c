// SPDX-License-Identifier: Apache-2.0
#include "address_set_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "problem.h"
#include "reason.h"

#define US_PER_SECOND 1000000
#define TTL_MAX_SECONDS UINT64_C(3155760000) /* 100 years */
#define SHOWN_MAX 60 /* bytes of a bad entry that are shown */
#define PLACE_MAX 4200

void address_reader_clear(struct address_set_reader *reader)
{
	address_draft_clear(&reader->draft);
}

/* Names the place; counts only, when there were many. */
int address_reader_refuse(struct address_set_reader *reader, const char *format, ...)
{
	const char *path = reader->source->path;
	char detail[REASON_MAX + 160], pointer[PLACE_MAX];
	va_list arguments;

	if (reader->refused++ >= ADDRESS_SET_PROBLEMS_MAX)
		return -EINVAL;
	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	if (reader->array)
		snprintf(pointer, sizeof(pointer), "%s/%zu", reader->array, reader->at);
	else
		snprintf(pointer, sizeof(pointer), "%.4000s:%zu", path ? path : "", reader->at);
	if (reader->array || (path && *path))
		problem_add(reader->problems, pointer, "%s", detail);
	else
		problem_add(reader->problems, "", "line %zu: %s", reader->at, detail);
	return -EINVAL;
}

/* To the whole second, upwards: what is printed is what holds. */
int address_reader_ttl(struct address_set_reader *reader, uint64_t seconds, int64_t *ret)
{
	int64_t end_us = reader->source->now_us + (int64_t)seconds * US_PER_SECOND;

	if (reader->source->path)
		return address_reader_refuse(
			reader, "a time to live would begin anew with each reload: say when "
				"it ends instead");
	if (!seconds || seconds > TTL_MAX_SECONDS)
		return address_reader_refuse(
			reader, "a time to live is a number of seconds from 1 to %" PRIu64,
			TTL_MAX_SECONDS);
	*ret = (end_us + US_PER_SECOND - 1) / US_PER_SECOND * US_PER_SECOND;
	return 0;
}

int address_reader_add(struct address_set_reader *reader, const char *text, int64_t expires_at)
{
	struct address_range range;
	struct reason reason;
	int r;

	if (text[0] == '!')
		return address_reader_refuse(
			reader,
			"\"%s\" is an exclusion: a policy says \"!\", and a set only "
			"what is in it",
			text);
	if (address_range_parse(text, &range, &reason) < 0)
		return address_reader_refuse(reader, "\"%.*s\" %s", SHOWN_MAX, text, reason.text);
	if (expires_at && expires_at <= reader->source->now_us) {
		reader->expired++;
		return 0;
	}
	r = address_draft_add(&reader->draft, &range, expires_at);
	if (r == -E2BIG)
		return address_reader_refuse(reader, "there are more than %d entries",
					     ADDRESS_SET_ENTRIES_MAX);
	return r;
}

int address_reader_finish(struct address_set_reader *reader, struct address_set **ret)
{
	const char *place = reader->array	   ? reader->array
			    : reader->source->path ? reader->source->path
						   : "";

	if (reader->refused > ADDRESS_SET_PROBLEMS_MAX)
		problem_add(reader->problems, place, "%zu more entries are wrong",
			    reader->refused - ADDRESS_SET_PROBLEMS_MAX);
	if (reader->expired)
		problem_warn(reader->problems, place,
			     "%zu entries have ended already and are left out", reader->expired);
	if (reader->problems->errors > reader->errors)
		return reader->problems->out_of_memory ? -ENOMEM : -EINVAL;
	return address_set_make(reader->source->name, &reader->draft, ret);
}
