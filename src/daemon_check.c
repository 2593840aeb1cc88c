/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "address_sets.h"
#include "cleanup.h"
#include "credentials.h"
#include "daemon.h"
#include "daemon_state.h"
#include "image.h"
#include "policy_sets.h"
#include "policyset.h"
#include "problem.h"
#include "rules.h"
#include "settings.h"

static int try_compile(const struct daemon_files *files, const struct policyset *set,
		       struct problems *problems);
static int any_interface(void *context, const char *name);
static void print_problems(const struct problems *problems);

int daemon_check(const char *config_path)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	CLEANUP(policyset_put) struct policyset *none = policyset_new();
	CLEANUP(policyset_put) struct policyset *set = NULL;
	CLEANUP(credentials_free) struct credentials *credentials = NULL;
	const struct daemon daemon = { .config_path = config_path, .set = none };
	int r = -ENOMEM;

	if (none)
		r = daemon_files_read(&daemon, &files, &problems);
	if ((r >= 0 || files.settings) && /* policies that are wrong hide nothing */
	    credentials_load(files.settings, &credentials, &problems) && r >= 0)
		r = -EINVAL;
	if (r >= 0)
		r = daemon_merge(files.settings, files.policies, none, &set, &problems);
	if (r >= 0)
		policies_report_unknown_sets(set, files.sets, true, &problems);
	if (r >= 0)
		r = try_compile(&files, set, &problems);
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

/* As many rules as there would be, and a classifier of them: a start refuses what fails here. */
static int try_compile(const struct daemon_files *files, const struct policyset *set,
		       struct problems *problems)
{
	const struct settings *settings = files->settings;
	CLEANUP(cleanup_free) uint32_t *slots = calloc(set->count + 1, sizeof(*slots));
	CLEANUP(cleanup_free)
	uint32_t *failsafe_slots = calloc(settings->failsafe->count + 1, sizeof(*slots));
	CLEANUP(rules_clear) struct rules rules = { 0 };
	CLEANUP(image_clear) struct image image = { 0 };
	const struct rules_names names = {
		.interface_id = any_interface,
		.slots = slots,
		.failsafe_slots = failsafe_slots,
		.sets = files->sets,
		.max = settings->max_rules,
	};
	int r;

	if (!slots || !failsafe_slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		slots[i] = (uint32_t)i; /* of equal ones the builder may leave out rules */
	for (size_t i = 0; i < settings->failsafe->count; i++)
		failsafe_slots[i] = (uint32_t)(set->count + i);
	r = rules_expand(set, settings->failsafe, &names, &rules, problems);
	if (r < 0)
		return r;
	r = image_build(&rules, daemon_image_flags(settings), &image);
	if (r < 0)
		problem_add(problems, "", "the policies of the files cannot be compiled: %s",
			    strerror(-r));
	return r;
}

/* Names get their numbers from a running daemon; here any will do. */
static int any_interface(void *context, const char *name)
{
	(void)context;
	(void)name;
	return 1;
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
