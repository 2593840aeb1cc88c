// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <json-c/json.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "policy_draft.h"
#include "policy_field.h"
#include "policy_read.h"
#include "policy_value.h"

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define LABELS_MAX 32
#define LABEL_KEY_MAX 63
#define LABEL_VALUE_MAX 256
#define INTERFACES_MAX 64

/* Begins with a letter or digit, goes on with those and @others. */
static bool is_name(const char *text, const char *others, size_t max)
{
	static const char plain[] = LETTERS_AND_DIGITS;
	size_t length = strlen(text);

	if (!length || length > max || !strchr(plain, text[0]))
		return false;
	for (; *text; text++)
		if (!strchr(plain, *text) && !strchr(others, *text))
			return false;
	return true;
}

int read_id(struct field_reader *reader, struct json_object *value)
{
	const char *id;
	int r = field_string(reader, value, &id);

	if (r < 0)
		return r;
	if (!is_name(id, "._:@-", POLICY_ID_MAX))
		return field_refuse(
			reader, value,
			"is not an id: 1 to %d letters, digits and "
			"\".\", \"_\", \":\", \"@\", \"-\", the first a letter or digit",
			POLICY_ID_MAX);
	if (reader->id && strcmp(reader->id, id) != 0)
		return field_refuse(reader, value,
				    "differs from the id \"%s\", which cannot "
				    "change: add another policy and delete this one",
				    reader->id);
	reader->policy->id = strdup(id);
	return reader->policy->id ? 0 : -ENOMEM;
}

int print_id(const struct policy *policy, const struct policy_field *field,
	     struct json_object **ret)
{
	(void)field;
	return print_string(policy->id, ret);
}

int read_description(struct field_reader *reader, struct json_object *value)
{
	char *text;
	int r;

	if (json_object_is_type(value, json_type_string) && !json_object_get_string_len(value))
		return 0;
	r = field_text(reader, value, POLICY_DESCRIPTION_MAX, &text);
	if (!r)
		reader->draft->rare.description = text;
	return r;
}

int print_description(const struct policy *policy, const struct policy_field *field,
		      struct json_object **ret)
{
	(void)field;
	return policy->rare->description ? print_string(policy->rare->description, ret) : 0;
}

/* ---- labels */

static int compare_labels(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static int add_label(struct field_reader *reader, const char *key, struct json_object *value)
{
	struct policy *policy = reader->policy;
	struct label *label = &reader->draft->labels[policy->label_count];
	const char *text;

	reader->key = key;
	if (!is_name(key, "._/-", LABEL_KEY_MAX))
		return field_refuse(reader, value,
				    "belongs to a key that is not 1 to %d letters, "
				    "digits and \".\", \"_\", \"/\", \"-\", the first a letter "
				    "or digit",
				    LABEL_KEY_MAX);
	if (!json_object_is_type(value, json_type_string) ||
	    json_object_get_string_len(value) > LABEL_VALUE_MAX)
		return field_refuse(reader, value, "is not a string of up to %d bytes",
				    LABEL_VALUE_MAX);
	text = json_object_get_string(value);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return field_refuse(reader, value, "has a control character");
	label->key = strdup(key);
	label->value = strdup(text);
	policy->label_count++;
	return label->key && label->value ? 0 : -ENOMEM;
}

int read_labels(struct field_reader *reader, struct json_object *value)
{
	struct policy *policy = reader->policy;
	struct label *labels;
	int count, result = 0;

	if (!json_object_is_type(value, json_type_object))
		return field_refuse(reader, value, "is not an object of strings");
	count = json_object_object_length(value);
	if (count > LABELS_MAX)
		return field_refuse(reader, value, "has more than %d labels", LABELS_MAX);
	if (!count)
		return 0;
	labels = calloc((size_t)count, sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	reader->draft->rare.labels = reader->draft->labels = labels;
	json_object_object_foreach(value, key, text) {
		int r = add_label(reader, key, text);

		if (r == -ENOMEM)
			return r;
		result = r < 0 ? r : result;
	}
	qsort(labels, policy->label_count, sizeof(*labels), compare_labels);
	return result;
}

int print_labels(const struct policy *policy, const struct policy_field *field,
		 struct json_object **ret)
{
	(void)field;
	if (!policy->label_count)
		return 0;
	*ret = json_object_new_object();
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < policy->label_count; i++) {
		struct json_object *text = json_object_new_string(policy->rare->labels[i].value);

		if (!text)
			return -ENOMEM;
		if (json_object_object_add(*ret, policy->rare->labels[i].key, text) < 0) {
			json_object_put(text);
			return -ENOMEM;
		}
	}
	return 0;
}

/* ---- interfaces */

static int check_interface(struct field_reader *reader, struct json_object *value)
{
	const char *name;
	int r = field_string(reader, value, &name);

	if (r < 0)
		return r;
	if (strpbrk(name, "*?["))
		return field_refuse(reader, value,
				    "is a pattern: name each interface in a list, "
				    "or leave \"interface\" out for all");
	if (!*name || strlen(name) >= IFNAMSIZ || strpbrk(name, "/: \t\r\n\v\f") ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return field_refuse(reader, value,
				    "is not the name of an interface: 1 to %d bytes "
				    "without spaces, \"/\" and \":\"",
				    IFNAMSIZ - 1);
	for (size_t i = 0; i < reader->policy->interface_count; i++)
		if (!strcmp(reader->draft->interfaces[i], name))
			return field_refuse(reader, value, "is in the list twice");
	return 0;
}

int read_interface(struct field_reader *reader, struct json_object *value)
{
	struct policy *policy = reader->policy;
	int count = field_elements(reader, value, INTERFACES_MAX);
	int result = 0;
	char **names;

	if (count < 0)
		return count;
	names = calloc((size_t)count, sizeof(char *));
	if (!names)
		return -ENOMEM;
	reader->draft->interfaces = names;
	reader->draft->rare.interfaces = (const char *const *)names;
	for (int i = 0; i < count; i++) {
		struct json_object *element = field_element(reader, value, i);
		int r = check_interface(reader, element);

		result = r < 0 ? r : result;
		if (r < 0)
			continue;
		names[policy->interface_count] = strdup(json_object_get_string(element));
		if (!names[policy->interface_count++])
			return -ENOMEM;
	}
	return result;
}

int print_interface(const struct policy *policy, const struct policy_field *field,
		    struct json_object **ret)
{
	(void)field;
	for (size_t i = 0; i < policy->interface_count; i++) {
		int r = print_element(ret, json_object_new_string(policy->rare->interfaces[i]),
				      policy->interface_count);

		if (r < 0)
			return r;
	}
	return 0;
}
