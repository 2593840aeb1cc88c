// SPDX-License-Identifier: Apache-2.0
#include "settings_kind.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_json.h"
#include "policyset.h"
#include "problem.h"

/* The words of "policy.failsafe". */
enum { WORD_DEFAULT, WORD_OFF };

/* What keeps a machine within reach, read by the parser that reads every
 * other policy. ICMPv6 133 to 137: routers, neighbours and redirects. */
static const char standard[] =
	"["
	"{\"id\":\"failsafe-ssh\",\"protocol\":\"tcp\",\"dst\":{\"port\":22}},"
	"{\"id\":\"failsafe-ssh-replies\",\"direction\":\"egress\",\"protocol\":\"tcp\","
	"\"src\":{\"port\":22}},"
	"{\"id\":\"failsafe-dhcp\",\"protocol\":\"udp\",\"src\":{\"port\":67},"
	"\"dst\":{\"port\":68}},"
	"{\"id\":\"failsafe-dhcp-requests\",\"direction\":\"egress\",\"protocol\":\"udp\","
	"\"src\":{\"port\":68},\"dst\":{\"port\":67}},"
	"{\"id\":\"failsafe-dhcpv6\",\"protocol\":\"udp\",\"src\":{\"port\":547},"
	"\"dst\":{\"port\":546}},"
	"{\"id\":\"failsafe-dhcpv6-requests\",\"direction\":\"egress\",\"protocol\":\"udp\","
	"\"src\":{\"port\":546},\"dst\":{\"port\":547}},"
	"{\"id\":\"failsafe-router-solicitation\",\"direction\":\"both\",\"protocol\":\"icmpv6\","
	"\"icmp_type\":133},"
	"{\"id\":\"failsafe-router-advertisement\",\"direction\":\"both\",\"protocol\":\"icmpv6\","
	"\"icmp_type\":134},"
	"{\"id\":\"failsafe-neighbor-solicitation\",\"direction\":\"both\",\"protocol\":\"icmpv6\","
	"\"icmp_type\":135},"
	"{\"id\":\"failsafe-neighbor-advertisement\",\"direction\":\"both\","
	"\"protocol\":\"icmpv6\",\"icmp_type\":136},"
	"{\"id\":\"failsafe-redirect\",\"direction\":\"both\",\"protocol\":\"icmpv6\","
	"\"icmp_type\":137},"
	"{\"id\":\"failsafe-fragmentation-needed\",\"direction\":\"both\",\"protocol\":\"icmp\","
	"\"icmp_type\":3,\"icmp_code\":4},"
	"{\"id\":\"failsafe-packet-too-big\",\"direction\":\"both\",\"protocol\":\"icmpv6\","
	"\"icmp_type\":2}"
	"]";

/* Makes a set of a list; the list keeps its own references. */
static int make_set(const struct policy_list *list, struct policyset **ret)
{
	CLEANUP(policyset_put) struct policyset *empty = policyset_new();

	if (!empty)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		list->policy[i]->origin = ORIGIN_FAILSAFE;
	return policyset_add(empty, list->policy, list->count, ret);
}

static int read_policies(const char *pointer, struct json_object *array, struct policyset **ret,
			 struct problems *problems)
{
	static const struct policy_source source = { .failsafe = true };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	size_t first = problems->count;
	int error = policy_parse_list(array, &source, &list, problems);

	problems_prefix(problems, first, pointer);
	if (error)
		return error;
	return make_set(&list, ret);
}

static int read_standard(struct policyset **ret, struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *array = NULL;
	int error = json_read(standard, sizeof(standard) - 1, 0, &array, problems);

	return error ? error : read_policies("/policy/failsafe", array, ret, problems);
}

static int read_word(const struct setting_key *key, struct json_object *value,
		     struct policyset **ret, struct problems *problems)
{
	const char *text = setting_text(value);

	if (text && !strcmp(text, key->words[WORD_DEFAULT]))
		return read_standard(ret, problems);
	if (text && !strcmp(text, key->words[WORD_OFF])) {
		*ret = policyset_new();
		return *ret ? 0 : -ENOMEM;
	}
	setting_refuse(problems, key->pointer, value, "\"%s\", \"%s\" or a list of policies",
		       key->words[WORD_DEFAULT], key->words[WORD_OFF]);
	return -EINVAL;
}

int setting_read_failsafe(const struct setting_key *key, struct json_object *value,
			  struct settings *settings, struct problems *problems)
{
	CLEANUP(policyset_put) struct policyset *set = NULL;
	int error;

	/* An empty list would be "off" without its saying so. */
	if (json_object_is_type(value, json_type_array) && json_object_array_length(value) > 0)
		error = read_policies(key->pointer, value, &set, problems);
	else
		error = read_word(key, value, &set, problems);
	if (error)
		return error == -ENOMEM ? error : 0;
	policyset_put(&settings->failsafe);
	settings->failsafe = TAKE_PTR(set);
	settings->failsafe_off = settings->failsafe->count == 0;
	return 0;
}

struct json_object *setting_print_failsafe(const struct setting_key *key,
					   const struct settings *settings)
{
	CLEANUP(cleanup_json) struct json_object *array = NULL;

	if (settings->failsafe_off)
		return json_object_new_string(key->words[WORD_OFF]);
	array = json_object_new_array();
	for (size_t i = 0; array && i < settings->failsafe->count; i++) {
		struct json_object *policy = policy_to_json(settings->failsafe->policy[i]);

		if (!policy || json_object_array_add(array, policy) < 0) {
			json_object_put(policy);
			errno = ENOMEM;
			return NULL;
		}
	}
	return TAKE_PTR(array);
}
