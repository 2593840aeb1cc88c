/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl check: the daemon's own parsers, without the daemon. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "client_check_set.h"
#include "client_command.h"
#include "client_file.h"
#include "client_json.h"
#include "http_json.h"
#include "json.h"
#include "lint.h"
#include "policy_json.h"
#include "problem.h"
#include "settings.h"

/* What was found in one file. */
struct findings {
	struct problems problems;
	enum { KIND_POLICIES, KIND_CONFIG, KIND_SET } kind;
	size_t count; /* of policies, or of entries of a set */
	bool only_api; /* its errors are none when it comes by API */
};

static void check_file(const char *path, struct findings *ret);
static void check_policies(const char *path, struct json_object *json, struct findings *ret);
static void check_config(struct json_object *json, struct findings *ret);
static void print_words(FILE *out, const char *path, const struct findings *findings);
static struct json_object *findings_json(const char *path, const struct findings *findings);

int client_check(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	size_t errors = 0, warnings = 0;
	bool failed = !array;

	for (unsigned int i = 0; i < client->argument_count; i++) {
		const char *path = client->argument[i];
		struct findings findings = { 0 };

		check_file(path, &findings);
		errors += findings.problems.errors + findings.problems.out_of_memory;
		warnings += findings.problems.count - findings.problems.errors;
		if (client->value[OPTION_JSON])
			failed = failed || json_append(array, findings_json(path, &findings));
		else
			print_words(client->out, path, &findings);
		problems_clear(&findings.problems);
	}
	if (failed)
		return client_fail(client, "out of memory");
	if (client->value[OPTION_JSON])
		client_json_print(client->out, array);
	if (errors || (warnings && client->value[OPTION_STRICT]))
		return CLIENT_REFUSED;
	return CLIENT_DONE;
}

/* `{}` is a configuration; policies have one of these members, or are an array. */
static bool is_config(struct json_object *json)
{
	return json_object_is_type(json, json_type_object) && !client_member(json, "policies") &&
	       !client_member(json, "action") && !client_member(json, "id");
}

static void check_file(const char *path, struct findings *ret)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int result;

	if (client_is_set_text(path)) {
		ret->kind = KIND_SET;
		ret->count = client_check_set(path, NULL, &ret->problems);
		return;
	}
	result = client_file_read(path, JSON_GO_ON, &json, &ret->problems);
	if (result && result != -EEXIST) {
		if (!ret->problems.errors)
			problem_add(&ret->problems, "", "%s", strerror(-result));
		return;
	}
	ret->kind = client_is_set_json(json) ? KIND_SET
		    : is_config(json)	     ? KIND_CONFIG
					     : KIND_POLICIES;
	if (ret->kind == KIND_SET)
		ret->count = client_check_set(path, json, &ret->problems);
	else if (ret->kind == KIND_POLICIES)
		check_policies(path, json, ret);
	else
		check_config(json, ret);
}

static void check_config(struct json_object *json, struct findings *ret)
{
	struct settings *settings = NULL;
	int result = settings_parse(json, &settings, &ret->problems);
	if (result && !ret->problems.errors)
		problem_add(&ret->problems, "", "%s", strerror(-result));
	settings_free(&settings);
}

static void check_policies(const char *path, struct json_object *json, struct findings *ret)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	struct policy_source file = client_source(true), api = client_source(false);
	struct policy_list list = { 0 };
	bool array = json_object_is_type(json, json_type_array), readable = !ret->problems.errors;
	int result;

	result = policy_parse_list(json, &file, &list, &ret->problems);
	if (result && !ret->problems.errors)
		problem_add(&ret->problems, "", "%s", strerror(-result));
	if (result && readable)
		ret->only_api = !policy_parse_list(json, &api, &list, &ignored);
	ret->count = list.count;
	if (!result)
		client_check_set_names(path, &list, &ret->problems);
	if (list.count > 1 && lint_order(&list, array ? "" : "/policies", &ret->problems))
		problem_add(&ret->problems, "", "out of memory");
	policy_list_clear(&list);
}

static void print_words(FILE *out, const char *path, const struct findings *findings)
{
	size_t errors = findings->problems.errors;
	size_t warnings = findings->problems.count - errors;

	client_print_problems(out, path, &findings->problems);
	if (findings->only_api)
		fprintf(out, "%s: nothing of this is an error for `pepctl apply`\n", path);
	fprintf(out, "%s: ", path);
	if (!errors && findings->kind == KIND_CONFIG)
		fputs("a valid configuration", out);
	else if (!errors && findings->kind == KIND_SET)
		fprintf(out, "a valid set of addresses, %zu entries", findings->count);
	else if (!errors)
		fprintf(out, "%zu valid polic%s", findings->count,
			findings->count == 1 ? "y" : "ies");
	else
		fprintf(out, "%zu error%s", errors, errors == 1 ? "" : "s");
	if (warnings)
		fprintf(out, ", %zu warning%s", warnings, warnings == 1 ? "" : "s");
	fputc('\n', out);
}

static struct json_object *problems_json(const struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		struct json_object *entry = json_object_new_object();

		if (json_append(array, entry) ||
		    json_add_text(entry, "pointer", problem->pointer) ||
		    json_add_text(entry, "detail", problem->detail) ||
		    json_add_bool(entry, "warning", problem->warning))
			return NULL;
	}
	return TAKE_PTR(array);
}

static struct json_object *findings_json(const char *path, const struct findings *findings)
{
	static const char *const kinds[] = { "policies", "config", "set" };
	CLEANUP(cleanup_json) struct json_object *file = json_object_new_object();

	if (!file || json_add_text(file, "file", path) ||
	    json_add_text(file, "kind", kinds[findings->kind]) ||
	    json_add_bool(file, "valid", !findings->problems.errors) ||
	    json_add(file, "problems", problems_json(&findings->problems)))
		return NULL;
	return TAKE_PTR(file);
}
