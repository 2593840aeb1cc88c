/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_guess.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "address_sets.h"
#include "cleanup.h"
#include "daemon.h"
#include "daemon_state.h"
#include "directories.h"
#include "json.h"
#include "json_cleanup.h"
#include "log.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "settings_key.h"
#include "store.h"

#define CONFIG_MAX_BYTES (1 << 20)

static const char *find_text(struct json_object *config, const char *section, const char *key);
static enum bad_start bad_start_of(const char *word);

int daemon_guess_settings(const struct daemon *daemon, struct settings **ret, bool *ret_sure)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(settings_free) struct settings *settings = NULL;
	CLEANUP(cleanup_json) struct json_object *config = NULL;
	const char *directory;
	char *copy;

	if (settings_default(&settings) < 0)
		return -ENOMEM;
	if (daemon->log_level)
		log_level_parse(daemon->log_level, &settings->log_level);
	/* The usual place belongs to the usual configuration and to no other. */
	*ret_sure = !strcmp(daemon->config_path, CONFIG_FILE);
	if (json_read_file(daemon->config_path, CONFIG_MAX_BYTES, JSON_COMMENTS, &config,
			   &problems) >= 0) {
		settings->on_bad_start = bad_start_of(find_text(config, "policy", "on_bad_start"));
		directory = find_text(config, "policy", "state_dir");
		if (directory && *directory == '/') {
			copy = strdup(directory);
			if (!copy)
				return -ENOMEM;
			free(settings->state_dir);
			settings->state_dir = copy;
			*ret_sure = true;
		}
	}
	*ret = TAKE_PTR(settings);
	return 0;
}

int daemon_last_good(const struct daemon *daemon, struct daemon_files *ret,
		     struct problems *problems)
{
	CLEANUP(daemon_files_clear) struct daemon_files files = { 0 };
	CLEANUP(cleanup_json) struct json_object *config = NULL;
	int r;

	r = store_load_last_good(daemon->store, &config, &files.policies, &files.sets, problems);
	if (r < 0)
		return r;
	r = settings_parse(config, &files.settings, problems);
	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	if (daemon->log_level)
		log_level_parse(daemon->log_level, &files.settings->log_level);
	ret->settings = TAKE_PTR(files.settings);
	ret->policies = TAKE_PTR(files.policies);
	ret->sets = TAKE_PTR(files.sets);
	return 0;
}

void daemon_keep_last_good(const struct daemon *daemon, struct json_object *config,
			   const struct policyset *set, const struct address_sets *sets)
{
	CLEANUP(policyset_put) struct policyset *files = NULL;
	int r = -ENOMEM;

	if (config && policyset_without(set, ORIGIN_API, &files) >= 0)
		r = store_save_last_good(daemon->store, config, files, sets);
	if (r < 0)
		log_warn(
			"configuration and policies cannot be kept in %s as the last good ones: %s",
			daemon->settings->state_dir, strerror(-r));
}

/* NULL when there is none, or it is no text. */
static const char *find_text(struct json_object *config, const char *section, const char *key)
{
	struct json_object *object, *value;

	if (!json_object_is_type(config, json_type_object) ||
	    !json_object_object_get_ex(config, section, &object) ||
	    !json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static enum bad_start bad_start_of(const char *word)
{
	const struct setting_key *key = setting_key_find("/policy/on_bad_start");

	for (int i = 0; word && key && key->words[i]; i++) {
		if (!strcmp(key->words[i], word))
			return (enum bad_start)i;
	}
	return BAD_START_LAST_GOOD;
}
