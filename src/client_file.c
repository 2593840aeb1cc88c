/* SPDX-License-Identifier: Apache-2.0 */
#include "client_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_text.h"
#include "json.h"
#include "json_scan.h"
#include "policy_document.h"
#include "problem.h"

#define FILE_MAX (1UL << 30) /* as large as a body may be */

static int read_stream(FILE *stream, char **ret, size_t *ret_bytes);

int client_file_read(const char *path, unsigned int flags, struct json_object **ret,
		     struct problems *problems)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t bytes = 0;
	int result = client_file_text(path, &text, &bytes);

	return result ? result : json_read(text, bytes, JSON_COMMENTS | flags, ret, problems);
}

int client_file_text(const char *path, char **ret, size_t *ret_bytes)
{
	CLEANUP(cleanup_file) FILE *file = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	bool input = !strcmp(path, "-");
	size_t bytes = 0;
	int result;

	if (!input)
		file = fopen(path, "re");
	if (!input && !file)
		return -errno;
	result = read_stream(input ? stdin : file, &text, &bytes);
	if (result)
		return result;
	*ret = TAKE_PTR(text);
	*ret_bytes = bytes;
	return 0;
}

int client_file_policies(struct client *client, const char *path, struct policy_list *ret)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_free) char *text = NULL;
	struct policy_source source = client_source(false);
	struct policy_document document = { .source = &source, .go_on = true };
	int result = client_file_text(path, &text, &document.size);

	if (!result)
		result = json_blank_comments(text, document.size, &problems);
	document.text = text;
	if (!result)
		result = policy_document_parse(&document, ret, &problems);
	if (!result)
		return CLIENT_DONE;
	client_print_problems(client->err, path, &problems);
	if (!problems.count)
		client_fail(client, "%s: %s", path, strerror(-result));
	return CLIENT_REFUSED;
}

struct policy_source client_source(bool file)
{
	struct timespec now = { 0 }, boottime = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	return (struct policy_source){
		.file = file,
		.now_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000,
		.boottime_ns = boottime.tv_sec * 1000000000ULL + boottime.tv_nsec,
	};
}

void client_print_problems(FILE *out, const char *name, const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		text_print(out, name);
		fputs(": ", out);
		if (*problem->pointer) {
			text_print(out, problem->pointer);
			fputs(": ", out);
		}
		fputs(problem->warning ? "warning: " : "", out);
		text_print(out, problem->detail);
		fputc('\n', out);
	}
	if (problems->out_of_memory)
		fprintf(out, "%s: out of memory\n", name);
}

/* Of any kind: regular, a pipe, a terminal. */
static int read_stream(FILE *stream, char **ret, size_t *ret_bytes)
{
	size_t capacity = 0;

	for (;;) {
		if (*ret_bytes == capacity) {
			char *grown = realloc(*ret, capacity = 2 * capacity + 65536);

			if (!grown)
				return -ENOMEM;
			*ret = grown;
		}
		errno = 0;
		*ret_bytes += fread(*ret + *ret_bytes, 1, capacity - *ret_bytes, stream);
		if (ferror(stream))
			return errno ? -errno : -EIO;
		if (*ret_bytes > FILE_MAX)
			return -EFBIG;
		if (feof(stream))
			return 0;
	}
}
