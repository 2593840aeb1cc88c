// SPDX-License-Identifier: Apache-2.0
#include "log_line.h"

#include <stdio.h>
#include <string.h>

/* Kept free at the end: what says that a line was cut, a newline, the terminator. */
static const char cut[] = "...";
#define LINE_ROOM (LOG_LINE_MAX - sizeof(cut) - 1)

void log_line_start(struct log_line *line)
{
	line->size = 0;
	line->full = false;
	line->text[0] = '\0';
}

void log_line_add(struct log_line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_line_vadd(line, format, arguments);
	va_end(arguments);
}

void log_line_vadd(struct log_line *line, const char *format, va_list arguments)
{
	size_t room;
	int size;

	if (line->full)
		return;
	room = LINE_ROOM - line->size;
	size = vsnprintf(line->text + line->size, room, format, arguments);
	if (size < 0) {
		line->text[line->size] = '\0';
		return;
	}
	if ((size_t)size < room) {
		line->size += (size_t)size;
		return;
	}
	line->full = true;
	/* Not within a character of UTF-8: the journal would take the message for binary. */
	line->size = LINE_ROOM - 1;
	while (line->size > 0 && (line->text[line->size - 1] & 0xc0) == 0x80)
		line->size--;
	if (line->size > 0 && line->text[line->size - 1] & 0x80)
		line->size--;
	memcpy(line->text + line->size, cut, sizeof(cut));
	line->size += sizeof(cut) - 1;
}

void log_line_add_time(struct log_line *line, const struct timespec *time)
{
	struct tm tm;
	char text[32];

	if (!gmtime_r(&time->tv_sec, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	log_line_add(line, "%s.%06ldZ", text, time->tv_nsec / 1000);
}

static bool is_control(char byte)
{
	return (unsigned char)byte < 0x20 || byte == 0x7f;
}

void log_line_add_escaped(struct log_line *line, const char *text)
{
	while (*text) {
		size_t plain = 0;

		while (text[plain] && !is_control(text[plain]))
			plain++;
		log_line_add(line, "%.*s", (int)plain, text);
		text += plain;
		for (; *text && is_control(*text); text++) {
			if (*text == '\n')
				log_line_add(line, "\\n");
			else
				log_line_add(line, "\\x%02x", (unsigned int)*text);
		}
	}
}

static void add_quoted(struct log_line *line, const char *value)
{
	log_line_add(line, "\"");
	for (const char *p = value; *p; p++) {
		char byte[2] = { *p, '\0' };

		if (*p == '"' || *p == '\\')
			log_line_add(line, "\\");
		log_line_add_escaped(line, byte);
	}
	log_line_add(line, "\"");
}

void log_line_add_fields(struct log_line *line, const struct log_field *fields, size_t field_count)
{
	for (size_t i = 0; i < field_count; i++) {
		const char *value = fields[i].value ? fields[i].value : "";

		log_line_add(line, " %s=", fields[i].key);
		if (!*value || value[strcspn(value, " \"\\=\t\n")])
			add_quoted(line, value);
		else
			log_line_add_escaped(line, value);
	}
}

void log_line_end(struct log_line *line)
{
	line->text[line->size++] = '\n';
	line->text[line->size] = '\0';
}
