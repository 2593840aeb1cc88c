// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <errno.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policyset.h"
#include "problem.h"
#include "settings_key.h"
#include "settings_kind.h"

#define CONFIG_MAX_BYTES (16 << 20)

static int apply_environment(struct settings *settings, struct problems *problems);

int settings_default(struct settings **ret)
{
	CLEANUP(cleanup_json) struct json_object *empty = json_object_new_object();
	CLEANUP(problems_clear) struct problems problems = { 0 };

	return empty ? settings_parse(empty, ret, &problems) : -ENOMEM;
}

int settings_load(const char *path, struct settings **ret, struct problems *problems)
{
	CLEANUP(settings_free) struct settings *settings = NULL;
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	size_t errors = problems->errors;
	int error, read_error, environment_error;

	read_error =
		json_read_file(path, CONFIG_MAX_BYTES, JSON_COMMENTS | JSON_GO_ON, &json, problems);
	if (read_error && read_error != -EEXIST) {
		if (problems->errors == errors)
			problem_add(problems, "", "cannot read %s: %s", path,
				    json_file_error(read_error));
		return read_error;
	}
	error = settings_parse(json, &settings, problems);
	if (error && error != -EINVAL)
		return error;
	/* Every error at once, so the environment's even when there is nothing to apply it to. */
	environment_error = apply_environment(settings, problems);
	if (error || environment_error)
		return error ? error : environment_error;
	if (read_error)
		return -EINVAL;
	*ret = TAKE_PTR(settings);
	return 0;
}

static int apply_interface(const char *text, struct settings *settings, struct problems *problems)
{
	CLEANUP(string_list_clear) struct string_list list = { 0 };
	CLEANUP(cleanup_free) char *copy = strdup(text);
	char *rest = copy, *name;
	int error = 0;

	if (!copy)
		return -ENOMEM;
	while (!error && (name = strsep(&rest, ","))) {
		const char *fault;

		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		fault = interface_name_fault(name);
		if (fault)
			problem_add(problems, "", "PEPCTL_INTERFACE: \"%.64s\" %s", name, fault);
		else if (!string_list_contains(&list, name))
			error = string_list_add(&list, name);
	}
	if (!error && settings) {
		string_list_clear(&settings->interfaces);
		settings->interfaces = list;
		list = (struct string_list){ 0 };
	}
	return error;
}

/* An empty variable is as good as none: unit files have such lines. */
static int apply_environment(struct settings *settings, struct problems *problems)
{
	const char *interfaces = getenv("PEPCTL_INTERFACE");
	const char *level = getenv("PEPCTL_LOG_LEVEL");
	size_t errors = problems->errors;
	enum log_level parsed;
	int error = 0;

	if (interfaces && *interfaces)
		error = apply_interface(interfaces, settings, problems);
	if (level && *level) {
		if (!log_level_parse(level, &parsed))
			problem_add(problems, "",
				    "PEPCTL_LOG_LEVEL: is \"%.64s\", must be \"trace\", \"debug\", "
				    "\"info\", \"warn\", \"error\" or \"critical\"",
				    level);
		else if (settings)
			settings->log_level = parsed;
	}
	if (error)
		return error;
	return problems->errors > errors ? -EINVAL : 0;
}

bool settings_wants_interface(const struct settings *settings, const char *name, bool *ret_exact)
{
	bool wanted = false;

	*ret_exact = string_list_contains(&settings->interfaces, name);
	if (*ret_exact)
		return true;
	if (strcmp(name, "lo") == 0)
		return false;
	for (size_t i = 0; i < settings->interfaces.count && !wanted; i++)
		wanted = fnmatch(settings->interfaces.string[i], name, 0) == 0;
	return wanted;
}

void settings_free(struct settings **settings)
{
	struct settings *freed = TAKE_PTR(*settings);

	if (!freed)
		return;
	free(freed->log_file);
	free(freed->audit_file);
	string_list_clear(&freed->listen);
	string_list_clear(&freed->allowed_hosts);
	free(freed->tokens_file);
	tls_settings_clear(&freed->tls);
	string_list_clear(&freed->interfaces);
	free(freed->policies_file);
	free(freed->policies_directory);
	free(freed->sets_directory);
	free(freed->state_dir);
	free(freed->pin_directory);
	policyset_put(&freed->failsafe);
	free(freed);
}

bool log_level_parse(const char *text, enum log_level *ret)
{
	const char *const *words = setting_key_find("/log/level")->words;

	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0) {
			*ret = (enum log_level)i;
			return true;
		}
	}
	return false;
}
