/* SPDX-License-Identifier: Apache-2.0 */
#include "client_file.h"

#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_text.h"
#include "json.h"
#include "policy_json.h"
#include "problem.h"

#define FILE_MAX (256UL << 20)

int client_file_read(const char *path, struct json_object **ret, struct problems *problems)
{
	return json_read_file(strcmp(path, "-") ? path : "/dev/stdin", FILE_MAX, JSON_COMMENTS, ret,
			      problems);
}

int client_file_policies(struct client *client, const char *path, struct policy_list *ret)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct policy_source source = client_source(false);
	int result;

	result = client_file_read(path, &json, &problems);
	if (!result)
		result = policy_parse_list(json, &source, ret, &problems);
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
