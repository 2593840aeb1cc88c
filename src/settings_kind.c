// SPDX-License-Identifier: Apache-2.0
#include "settings_kind.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "cleanup.h"
#include "json_pointer.h"
#include "problem.h"
#include "reason.h"
#include "units.h"

static void *member(const struct setting_key *key, struct settings *settings)
{
	return (char *)settings + key->offset;
}

static const void *const_member(const struct setting_key *key, const struct settings *settings)
{
	return (const char *)settings + key->offset;
}

/* Members of numbers and words are uint64_t, uint32_t, an enum or bool. */
static void store(const struct setting_key *key, struct settings *settings, uint64_t value)
{
	void *where = member(key, settings);

	if (key->size == sizeof(uint64_t))
		*(uint64_t *)where = value;
	else if (key->size == sizeof(uint32_t))
		*(uint32_t *)where = (uint32_t)value;
	else
		*(bool *)where = value;
}

static uint64_t load(const struct setting_key *key, const struct settings *settings)
{
	const void *where = const_member(key, settings);

	if (key->size == sizeof(uint64_t))
		return *(const uint64_t *)where;
	if (key->size == sizeof(uint32_t))
		return *(const uint32_t *)where;
	return *(const bool *)where;
}

void setting_refuse(struct problems *problems, const char *pointer, struct json_object *value,
		    const char *allowed, ...)
{
	char shown[JSON_SHOWN_MAX], text[512];
	va_list arguments;

	va_start(arguments, allowed);
	vsnprintf(text, sizeof(text), allowed, arguments);
	va_end(arguments);
	json_shown(value, shown);
	problem_add(problems, pointer, "is %s, must be %s", shown, text);
}

const char *setting_text(struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* "a", "b" or "c" */
static void list_words(const char *const *words, char *ret, size_t size)
{
	size_t used = 0;

	*ret = '\0';
	for (size_t i = 0; words[i] && used < size; i++) {
		const char *between = i == 0 ? "" : words[i + 1] ? ", " : " or ";
		int added = snprintf(ret + used, size - used, "%s\"%s\"", between, words[i]);

		if (added > 0)
			used += (size_t)added;
	}
}

static int find_word(const char *const *words, const char *text)
{
	for (int i = 0; words && words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

int setting_word(const struct setting_key *key, const char *pointer, struct json_object *value,
		 struct problems *problems)
{
	const char *text = setting_text(value);
	int found = text ? find_word(key->words, text) : -1;
	char words[256];

	if (found >= 0)
		return found;
	if (text && find_word(key->later, text) >= 0) {
		problem_add(problems, pointer, "\"%s\" is not supported by this version", text);
		return -1;
	}
	list_words(key->words, words, sizeof(words));
	setting_refuse(problems, pointer, value, "%s", words);
	return -1;
}

int setting_set_text(char **where, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int read_flag(const struct setting_key *key, struct json_object *value,
		     struct settings *settings, struct problems *problems)
{
	if (json_object_is_type(value, json_type_boolean))
		store(key, settings, json_object_get_boolean(value));
	else
		setting_refuse(problems, key->pointer, value, "true or false");
	return 0;
}

static struct json_object *print_flag(const struct setting_key *key,
				      const struct settings *settings)
{
	return json_object_new_boolean((json_bool)load(key, settings));
}

static bool in_range(const struct setting_key *key, struct json_object *value)
{
	int64_t number = json_object_get_int64(value);

	return json_object_is_type(value, json_type_int) && number >= 0 &&
	       (uint64_t)number >= key->low && (uint64_t)number <= key->high;
}

static int read_number(const struct setting_key *key, struct json_object *value,
		       struct settings *settings, struct problems *problems)
{
	if (in_range(key, value))
		store(key, settings, (uint64_t)json_object_get_int64(value));
	else
		setting_refuse(problems, key->pointer, value,
			       "a whole number from %" PRIu64 " to %" PRIu64, key->low, key->high);
	return 0;
}

static struct json_object *print_number(const struct setting_key *key,
					const struct settings *settings)
{
	return json_object_new_int64((int64_t)load(key, settings));
}

/* "64MiB" is as good as 67108864. */
static int read_bytes(const struct setting_key *key, struct json_object *value,
		      struct settings *settings, struct problems *problems)
{
	const char *text = setting_text(value);
	struct reason reason;
	uint64_t bytes;

	if (in_range(key, value))
		store(key, settings, (uint64_t)json_object_get_int64(value));
	else if (text && !units_parse(text, UNITS_BYTES, false, &bytes, &reason) &&
		 bytes >= key->low && bytes <= key->high)
		store(key, settings, bytes);
	else
		setting_refuse(problems, key->pointer, value,
			       "a whole number from %" PRIu64 " to %" PRIu64
			       " or as many bytes with a unit (\"64MiB\")",
			       key->low, key->high);
	return 0;
}

static int read_power_of_two(const struct setting_key *key, struct json_object *value,
			     struct settings *settings, struct problems *problems)
{
	uint64_t number = in_range(key, value) ? (uint64_t)json_object_get_int64(value) : 0;

	if (number > 0 && (number & (number - 1)) == 0)
		store(key, settings, number);
	else
		setting_refuse(problems, key->pointer, value,
			       "a power of two from %" PRIu64 " to %" PRIu64, key->low, key->high);
	return 0;
}

static int read_choice(const struct setting_key *key, struct json_object *value,
		       struct settings *settings, struct problems *problems)
{
	int word = setting_word(key, key->pointer, value, problems);

	if (word >= 0)
		store(key, settings, (uint64_t)word);
	return 0;
}

static struct json_object *print_choice(const struct setting_key *key,
					const struct settings *settings)
{
	return json_object_new_string(key->words[load(key, settings)]);
}

static int read_fixed(const struct setting_key *key, struct json_object *value,
		      struct settings *settings, struct problems *problems)
{
	(void)settings;
	(void)setting_word(key, key->pointer, value, problems);
	return 0;
}

static int read_path(const struct setting_key *key, struct json_object *value,
		     struct settings *settings, struct problems *problems)
{
	const char *text = setting_text(value);

	if (text && text[0] == '/' && strlen(text) < PATH_MAX)
		return setting_set_text(member(key, settings), text);
	setting_refuse(problems, key->pointer, value, "an absolute path");
	return 0;
}

static struct json_object *print_path(const struct setting_key *key,
				      const struct settings *settings)
{
	return json_object_new_string(*(char *const *)const_member(key, settings));
}

static int read_policies_file(const struct setting_key *key, struct json_object *value,
			      struct settings *settings, struct problems *problems)
{
	settings->policies_file_named = true;
	return read_path(key, value, settings, problems);
}

/* The default must not come back as a file that the configuration names. */
static struct json_object *print_policies_file(const struct setting_key *key,
					       const struct settings *settings)
{
	return settings->policies_file_named ? print_path(key, settings) : NULL;
}

static int read_later(const struct setting_key *key, struct json_object *value,
		      struct settings *settings, struct problems *problems)
{
	(void)value;
	(void)settings;
	problem_add(problems, key->pointer, "is not supported by this version");
	return 0;
}

static int read_replaced(const struct setting_key *key, struct json_object *value,
			 struct settings *settings, struct problems *problems)
{
	(void)value;
	(void)settings;
	problem_warn(problems, key->pointer, "has no effect any more: %s", key->instead);
	return 0;
}

struct setting_functions {
	int (*read)(const struct setting_key *key, struct json_object *value,
		    struct settings *settings, struct problems *problems);
	struct json_object *(*print)(const struct setting_key *key,
				     const struct settings *settings); /* NULL: nothing to print */
};

static const struct setting_functions functions[SETTING_KINDS] = {
	[SETTING_FLAG] = { read_flag, print_flag },
	[SETTING_NUMBER] = { read_number, print_number },
	[SETTING_BYTES] = { read_bytes, print_number },
	[SETTING_POWER_OF_TWO] = { read_power_of_two, print_number },
	[SETTING_CHOICE] = { read_choice, print_choice },
	[SETTING_FIXED] = { read_fixed, NULL },
	[SETTING_PATH] = { read_path, print_path },
	[SETTING_TARGETS] = { setting_read_targets, setting_print_targets },
	[SETTING_LISTEN] = { setting_read_listen, setting_print_listen },
	[SETTING_METRICS_PORT] = { setting_read_metrics_port, NULL },
	[SETTING_HOSTS] = { setting_read_hosts, setting_print_hosts },
	[SETTING_TLS] = { setting_read_tls, setting_print_tls },
	[SETTING_INTERFACES] = { setting_read_interfaces, setting_print_interfaces },
	[SETTING_INTERFACE] = { setting_read_interface, NULL },
	[SETTING_POLICIES_FILE] = { read_policies_file, print_policies_file },
	[SETTING_FAILSAFE] = { setting_read_failsafe, setting_print_failsafe },
	[SETTING_LATER] = { read_later, NULL },
	[SETTING_REPLACED] = { read_replaced, NULL },
};

int setting_read(const struct setting_key *key, struct json_object *value,
		 struct settings *settings, struct problems *problems)
{
	return functions[key->kind].read(key, value, settings, problems);
}

struct json_object *setting_print(const struct setting_key *key, const struct settings *settings)
{
	errno = 0;
	return functions[key->kind].print ? functions[key->kind].print(key, settings) : NULL;
}
