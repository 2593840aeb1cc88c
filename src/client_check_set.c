/* SPDX-License-Identifier: Apache-2.0 */
#include "client_check_set.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "client_file.h"
#include "client_json.h"
#include "policy_json.h"
#include "policy_sets.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

#define TEXT_SUFFIX ".txt"
#define POLICIES_DIRECTORY "policies.d"

bool client_is_set_text(const char *path)
{
	size_t size = strlen(path), length = strlen(TEXT_SUFFIX);

	return size > length && !strcmp(path + size - length, TEXT_SUFFIX);
}

bool client_is_set_json(struct json_object *json)
{
	return client_member(json, "entries") != NULL;
}

/* What the set in a file is called. */
static void name_of(const char *path, char ret[ADDRESS_SET_NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	const char *dot = strrchr(file, '.');

	snprintf(ret, ADDRESS_SET_NAME_MAX + 1, "%.*s",
		 dot ? (int)(dot - file) : ADDRESS_SET_NAME_MAX, file);
}

size_t client_check_set(const char *path, struct json_object *json, struct problems *problems)
{
	const int64_t now_us = client_source(true).now_us;
	CLEANUP(address_set_put) struct address_set *set = NULL;
	CLEANUP(cleanup_free) char *text = NULL;
	char name[ADDRESS_SET_NAME_MAX + 1];
	struct address_set_source source = { .name = name, .path = "", .now_us = now_us };
	size_t bytes = 0;
	int r;

	name_of(path, name);
	if (!address_set_name_valid(name))
		problem_warn(problems, "", "a file of this name is no set in sets.d");
	r = json ? 0 : client_file_text(path, &text, &bytes);
	if (r < 0) {
		problem_add(problems, "", "%s", strerror(-r));
		return 0;
	}
	r = json ? address_set_parse_json(&source, json, &set, problems)
		 : address_set_parse_text(&source, text, bytes, &set, problems);
	if (r == -ENOMEM)
		problem_add(problems, "", "out of memory");
	return set ? address_set_count(set) : 0;
}

/* "DIRECTORY/sets.d" for a file in DIRECTORY or in DIRECTORY/policies.d. */
static char *directory_beside(const char *path)
{
	static const char below[] = "/" POLICIES_DIRECTORY;
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0, part = strlen(below);
	char *directory;

	if (length >= part && !strncmp(path + length - part, below, part))
		length -= part;
	if (asprintf(&directory, "%.*s%ssets.d", (int)length, path, slash ? "/" : "") < 0)
		return NULL;
	return directory;
}

void client_check_set_names(const char *path, const struct policy_list *list,
			    struct address_sets **ret, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new(), *policies = NULL;
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;
	CLEANUP(cleanup_free) char *directory = directory_beside(path);
	const struct settings settings = { .sets_directory = directory };
	int r;

	if (!empty || !directory ||
	    policyset_add(empty, list->policy, list->count, &policies) < 0) {
		problem_add(problems, "", "out of memory");
		return;
	}
	r = settings_load_sets(&settings, &sets, problems);
	if (r < 0)
		return;
	policies_report_unknown_sets(policies, sets, true, problems);
	*ret = TAKE_PTR(sets);
}
