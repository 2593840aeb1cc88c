/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl check: the daemon's own parsers, without the daemon. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "client_check_set.h"
#include "client_command.h"
#include "client_file.h"
#include "client_json.h"
#include "client_request.h"
#include "findings_text.h"
#include "http_json.h"
#include "json.h"
#include "json_scan.h"
#include "json_walk.h"
#include "policy_document.h"
#include "problem.h"
#include "settings.h"

/* What was found in one file. */
struct check {
	struct client *client;
	struct problems problems;
	enum { KIND_POLICIES, KIND_CONFIG, KIND_SET } kind;
	struct json_object *mistakes; /* of policies, as findings.h finds them; NULL: none */
	size_t count; /* of policies, or of entries of a set */
	bool only_api; /* its errors are none when it comes by API */
};

static void check_file(const char *path, struct check *ret);
static void check_policies(const char *path, const struct policy_document *document,
			   struct check *ret);
static void check_config(struct json_object *json, struct check *ret);
static void print_words(FILE *out, const char *path, const struct check *check);
static struct json_object *check_json(const char *path, const struct check *check);

int client_check(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	size_t errors = 0, warnings = 0;
	bool failed = !array;

	for (unsigned int i = 0; i < client->argument_count; i++) {
		const char *path = client->argument[i];
		struct check check = { .client = client };

		check_file(path, &check);
		errors += check.problems.errors + check.problems.out_of_memory;
		warnings += check.problems.count - check.problems.errors;
		if (client->value[OPTION_JSON])
			failed = failed || json_append(array, check_json(path, &check));
		else
			print_words(client->out, path, &check);
		problems_clear(&check.problems);
		json_object_put(check.mistakes);
	}
	if (failed)
		return client_fail(client, "out of memory");
	if (client->value[OPTION_JSON])
		client_json_print(client->out, array);
	if (errors || (warnings && client->value[OPTION_STRICT]))
		return CLIENT_REFUSED;
	return CLIENT_DONE;
}

static bool has_member(const struct json_part *object, const char *name)
{
	struct json_part value;

	return json_part_member(object, name, &value) && !json_part_is(&value, 'n');
}

/* `{}` is a configuration; policies have one of these members, or are an array. */
static int kind_of(const struct json_part *part)
{
	if (!json_part_is(part, '{'))
		return KIND_POLICIES;
	if (has_member(part, "entries"))
		return KIND_SET;
	return has_member(part, "policies") || has_member(part, "action") || has_member(part, "id")
		       ? KIND_POLICIES
		       : KIND_CONFIG;
}

/* What is not policies is read as a tree. */
static void check_tree(const char *path, const struct policy_document *document, struct check *ret)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int result = json_read(document->text, document->size, JSON_GO_ON, &json, &ret->problems);

	if (result && result != -EEXIST) {
		if (!ret->problems.errors)
			problem_add(&ret->problems, "", "%s", strerror(-result));
	} else if (ret->kind == KIND_SET) {
		ret->count = client_check_set(path, json, &ret->problems);
	} else {
		check_config(json, ret);
	}
}

static void check_file(const char *path, struct check *ret)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	CLEANUP(cleanup_free) char *text = NULL;
	struct policy_document document = { .go_on = true };
	struct json_part part;
	int result;

	if (client_is_set_text(path)) {
		ret->kind = KIND_SET;
		ret->count = client_check_set(path, NULL, &ret->problems);
		return;
	}
	result = client_file_text(path, &text, &document.size);
	if (!result)
		result = json_blank_comments(text, document.size, &ret->problems);
	if (result) {
		if (!ret->problems.errors)
			problem_add(&ret->problems, "", "%s", strerror(-result));
		return;
	}
	document.text = text;
	result = json_scan(text, document.size, &ignored);
	part = json_part(text, document.size);
	if (!result || result == -EEXIST)
		ret->kind = kind_of(&part);
	if (ret->kind == KIND_POLICIES)
		check_policies(path, &document, ret);
	else
		check_tree(path, &document, ret);
}

static void check_config(struct json_object *json, struct check *ret)
{
	struct settings *settings = NULL;
	int result = settings_parse(json, &settings, &ret->problems);
	if (result && !ret->problems.errors)
		problem_add(&ret->problems, "", "%s", strerror(-result));
	settings_free(&settings);
}

/* Whether they would be taken by API. */
static bool is_good_for_api(const struct policy_document *document)
{
	CLEANUP(problems_clear) struct problems ignored = { 0 };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	struct policy_source api = client_source(false);
	struct policy_document as_body = *document;

	as_body.source = &api;
	as_body.go_on = false;
	return !policy_document_parse(&as_body, &list, &ignored);
}

/*
 * The daemon, if one is named: it knows of failsafe policies, sets and interfaces. What it would
 * not take from the API has no findings there.
 */
static bool ask_for_mistakes(const struct policy_document *document, struct check *ret)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	const struct client_request request = {
		.method = "POST",
		.target = "/check",
		.text = document->text,
		.text_bytes = document->size,
		.text_is_json = true,
	};
	struct json_object *warnings;

	if (!ret->client->value[OPTION_SOCKET] && !ret->client->value[OPTION_URL])
		return false;
	if (client_ask(ret->client, &request, &answer)) {
		problem_add(&ret->problems, "", "the daemon could not be asked");
		return true;
	}
	if (!json_object_get_boolean(client_member(answer, "valid")))
		return false;
	problems_clear(&ret->problems); /* it says them too */
	warnings = client_member(answer, "warnings");
	for (size_t i = 0; i < client_length(warnings); i++) {
		struct json_object *warning = json_object_array_get_idx(warnings, i);

		problem_warn(&ret->problems, client_text(warning, "pointer"), "%s",
			     client_text(warning, "detail"));
	}
	ret->mistakes = json_object_get(client_member(answer, "findings"));
	return true;
}

/* Errors in the file itself are told before. */
static int find_mistakes(const char *path, const struct policy_list *list, const char *prefix,
			 struct check *ret)
{
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;
	CLEANUP(findings_clear) struct findings findings = { 0 };
	struct findings_question question = {
		.policy = list->policy,
		.count = list->count,
		.now_us = client_source(true).now_us,
	};
	int error;

	client_check_set_names(path, list, &sets, &ret->problems);
	question.sets = sets;
	error = findings_make(&question, &findings);
	if (!error)
		error = findings_warn(&question, &findings, prefix, &ret->problems);
	if (error)
		return error;
	ret->mistakes = findings_json(&question, &findings, prefix);
	return ret->mistakes ? 0 : -ENOMEM;
}

static void check_policies(const char *path, const struct policy_document *document,
			   struct check *ret)
{
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	struct policy_source file = client_source(true);
	struct policy_document as_file = *document;
	struct json_part part = json_part(document->text, document->size);
	bool array = json_part_is(&part, '[');
	int result;

	as_file.source = &file;
	result = policy_document_parse(&as_file, &list, &ret->problems);
	if (result && !ret->problems.errors)
		problem_add(&ret->problems, "", "%s", strerror(-result));
	if (result)
		ret->only_api = is_good_for_api(document);
	ret->count = list.count;
	if (!result && !ask_for_mistakes(document, ret) &&
	    find_mistakes(path, &list, array ? "" : "/policies", ret))
		problem_add(&ret->problems, "", "out of memory");
}

static void print_words(FILE *out, const char *path, const struct check *check)
{
	size_t errors = check->problems.errors;
	size_t warnings = check->problems.count - errors;

	client_print_problems(out, path, &check->problems);
	if (check->only_api)
		fprintf(out, "%s: nothing of this is an error for `pepctl apply`\n", path);
	fprintf(out, "%s: ", path);
	if (!errors && check->kind == KIND_CONFIG)
		fputs("a valid configuration", out);
	else if (!errors && check->kind == KIND_SET)
		fprintf(out, "a valid set of addresses, %zu entries", check->count);
	else if (!errors)
		fprintf(out, "%zu valid polic%s", check->count, check->count == 1 ? "y" : "ies");
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

static struct json_object *check_json(const char *path, const struct check *check)
{
	static const char *const kinds[] = { "policies", "config", "set" };
	CLEANUP(cleanup_json) struct json_object *file = json_object_new_object();

	if (!file || json_add_text(file, "file", path) ||
	    json_add_text(file, "kind", kinds[check->kind]) ||
	    json_add_bool(file, "valid", !check->problems.errors) ||
	    json_add(file, "problems", problems_json(&check->problems)) ||
	    (check->mistakes && json_add(file, "findings", json_object_get(check->mistakes))))
		return NULL;
	return TAKE_PTR(file);
}
