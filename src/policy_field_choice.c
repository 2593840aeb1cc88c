// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <strings.h>

#include "policy.h"
#include "policy_field.h"
#include "policy_read.h"
#include "policy_value.h"

int read_enabled(struct field_reader *reader, struct json_object *value)
{
	return field_boolean(reader, value, &reader->policy->enabled);
}

int print_enabled(const struct policy *policy, const struct policy_field *field,
		  struct json_object **ret)
{
	(void)field;
	if (policy->enabled)
		return 0;
	*ret = json_object_new_boolean(0);
	return *ret ? 0 : -ENOMEM;
}

int read_priority(struct field_reader *reader, struct json_object *value)
{
	int64_t priority;
	int r = field_integer(reader, value, 0, UINT16_MAX, &priority);

	if (!r)
		reader->policy->priority = (uint16_t)priority;
	return r;
}

int print_priority(const struct policy *policy, const struct policy_field *field,
		   struct json_object **ret)
{
	(void)field;
	return policy->priority == POLICY_PRIORITY_DEFAULT ? 0
							   : print_integer(policy->priority, ret);
}

/* Refuses a word that will mean something in a later version. */
static int refuse_later(struct field_reader *reader, struct json_object *value, const char *word)
{
	if (!json_object_is_type(value, json_type_string) ||
	    strcasecmp(json_object_get_string(value), word) != 0)
		return 0;
	return field_refuse(reader, value, "is not supported yet");
}

int read_mode(struct field_reader *reader, struct json_object *value)
{
	static const char *const words[] = { "enforce", NULL };
	int r = refuse_later(reader, value, "audit");

	if (!r)
		r = field_word(reader, value, words);
	return r < 0 ? r : 0;
}

int read_action(struct field_reader *reader, struct json_object *value)
{
	static const char *const words[] = { "ALLOW", "BLOCK", "RATE_LIMIT", "LOG_ONLY", NULL };
	static const enum pep_action actions[] = { PEP_ACTION_ALLOW, PEP_ACTION_BLOCK,
						   PEP_ACTION_RATE_LIMIT, PEP_ACTION_LOG_ONLY };
	int r = refuse_later(reader, value, "REJECT");

	if (!r)
		r = field_word(reader, value, words);
	if (r < 0)
		return r;
	reader->policy->action = actions[r];
	return 0;
}

int print_action(const struct policy *policy, const struct policy_field *field,
		 struct json_object **ret)
{
	(void)field;
	return print_string(policy_action_name(policy->action), ret);
}

#define BIT_IN (1u << PEP_INGRESS)
#define BIT_OUT (1u << PEP_EGRESS)

int read_direction(struct field_reader *reader, struct json_object *value)
{
	static const char *const words[] = { "ingress", "egress", "both", "in", "out", NULL };
	static const uint8_t bits[] = { BIT_IN, BIT_OUT, BIT_IN | BIT_OUT, BIT_IN, BIT_OUT };
	int r = field_word(reader, value, words);

	if (r < 0)
		return r;
	reader->policy->directions = bits[r];
	return 0;
}

int print_direction(const struct policy *policy, const struct policy_field *field,
		    struct json_object **ret)
{
	(void)field;
	if (policy->directions == BIT_IN)
		return 0;
	return print_string(policy->directions == BIT_OUT ? "egress" : "both", ret);
}

int read_fragment(struct field_reader *reader, struct json_object *value)
{
	bool fragment;
	int r = field_boolean(reader, value, &fragment);

	if (!r)
		reader->policy->fragment = fragment ? 1 : 0;
	return r;
}

int print_fragment(const struct policy *policy, const struct policy_field *field,
		   struct json_object **ret)
{
	(void)field;
	if (policy->fragment < 0)
		return 0;
	*ret = json_object_new_boolean(policy->fragment);
	return *ret ? 0 : -ENOMEM;
}

int read_state(struct field_reader *reader, struct json_object *value)
{
	return field_refuse(reader, value, "cannot be matched: \"state\" is not supported yet");
}

int read_log(struct field_reader *reader, struct json_object *value)
{
	return field_boolean(reader, value, &reader->policy->log);
}

int print_log(const struct policy *policy, const struct policy_field *field,
	      struct json_object **ret)
{
	(void)field;
	if (!policy->log)
		return 0;
	*ret = json_object_new_boolean(1);
	return *ret ? 0 : -ENOMEM;
}

int read_rate_per(struct field_reader *reader, struct json_object *value)
{
	static const char *const words[] = { "policy", NULL };
	int r = refuse_later(reader, value, "source");

	if (!r)
		r = refuse_later(reader, value, "destination");
	if (!r)
		r = field_word(reader, value, words);
	return r < 0 ? r : 0;
}

int read_conform(struct field_reader *reader, struct json_object *value)
{
	static const char *const words[] = { "pass", "continue", NULL };
	int r = field_word(reader, value, words);

	if (r < 0)
		return r;
	reader->policy->conform_continue = r == 1;
	return 0;
}

int print_conform(const struct policy *policy, const struct policy_field *field,
		  struct json_object **ret)
{
	(void)field;
	return policy->conform_continue ? print_string("continue", ret) : 0;
}
