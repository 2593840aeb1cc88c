// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "settings_fixture.h"
#include "settings_key.h"

START_TEST(defaults_are_those_of_the_manual)
{
	ck_assert_int_eq(settings_default(&settings), 0);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_INFO);
	ck_assert_uint_eq(settings->log_targets, 0);
	ck_assert_uint_eq(settings->listen.count, 3);
	ck_assert_str_eq(settings->listen.string[0], "127.0.0.1:8080");
	ck_assert_str_eq(settings->listen.string[1], "[::1]:8080");
	ck_assert_int_eq(strncmp(settings->listen.string[2], "unix:/", 6), 0);
	ck_assert_int_eq(settings->anonymous, ANONYMOUS_READ);
	ck_assert_uint_eq(settings->max_body_bytes, 64 << 20);
	ck_assert_uint_eq(settings->max_connections, 256);
	ck_assert_uint_eq(settings->timeout_seconds, 30);
	ck_assert_uint_eq(settings->interfaces.count, 0);
	ck_assert_int_eq(settings->mode, ATTACH_AUTO);
	ck_assert_uint_eq(settings->capacity, 10000);
	ck_assert_uint_eq(settings->max_rules, 40000);
	ck_assert(!settings->default_block);
	ck_assert(!settings->policies_file_named);
	ck_assert_int_eq(settings->on_bad_start, BAD_START_LAST_GOOD);
	ck_assert(!settings->failsafe_off);
	ck_assert_uint_gt(settings->failsafe->count, 0);
	ck_assert(!settings->malformed_pass && !settings->untracked_pass && !settings->non_ip_drop);
	ck_assert_uint_eq(settings->flow_cache_entries, 16384);
	ck_assert(settings->metrics_enabled);
	ck_assert_uint_eq(settings->metrics_policies, 1000);
}
END_TEST

static const struct policy *failsafe(const char *id)
{
	const struct policy *policy = policyset_find(settings->failsafe, id);

	ck_assert_msg(policy != NULL, "no policy \"%s\"", id);
	ck_assert_int_eq(policy->action, PEP_ACTION_ALLOW);
	ck_assert_int_eq(policy->origin, ORIGIN_FAILSAFE);
	ck_assert(policy->enabled);
	ck_assert_uint_eq(policy->src.count + policy->dst.count + policy->interface_count, 0);
	return policy;
}

static void assert_ports(const char *id, unsigned int directions, int protocol, int source,
			 int destination)
{
	const struct policy *policy = failsafe(id);

	ck_assert_uint_eq(policy->directions, directions);
	ck_assert_int_eq(policy->protocol, protocol);
	ck_assert_uint_eq(policy->sport.count, source != 0);
	ck_assert_uint_eq(policy->dport.count, destination != 0);
	ck_assert(!source ||
		  (policy->sport.range[0].low == source && policy->sport.range[0].high == source));
	ck_assert(!destination || (policy->dport.range[0].low == destination &&
				   policy->dport.range[0].high == destination));
}

static void assert_icmp(const char *id, int protocol, int type, int code)
{
	const struct policy *policy = failsafe(id);

	ck_assert_uint_eq(policy->directions, 1 << PEP_INGRESS | 1 << PEP_EGRESS);
	ck_assert_int_eq(policy->protocol, protocol);
	ck_assert_int_eq(policy->icmp_type, type);
	ck_assert_int_eq(policy->icmp_code, code);
}

START_TEST(the_default_failsafe_keeps_a_machine_within_reach)
{
	ck_assert_int_eq(parse("{\"policy\":{\"failsafe\":\"default\"}}"), 0);
	ck_assert_uint_eq(settings->failsafe->count, 13);
	assert_ports("failsafe-ssh", 1 << PEP_INGRESS, IPPROTO_TCP, 0, 22);
	assert_ports("failsafe-ssh-replies", 1 << PEP_EGRESS, IPPROTO_TCP, 22, 0);
	assert_ports("failsafe-dhcp", 1 << PEP_INGRESS, IPPROTO_UDP, 67, 68);
	assert_ports("failsafe-dhcp-requests", 1 << PEP_EGRESS, IPPROTO_UDP, 68, 67);
	assert_ports("failsafe-dhcpv6", 1 << PEP_INGRESS, IPPROTO_UDP, 547, 546);
	assert_ports("failsafe-dhcpv6-requests", 1 << PEP_EGRESS, IPPROTO_UDP, 546, 547);
	assert_icmp("failsafe-router-solicitation", IPPROTO_ICMPV6, 133, -1);
	assert_icmp("failsafe-router-advertisement", IPPROTO_ICMPV6, 134, -1);
	assert_icmp("failsafe-neighbor-solicitation", IPPROTO_ICMPV6, 135, -1);
	assert_icmp("failsafe-neighbor-advertisement", IPPROTO_ICMPV6, 136, -1);
	assert_icmp("failsafe-redirect", IPPROTO_ICMPV6, 137, -1);
	assert_icmp("failsafe-packet-too-big", IPPROTO_ICMPV6, 2, -1);
	assert_icmp("failsafe-fragmentation-needed", IPPROTO_ICMP, 3, 4);
}
END_TEST

START_TEST(a_failsafe_of_ones_own)
{
	ck_assert_int_eq(parse("{\"policy\":{\"failsafe\":[{\"id\":\"a\",\"protocol\":\"tcp\","
			       "\"dst\":{\"port\":2222}},{\"id\":\"b\",\"protocol\":\"ospf\"}]}}"),
			 0);
	ck_assert(!settings->failsafe_off);
	ck_assert_uint_eq(settings->failsafe->count, 2);
	assert_ports("a", 1 << PEP_INGRESS, IPPROTO_TCP, 0, 2222);
}
END_TEST

START_TEST(globs_match_but_never_lo)
{
	bool exact;

	ck_assert_int_eq(parse("{\"network\":{\"interfaces\":[\"eth0\",\"en*\",\"l?\"]}}"), 0);
	ck_assert(settings_wants_interface(settings, "eth0", &exact));
	ck_assert(exact);
	ck_assert(settings_wants_interface(settings, "enp3s0", &exact));
	ck_assert(!exact);
	ck_assert(!settings_wants_interface(settings, "lo", &exact));
	ck_assert(!settings_wants_interface(settings, "eth1", &exact));
	ck_assert_int_eq(parse("{\"network\":{\"interfaces\":[\"lo\"]}}"), 0);
	ck_assert(settings_wants_interface(settings, "lo", &exact));
	ck_assert(exact);
}
END_TEST

/* What is printed reads back and prints identically. */
START_TEST(printed_settings_read_back)
{
	static const char *const texts[] = {
		"{}",
		"{\"log\":{\"target\":[\"journal\",\"file\"]},\"server\":{\"metrics_port\":9100},"
		"\"network\":{\"interface\":\"eth0\",\"mode\":\"generic\"},"
		"\"policy\":{\"failsafe\":\"off\",\"default_action\":\"BLOCK\","
		"\"policies_file\":\"/x/p.json\"},\"datapath\":{\"on_stop\":\"detach\"}}",
		"{\"policy\":{\"failsafe\":[{\"id\":\"a\",\"src\":{\"ip\":\"192.0.2.1\"}}]}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(cleanup_json) struct json_object *first = NULL, *second = NULL;

		ck_assert_int_eq(parse(texts[i]), 0);
		first = settings_to_json(settings);
		ck_assert_ptr_nonnull(first);
		ck_assert_int_eq(parse(json_object_to_json_string(first)), 0);
		ck_assert_uint_eq(problems.errors, 0);
		second = settings_to_json(settings);
		ck_assert_str_eq(json_object_to_json_string(first),
				 json_object_to_json_string(second));
		ck_assert_int_eq(settings->policies_file_named, i == 1);
	}
}
END_TEST

START_TEST(table_is_complete)
{
	for (size_t i = 0; i < setting_key_count; i++) {
		const struct setting_key *key = &setting_keys[i];
		char section[32];

		ck_assert_ptr_eq(setting_key_find(key->pointer), key);
		snprintf(section, sizeof(section), "%.*s", (int)strcspn(key->pointer + 1, "/"),
			 key->pointer + 1);
		ck_assert_msg(setting_key_is_section(section), "%s", section);
		ck_assert_msg((key->kind == SETTING_REPLACED) == (key->instead != NULL), "%s",
			      key->pointer);
		ck_assert_msg(key->kind != SETTING_NUMBER || key->low < key->high, "%s",
			      key->pointer);
	}
	ck_assert(!setting_key_is_section("nothing"));
}
END_TEST

START_TEST(restarts_are_named)
{
	struct settings *wanted = NULL;

	ck_assert_int_eq(settings_default(&wanted), 0);
	ck_assert_int_eq(parse("{\"log\":{\"level\":\"debug\"},\"policy\":{\"state_dir\":\"/s\"},"
			       "\"datapath\":{\"flow_cache_entries\":64}}"),
			 0);
	ck_assert_int_eq(settings_note_restarts(wanted, settings, &problems), 0);
	ck_assert_uint_eq(problems.count, 2);
	ck_assert_uint_eq(problems.errors, 0);
	ck_assert_ptr_nonnull(problem_at("/policy/state_dir"));
	ck_assert_str_eq(problem_at("/datapath/flow_cache_entries")->detail,
			 "is 16384 until a restart, then 64");
	settings_free(&wanted);
}
END_TEST

START_TEST(file_may_have_comments)
{
	ck_assert_int_eq(load("// a\n{ /* b */ \"log\": { \"level\": \"warn\" } }\n"), 0);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_WARN);
}
END_TEST

START_TEST(bad_file_is_named)
{
	ck_assert_int_eq(settings_load(path_of("none.json"), &settings, &problems), -ENOENT);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, "none.json"));
	ck_assert_int_eq(load("{\"log\":{},\"log\":{}}"), -EINVAL);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_int_eq(load("{"), -EBADMSG);
	ck_assert_uint_ge(problems.errors, 1);
}
END_TEST

START_TEST(environment_overrides)
{
	setenv("PEPCTL_INTERFACE", "eth0, en*", 1);
	setenv("PEPCTL_LOG_LEVEL", "error", 1);
	ck_assert_int_eq(load("{\"network\":{\"interfaces\":[\"x\"]}}"), 0);
	ck_assert_uint_eq(settings->interfaces.count, 2);
	ck_assert_str_eq(settings->interfaces.string[0], "eth0");
	ck_assert_str_eq(settings->interfaces.string[1], "en*");
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_ERROR);
	setenv("PEPCTL_INTERFACE", "", 1);
	setenv("PEPCTL_LOG_LEVEL", "", 1);
	ck_assert_int_eq(load("{\"network\":{\"interfaces\":[\"x\"]}}"), 0);
	ck_assert_str_eq(settings->interfaces.string[0], "x");
}
END_TEST

START_TEST(environment_faults_name_the_variable)
{
	setenv("PEPCTL_INTERFACE", "eth0,,b/c", 1);
	setenv("PEPCTL_LOG_LEVEL", "LOUD", 1);
	ck_assert_int_eq(load("{\"log\":{\"level\":1}}"), -EINVAL);
	ck_assert_uint_eq(problems.errors, 4);
	ck_assert_ptr_nonnull(strstr(problems.list[1].detail, "PEPCTL_INTERFACE: \"\" is empty"));
	ck_assert_ptr_nonnull(strstr(problems.list[2].detail, "PEPCTL_INTERFACE: \"b/c\""));
	ck_assert_ptr_nonnull(strstr(problems.list[3].detail, "PEPCTL_LOG_LEVEL: is \"LOUD\""));
	ck_assert_int_eq(load("{}"), -EINVAL);
	ck_assert_ptr_null(settings);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("settings");

	tcase_add_test(tcase, defaults_are_those_of_the_manual);
	tcase_add_test(tcase, the_default_failsafe_keeps_a_machine_within_reach);
	tcase_add_test(tcase, a_failsafe_of_ones_own);
	tcase_add_test(tcase, globs_match_but_never_lo);
	tcase_add_test(tcase, printed_settings_read_back);
	tcase_add_test(tcase, table_is_complete);
	tcase_add_test(tcase, restarts_are_named);
	tcase_add_test(tcase, file_may_have_comments);
	tcase_add_test(tcase, bad_file_is_named);
	tcase_add_test(tcase, environment_overrides);
	tcase_add_test(tcase, environment_faults_name_the_variable);
	return run_case(tcase);
}
