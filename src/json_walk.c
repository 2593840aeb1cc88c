// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing is checked here but where the text ends: what is walked is JSON.
 */
#include "json_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_string.h"

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/* From the opening quote to behind the closing one. */
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\';
	return at < end ? at + 1 : end;
}

/* Brackets of both kinds are counted as one: the text is known to pair them well. */
static const char *skip_container(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		if (*at == '"') {
			at = skip_string(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if ((*at == '}' || *at == ']') && !--depth)
			return at + 1;
		at++;
	}
	return end;
}

/* A number, true, false or null. */
static const char *skip_word(const char *at, const char *end)
{
	while (at < end && *at && !strchr(",]} \t\r\n", *at))
		at++;
	return at;
}

static const char *skip_value(const char *at, const char *end)
{
	if (at == end)
		return end;
	if (*at == '"')
		return skip_string(at, end);
	if (*at == '{' || *at == '[')
		return skip_container(at, end);
	return skip_word(at, end);
}

struct json_part json_part(const char *text, size_t size)
{
	const char *end = text + size, *first = skip_space(text, end);

	return (struct json_part){ first, (size_t)(skip_value(first, end) - first) };
}

bool json_part_is(const struct json_part *part, char c)
{
	return part->size && *part->text == c;
}

bool json_part_integer(const struct json_part *part, int64_t *ret)
{
	char digits[32]; /* more are out of range anyway */

	if (!part->size || !strchr("-0123456789", *part->text) ||
	    memchr(part->text, '.', part->size) || memchr(part->text, 'e', part->size) ||
	    memchr(part->text, 'E', part->size))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", part->size < 31 ? (int)part->size : 31,
		 part->text);
	*ret = strtoll(digits, NULL, 10);
	return true;
}

struct json_walk json_walk(const struct json_part *container)
{
	return (struct json_walk){
		.at = container->text + 1,
		.end = container->text + container->size - 1,
		.key = json_part_is(container, '{') ? container->text : NULL,
	};
}

bool json_walk_next(struct json_walk *walk)
{
	const char *at = skip_space(walk->at, walk->end);

	if (at == walk->end)
		return false;
	if (walk->started) {
		at = skip_space(at + 1, walk->end); /* the comma */
		walk->index++;
	}
	walk->started = true;
	if (walk->key) {
		walk->key = at;
		at = skip_space(skip_string(at, walk->end), walk->end);
		at = skip_space(at + 1, walk->end); /* the colon */
	}
	walk->at = skip_value(at, walk->end);
	walk->value = (struct json_part){ at, (size_t)(walk->at - at) };
	return true;
}

bool json_walk_is(const struct json_walk *walk, const char *name)
{
	struct json_bytes bytes = { .text = walk->key, .offset = 1 };
	int byte;

	while ((byte = json_string_next(&bytes)) >= 0)
		if (byte != (unsigned char)*name++)
			return false;
	return !*name;
}

static void copy_string(const char *quote, char *ret, size_t size)
{
	struct json_bytes bytes = { .text = quote, .offset = 1 };
	int byte;

	while (--size && (byte = json_string_next(&bytes)) >= 0)
		*ret++ = (char)byte;
	*ret = '\0';
}

void json_walk_name(const struct json_walk *walk, char *ret, size_t size)
{
	copy_string(walk->key, ret, size);
}

void json_part_text(const struct json_part *part, char *ret, size_t size)
{
	copy_string(part->text, ret, size);
}

size_t json_squeeze(char *text, size_t size)
{
	const char *at = text, *end = text + size;
	char *to = text;

	while ((at = skip_space(at, end)) < end) {
		const char *next = *at == '"' ? skip_string(at, end) : at + 1;

		memmove(to, at, (size_t)(next - at));
		to += next - at;
		at = next;
	}
	return (size_t)(to - text);
}

bool json_part_member(const struct json_part *object, const char *name, struct json_part *ret)
{
	struct json_walk walk;
	bool found = false;

	if (!json_part_is(object, '{'))
		return false;
	walk = json_walk(object);
	while (json_walk_next(&walk)) {
		if (!json_walk_is(&walk, name))
			continue;
		*ret = walk.value;
		found = true;
	}
	return found;
}
