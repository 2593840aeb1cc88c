// SPDX-License-Identifier: Apache-2.0
#include "settings_kind.h"

#include <errno.h>
#include <json-c/json.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "problem.h"

#define HOST_MAX 253

int string_list_add(struct string_list *list, const char *text)
{
	char **grown = realloc(list->string, (list->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->string = grown;
	grown[list->count] = strdup(text);
	if (!grown[list->count])
		return -ENOMEM;
	list->count++;
	return 0;
}

bool string_list_contains(const struct string_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->string[i], text) == 0)
			return true;
	return false;
}

void string_list_clear(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->string[i]);
	free(list->string);
	*list = (struct string_list){ 0 };
}

int setting_read_items(const struct setting_key *key, struct json_object *value,
		       setting_item_reader read_item, struct settings *settings,
		       struct problems *problems)
{
	if (!json_object_is_type(value, json_type_array)) {
		setting_refuse(problems, key->pointer, value, "a list of strings");
		return 0;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		char pointer[64];
		int error;

		snprintf(pointer, sizeof(pointer), "%s/%zu", key->pointer, i);
		error = read_item(pointer, json_object_array_get_idx(value, i), settings, problems);
		if (error)
			return error;
	}
	return 0;
}

struct json_object *setting_print_strings(const struct string_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < list->count; i++) {
		struct json_object *string = json_object_new_string(list->string[i]);

		if (!string || json_object_array_add(array, string) < 0) {
			json_object_put(string);
			json_object_put(array);
			errno = ENOMEM;
			return NULL;
		}
	}
	return array;
}

/* Words of "log.target" in the order of the key's words; "auto" has no bit. */
static const unsigned int target_bits[] = { 0, LOG_TARGET_JOURNAL, LOG_TARGET_STDERR,
					    LOG_TARGET_FILE };

int setting_read_targets(const struct setting_key *key, struct json_object *value,
			 struct settings *settings, struct problems *problems)
{
	size_t count = json_object_is_type(value, json_type_array) ? json_object_array_length(value)
								   : 0;
	unsigned int targets = 0;
	int word;

	if (count == 0) {
		word = setting_word(key, key->pointer, value, problems);
		if (word >= 0)
			settings->log_targets = target_bits[word];
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(value, i);
		char pointer[64];

		snprintf(pointer, sizeof(pointer), "%s/%zu", key->pointer, i);
		word = setting_word(key, pointer, item, problems);
		if (word == 0 && count > 1)
			problem_add(problems, pointer, "\"auto\" must be the only target");
		else if (word > 0 && targets & target_bits[word])
			problem_add(problems, pointer, "\"%s\" is there twice", key->words[word]);
		else if (word > 0)
			targets |= target_bits[word];
	}
	settings->log_targets = targets;
	return 0;
}

struct json_object *setting_print_targets(const struct setting_key *key,
					  const struct settings *settings)
{
	struct string_list list = { 0 };
	struct json_object *json = NULL;
	int error = 0;

	if (!settings->log_targets)
		return json_object_new_string(key->words[0]);
	for (size_t i = 1; i < ARRAY_SIZE(target_bits) && !error; i++)
		if (settings->log_targets & target_bits[i])
			error = string_list_add(&list, key->words[i]);
	if (!error)
		json = setting_print_strings(&list);
	string_list_clear(&list);
	return json;
}

/* A name as it stands in "Host:", without the port. */
static bool is_host(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";

	return *text && strlen(text) <= HOST_MAX && !text[strspn(text, letters)];
}

static int read_host(const char *pointer, struct json_object *item, struct settings *settings,
		     struct problems *problems)
{
	const char *text = setting_text(item);

	if (!text || !is_host(text)) {
		setting_refuse(problems, pointer, item, "a host name without a port");
		return 0;
	}
	if (string_list_contains(&settings->allowed_hosts, text)) {
		problem_add(problems, pointer, "\"%s\" is there twice", text);
		return 0;
	}
	return string_list_add(&settings->allowed_hosts, text);
}

int setting_read_hosts(const struct setting_key *key, struct json_object *value,
		       struct settings *settings, struct problems *problems)
{
	string_list_clear(&settings->allowed_hosts);
	return setting_read_items(key, value, read_host, settings, problems);
}

struct json_object *setting_print_hosts(const struct setting_key *key,
					const struct settings *settings)
{
	(void)key;
	return setting_print_strings(&settings->allowed_hosts);
}

const char *interface_name_fault(const char *name)
{
	bool glob = strpbrk(name, "*?[") != NULL;

	if (!*name)
		return "is empty";
	if (!glob && strlen(name) >= IFNAMSIZ)
		return "is longer than the 15 bytes of an interface's name";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strpbrk(name, "/: \t\n\v\f\r"))
		return "is no name of an interface (without spaces, \"/\" and \":\")";
	if (strlen(name) > 64)
		return "is longer than 64 bytes";
	return NULL;
}

static int read_interface(const char *pointer, struct json_object *item, struct settings *settings,
			  struct problems *problems)
{
	const char *text = setting_text(item);
	const char *fault = text ? interface_name_fault(text) : NULL;

	if (!text) {
		setting_refuse(problems, pointer, item, "the name of an interface or a glob");
		return 0;
	}
	if (fault) {
		problem_add(problems, pointer, "\"%.64s\" %s", text, fault);
		return 0;
	}
	if (string_list_contains(&settings->interfaces, text)) {
		problem_add(problems, pointer, "\"%s\" is there twice", text);
		return 0;
	}
	return string_list_add(&settings->interfaces, text);
}

int setting_read_interfaces(const struct setting_key *key, struct json_object *value,
			    struct settings *settings, struct problems *problems)
{
	string_list_clear(&settings->interfaces);
	return setting_read_items(key, value, read_interface, settings, problems);
}

struct json_object *setting_print_interfaces(const struct setting_key *key,
					     const struct settings *settings)
{
	(void)key;
	return setting_print_strings(&settings->interfaces);
}

/* The original's one interface; naming it in both places is no mistake. */
int setting_read_interface(const struct setting_key *key, struct json_object *value,
			   struct settings *settings, struct problems *problems)
{
	const char *text = setting_text(value);

	if (text && string_list_contains(&settings->interfaces, text))
		return 0;
	return read_interface(key->pointer, value, settings, problems);
}
