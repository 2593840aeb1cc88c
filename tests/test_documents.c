// SPDX-License-Identifier: Apache-2.0
/*
 * The manuals name everything that the tables do: a row that is added without
 * a word in its manual fails here, and so does a key that is gone.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_help.h"
#include "metrics.h"
#include "outcome.h"
#include "policy_field.h"
#include "policy_text.h"
#include "route.h"
#include "settings_key.h"

#define NAME_MAX_BYTES 128

static bool is_word_byte(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_';
}

/* Whether @word is there, and not as a part of a longer one. */
static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at++)
		if ((at == text || !is_word_byte(at[-1])) && !is_word_byte(at[length]))
			return true;
	return false;
}

/* "/log/level" as "log.level". */
static void key_name(const char *pointer, char ret[NAME_MAX_BYTES])
{
	snprintf(ret, NAME_MAX_BYTES, "%s", pointer + 1);
	for (char *c = ret; *c; c++)
		if (*c == '/')
			*c = '.';
}

START_TEST(every_key_is_in_pepctl_config)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-config.5");
	char name[NAME_MAX_BYTES];

	for (size_t i = 0; i < setting_key_count; i++) {
		key_name(setting_keys[i].pointer, name);
		ck_assert_msg(has_word(text, name), "%s is missing", name);
	}
}
END_TEST

START_TEST(every_key_of_pepctl_config_exists)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-config.5");
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, "\n.It Cm ")); at++) {
		char pointer[NAME_MAX_BYTES] = "/";

		ck_assert_int_eq(sscanf(at, "\n.It Cm %100s", pointer + 1), 1);
		if (strchr(pointer, '.'))
			*strchr(pointer, '.') = '/';
		ck_assert_msg(setting_key_find(pointer), "there is no key %s", pointer);
		count++;
	}
	ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(every_member_is_in_pepctl_policy)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-policy.5");
	char name[NAME_MAX_BYTES];

	for (size_t i = 0; i < policy_field_count; i++) {
		const char *group = policy_group_name(policy_fields[i].group);
		bool dotted = *group && policy_fields[i].print;

		snprintf(name, sizeof(name), "%s%s%s", dotted ? group : "", dotted ? "." : "",
			 policy_fields[i].name);
		ck_assert_msg(has_word(text, name), "%s is missing", name);
	}
}
END_TEST

/* The part of the text that begins with @heading and ends with the next one. */
static char *section_of(const char *text, const char *heading)
{
	const char *start = strstr(text, heading);
	const char *end = start ? strstr(start + 1, "\n.S") : NULL;

	ck_assert_msg(start && end, "%s is missing", heading);
	return strndup(start, (size_t)(end - start));
}

START_TEST(every_reason_is_in_pepctl_policy)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-policy.5");
	CLEANUP(cleanup_free) char *pass = section_of(text, "\n.Ss Of packets that pass");
	CLEANUP(cleanup_free) char *drop = section_of(text, "\n.Ss Of packets that are dropped");
	char row[NAME_MAX_BYTES];

	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		const struct outcome *outcome = outcome_find(i);

		snprintf(row, sizeof(row), "\n.It Li %s\n", outcome->label);
		ck_assert_msg(strstr(outcome->verdict == PEP_DROP ? drop : pass, row),
			      "%s (%s) is missing", outcome->label, outcome->name);
	}
}
END_TEST

START_TEST(every_route_is_in_pepctl_api)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-api.7");
	char row[NAME_MAX_BYTES];

	for (size_t i = 0; i < route_count; i++) {
		snprintf(row, sizeof(row), "\n.It Li %s %s\n",
			 route_method_name(route_table[i].method), route_table[i].pattern);
		ck_assert_msg(strstr(text, row), "%s is missing", row);
	}
}
END_TEST

START_TEST(every_parameter_is_in_pepctl_api)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-api.7");

	for (size_t i = 0; i < route_count; i++) {
		const char *parameters = route_table[i].parameters;
		CLEANUP(cleanup_free) char *list = strdup(parameters ? parameters : "");
		char *rest = list, *name, assignment[NAME_MAX_BYTES];

		while ((name = strsep(&rest, " "))) {
			snprintf(assignment, sizeof(assignment), "%s=", name);
			ck_assert_msg(!*name || strstr(text, assignment), "%s is missing", name);
		}
	}
}
END_TEST

START_TEST(every_metric_is_in_pepctl_api)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl-api.7");

	for (size_t i = 0; i < metrics_count; i++)
		ck_assert_msg(has_word(text, metrics_table[i].name), "%s is missing",
			      metrics_table[i].name);
}
END_TEST

/* The commands are known by the help that is made of their table. */
START_TEST(every_command_is_in_pepctl)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl.8");
	CLEANUP(cleanup_free) char *help = NULL;
	size_t bytes = 0, count = 0;
	FILE *stream = open_memstream(&help, &bytes);
	char *rest, *line;

	ck_assert_ptr_nonnull(stream);
	client_help_all(stream);
	ck_assert_int_eq(fclose(stream), 0);
	rest = strstr(help, "Commands:\n");
	ck_assert_ptr_nonnull(rest);
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) && *line) {
		char name[NAME_MAX_BYTES] = "", row[NAME_MAX_BYTES + 16];

		ck_assert_int_eq(sscanf(line, " %127s", name), 1);
		snprintf(row, sizeof(row), "\n.It Cm %s", name);
		ck_assert_msg(strstr(text, row), "%s is missing", name);
		count++;
	}
	ck_assert_uint_gt(count, 0);
}
END_TEST

START_TEST(every_option_is_in_pepctl)
{
	CLEANUP(cleanup_free) char *text = read_source_file("man/pepctl.8");
	char option[NAME_MAX_BYTES];

	for (size_t i = 0; i < CLIENT_OPTIONS; i++) {
		snprintf(option, sizeof(option), "Fl -%s", client_options[i].name);
		ck_assert_msg(has_word(text, option), "--%s is missing", client_options[i].name);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("documents");

	tcase_add_test(tcase, every_key_is_in_pepctl_config);
	tcase_add_test(tcase, every_key_of_pepctl_config_exists);
	tcase_add_test(tcase, every_member_is_in_pepctl_policy);
	tcase_add_test(tcase, every_reason_is_in_pepctl_policy);
	tcase_add_test(tcase, every_route_is_in_pepctl_api);
	tcase_add_test(tcase, every_parameter_is_in_pepctl_api);
	tcase_add_test(tcase, every_metric_is_in_pepctl_api);
	tcase_add_test(tcase, every_command_is_in_pepctl);
	tcase_add_test(tcase, every_option_is_in_pepctl);
	return run_case("documents", tcase);
}
