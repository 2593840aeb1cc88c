/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cleanup.h"
#include "daemon.h"
#include "daemon_state.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

static void print_problems(const struct problems *problems);

int daemon_check(const char *config_path)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	CLEANUP(policyset_put) struct policyset *set = NULL;
	const struct daemon daemon = { .config_path = config_path, .set = none };
	int r = -ENOMEM;

	if (none)
		r = daemon_files_read(&daemon, &files, &problems);
	if (r >= 0)
		r = daemon_merge(files.settings, files.policies, none, &set, &problems);
	print_problems(&problems);
	if (r < 0) {
		if (!problems.errors)
			fprintf(stderr, "error: %s: %s\n", config_path, strerror(-r));
		return EX_CONFIG;
	}
	printf("%s is valid: %zu policies in files, %zu failsafe%s\n", config_path, set->count,
	       files.settings->failsafe->count,
	       files.settings->interfaces.count
		       ? ""
		       : "; no interface is configured, so nothing would be enforced");
	return 0;
}

static void print_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		fprintf(stderr, "%s: %s%s%s\n", problem->warning ? "warning" : "error",
			problem->pointer, *problem->pointer ? ": " : "", problem->detail);
	}
	if (problems->out_of_memory)
		fprintf(stderr, "error: out of memory\n");
}
