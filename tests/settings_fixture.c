// SPDX-License-Identifier: Apache-2.0
#include "settings_fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"

struct settings *settings;
struct policyset *set;
struct problems problems;
static char directory[PATH_MAX];

static void set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/pepctl-settings-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	unsetenv("PEPCTL_INTERFACE");
	unsetenv("PEPCTL_LOG_LEVEL");
}

static void tear_down(void)
{
	char command[PATH_MAX + 16];

	settings_free(&settings);
	policyset_put(&set);
	problems_clear(&problems);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct json_object *parse_json(const char *text)
{
	struct json_object *json = NULL;

	ck_assert_int_eq(json_read(text, strlen(text), JSON_COMMENTS, &json, &problems), 0);
	return json;
}

int parse(const char *text)
{
	CLEANUP(cleanup_json) struct json_object *json = parse_json(text);

	settings_free(&settings);
	problems_clear(&problems);
	return settings_parse(json, &settings, &problems);
}

void write_file(const char *name, const char *text)
{
	char path[PATH_MAX * 2];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

const char *path_of(const char *name)
{
	static char path[PATH_MAX * 2];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

int load(const char *text)
{
	settings_free(&settings);
	problems_clear(&problems);
	write_file("config.json", text);
	return settings_load(path_of("config.json"), &settings, &problems);
}

const struct problem *problem_at(const char *pointer)
{
	for (size_t i = 0; i < problems.count; i++)
		if (strcmp(problems.list[i].pointer, pointer) == 0)
			return &problems.list[i];
	return NULL;
}

int run_case(TCase *tcase)
{
	Suite *suite = suite_create("settings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
