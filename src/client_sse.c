/* SPDX-License-Identifier: Apache-2.0 */
#include "client_sse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_MAX (1UL << 20)

static int append(char **text, size_t *bytes, const char *piece, size_t more);
static int take_line(struct client_sse *sse, char *line);
static int dispatch(struct client_sse *sse);

int client_sse_feed(struct client_sse *sse, const char *piece, size_t bytes)
{
	while (bytes) {
		const char *end = memchr(piece, '\n', bytes);
		size_t part = end ? (size_t)(end - piece) : bytes;
		int result = append(&sse->line, &sse->line_bytes, piece, part);

		if (!result && end) {
			sse->line_bytes = 0;
			result = take_line(sse, sse->line);
		}
		if (result)
			return result;
		piece += part + (end != NULL);
		bytes -= part + (end != NULL);
	}
	return 0;
}

void client_sse_clear(struct client_sse *sse)
{
	free(sse->line);
	free(sse->data);
	sse->line = sse->data = NULL;
	sse->line_bytes = sse->data_bytes = 0;
}

static int append(char **text, size_t *bytes, const char *piece, size_t more)
{
	char *grown;

	if (more > EVENT_MAX - *bytes)
		return -EMSGSIZE;
	grown = realloc(*text, *bytes + more + 1);
	if (!grown)
		return -ENOMEM;
	memcpy(grown + *bytes, piece, more);
	*text = grown;
	*bytes += more;
	grown[*bytes] = '\0';
	return 0;
}

static int take_line(struct client_sse *sse, char *line)
{
	char *value;
	int result;

	line[strcspn(line, "\r")] = '\0';
	if (!*line)
		return dispatch(sse);
	value = line + strcspn(line, ":");
	if (*value)
		*value++ = '\0';
	value += *value == ' ';
	if (!strcmp(line, "event"))
		snprintf(sse->name, sizeof(sse->name), "%s", value);
	if (strcmp(line, "data") != 0)
		return 0;
	result = sse->data_bytes ? append(&sse->data, &sse->data_bytes, "\n", 1) : 0;
	return result ? result : append(&sse->data, &sse->data_bytes, value, strlen(value));
}

static int dispatch(struct client_sse *sse)
{
	int result = 0;

	if (sse->data_bytes)
		result = sse->callback(sse->context, *sse->name ? sse->name : "message", sse->data);
	sse->data_bytes = 0;
	sse->name[0] = '\0';
	return result;
}
