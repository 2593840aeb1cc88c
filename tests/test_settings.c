// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "settings_key.h"

static struct settings *settings;
static struct policyset *set;
static struct problems problems;
static char directory[PATH_MAX];

static void set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/pepctl-settings-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	unsetenv("PEPCTL_INTERFACE");
	unsetenv("PEPCTL_LOG_LEVEL");
}

static void tear_down(void)
{
	char command[PATH_MAX + 16];

	settings_free(&settings);
	policyset_put(&set);
	problems_clear(&problems);
	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct json_object *parse_json(const char *text)
{
	struct json_object *json = NULL;

	ck_assert_int_eq(json_read(text, strlen(text), JSON_COMMENTS, &json, &problems), 0);
	return json;
}

static int parse(const char *text)
{
	CLEANUP(cleanup_json) struct json_object *json = parse_json(text);

	settings_free(&settings);
	problems_clear(&problems);
	return settings_parse(json, &settings, &problems);
}

static void write_file(const char *name, const char *text)
{
	char path[PATH_MAX * 2];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static const char *path_of(const char *name)
{
	static char path[PATH_MAX * 2];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int load(const char *text)
{
	settings_free(&settings);
	problems_clear(&problems);
	write_file("config.json", text);
	return settings_load(path_of("config.json"), &settings, &problems);
}

/* The problem at @pointer, or NULL. */
static const struct problem *problem_at(const char *pointer)
{
	for (size_t i = 0; i < problems.count; i++)
		if (strcmp(problems.list[i].pointer, pointer) == 0)
			return &problems.list[i];
	return NULL;
}

static void assert_one_error(const char *text, const char *pointer, const char *part)
{
	ck_assert_msg(parse(text) == -EINVAL, "%s was accepted", text);
	ck_assert_ptr_null(settings);
	ck_assert_msg(problems.count == 1, "%s: %zu problems", text, problems.count);
	ck_assert_str_eq(problems.list[0].pointer, pointer);
	ck_assert_msg(strstr(problems.list[0].detail, part) != NULL, "\"%s\" lacks \"%s\"",
		      problems.list[0].detail, part);
}

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
	ck_assert(!settings->on_stop_keep);
	ck_assert(settings->metrics_enabled);
	ck_assert_uint_eq(settings->metrics_policies, 1000);
}
END_TEST

START_TEST(every_key_is_read)
{
	static const char text[] =
		"{\"$schema\":\"x\","
		"\"log\":{\"level\":\"trace\",\"target\":[\"stderr\",\"file\"],\"file\":\"/l\","
		"\"drops\":true},"
		"\"server\":{\"listen\":[\"127.0.0.2:1\",\"unix:/s\"],\"metrics_port\":9100,"
		"\"anonymous\":\"none\",\"allowed_hosts\":[\"h.example\"],\"max_body_bytes\":1024,"
		"\"max_connections\":8,\"timeout_seconds\":3600},"
		"\"network\":{\"interfaces\":[\"eth0\",\"en*\"],\"interface\":\"lo\","
		"\"mode\":\"tc\",\"egress\":true},"
		"\"policy\":{\"capacity\":7,\"max_rules\":9,\"default_action\":\"BLOCK\","
		"\"policies_file\":\"/p/q.json\",\"state_dir\":\"/s\",\"failsafe\":\"off\","
		"\"mode\":\"enforce\",\"on_bad_start\":\"open\"},"
		"\"datapath\":{\"malformed\":\"pass\",\"untracked_fragment\":\"pass\","
		"\"non_ip\":\"drop\",\"flow_cache_entries\":64,\"pin\":\"auto\","
		"\"on_stop\":\"keep\"},"
		"\"metrics\":{\"enabled\":false,\"policies\":0}}";

	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_TRACE);
	ck_assert_uint_eq(settings->log_targets, LOG_TARGET_STDERR | LOG_TARGET_FILE);
	ck_assert_str_eq(settings->log_file, "/l");
	ck_assert(settings->log_drops);
	ck_assert_uint_eq(settings->listen.count, 4);
	ck_assert_str_eq(settings->listen.string[2], "127.0.0.1:9100");
	ck_assert_str_eq(settings->listen.string[3], "[::1]:9100");
	ck_assert_int_eq(settings->anonymous, ANONYMOUS_NONE);
	ck_assert_str_eq(settings->allowed_hosts.string[0], "h.example");
	ck_assert_uint_eq(settings->max_body_bytes, 1024);
	ck_assert_uint_eq(settings->max_connections, 8);
	ck_assert_uint_eq(settings->timeout_seconds, 3600);
	ck_assert_uint_eq(settings->interfaces.count, 3);
	ck_assert_str_eq(settings->interfaces.string[2], "lo");
	ck_assert_int_eq(settings->mode, ATTACH_TC);
	ck_assert(settings->egress);
	ck_assert_uint_eq(settings->capacity, 7);
	ck_assert_uint_eq(settings->max_rules, 9);
	ck_assert(settings->default_block);
	ck_assert_str_eq(settings->policies_file, "/p/q.json");
	ck_assert(settings->policies_file_named);
	ck_assert_str_eq(settings->policies_directory, "/p/policies.d");
	ck_assert_str_eq(settings->state_dir, "/s");
	ck_assert(settings->failsafe_off);
	ck_assert_uint_eq(settings->failsafe->count, 0);
	ck_assert_int_eq(settings->on_bad_start, BAD_START_OPEN);
	ck_assert(settings->malformed_pass && settings->untracked_pass && settings->non_ip_drop);
	ck_assert_uint_eq(settings->flow_cache_entries, 64);
	ck_assert(settings->on_stop_keep);
	ck_assert(!settings->metrics_enabled);
	ck_assert_uint_eq(settings->metrics_policies, 0);
}
END_TEST

static const struct {
	const char *text, *pointer, *part;
} faults[] = {
	{ "[]", "", "is [], must be an object" },
	{ "{\"log\":1}", "/log", "is 1, must be an object" },
	{ "{\"$schema\":1}", "/$schema", "must be a string" },
	{ "{\"log\":{\"level\":\"loud\"}}", "/log/level",
	  "is \"loud\", must be \"trace\", \"debug\", \"info\", \"warn\", \"error\" or "
	  "\"critical\"" },
	{ "{\"log\":{\"level\":3}}", "/log/level", "is 3" },
	{ "{\"log\":{\"level\":null}}", "/log/level", "is null" },
	{ "{\"log\":{\"target\":[]}}", "/log/target", "is [], must be" },
	{ "{\"log\":{\"target\":[\"auto\",\"file\"]}}", "/log/target/0", "only target" },
	{ "{\"log\":{\"target\":[\"file\",\"file\"]}}", "/log/target/1", "twice" },
	{ "{\"log\":{\"target\":[\"file\",\"tape\"]}}", "/log/target/1", "\"journal\"" },
	{ "{\"log\":{\"file\":\"a/b\"}}", "/log/file", "an absolute path" },
	{ "{\"log\":{\"drops\":\"yes\"}}", "/log/drops", "is \"yes\", must be true or false" },
	{ "{\"server\":{\"listen\":\"127.0.0.1:80\"}}", "/server/listen", "a list" },
	{ "{\"server\":{\"listen\":[80]}}", "/server/listen/0", "ADDRESS:PORT" },
	{ "{\"server\":{\"listen\":[\"localhost:80\"]}}", "/server/listen/0", "ADDRESS:PORT" },
	{ "{\"server\":{\"listen\":[\"127.0.0.1\"]}}", "/server/listen/0", "ADDRESS:PORT" },
	{ "{\"server\":{\"listen\":[\"127.0.0.1:0\"]}}", "/server/listen/0", "1 to 65535" },
	{ "{\"server\":{\"listen\":[\"127.0.0.1:65536\"]}}", "/server/listen/0", "1 to 65535" },
	{ "{\"server\":{\"listen\":[\"127.0.0.1:8o\"]}}", "/server/listen/0", "1 to 65535" },
	{ "{\"server\":{\"listen\":[\"::1:80\"]}}", "/server/listen/0", "[IPV6ADDRESS]:PORT" },
	{ "{\"server\":{\"listen\":[\"[::1\"]}}", "/server/listen/0", "[IPV6ADDRESS]:PORT" },
	{ "{\"server\":{\"listen\":[\"[::1]\"]}}", "/server/listen/0", "[IPV6ADDRESS]:PORT" },
	{ "{\"server\":{\"listen\":[\"[127.0.0.1]:80\"]}}", "/server/listen/0", "ADDRESS:PORT" },
	{ "{\"server\":{\"listen\":[\"0.0.0.0:80\"]}}", "/server/listen/0",
	  "TLS and tokens, which this version does not have" },
	{ "{\"server\":{\"listen\":[\"[::]:80\"]}}", "/server/listen/0", "not on loopback" },
	{ "{\"server\":{\"listen\":[\"[::ffff:127.0.0.1]:80\"]}}", "/server/listen/0",
	  "not on loopback" },
	{ "{\"server\":{\"listen\":[\"unix:/a\",\"[::1]:80\",\"[0:0::1]:80\"]}}",
	  "/server/listen/2", "\"[::1]:80\" is there twice" },
	{ "{\"server\":{\"listen\":[\"unix:a\"]}}", "/server/listen/0", "unix:/PATH" },
	{ "{\"server\":{\"listen\":[\"unix:/\"]}}", "/server/listen/0", "unix:/PATH" },
	{ "{\"server\":{\"metrics_port\":0}}", "/server/metrics_port", "from 1 to 65535" },
	{ "{\"server\":{\"anonymous\":\"write\"}}", "/server/anonymous", "\"none\", \"metrics\"" },
	{ "{\"server\":{\"allowed_hosts\":[\"a:80\"]}}", "/server/allowed_hosts/0", "host name" },
	{ "{\"server\":{\"allowed_hosts\":[\"a\",\"a\"]}}", "/server/allowed_hosts/1", "twice" },
	{ "{\"server\":{\"max_body_bytes\":1023}}", "/server/max_body_bytes", "from 1024 to" },
	{ "{\"server\":{\"max_body_bytes\":1073741825}}", "/server/max_body_bytes", "1073741824" },
	{ "{\"server\":{\"max_connections\":7}}", "/server/max_connections", "from 8 to 65536" },
	{ "{\"server\":{\"timeout_seconds\":1.5}}", "/server/timeout_seconds", "whole number" },
	{ "{\"server\":{\"tokens_file\":\"/t\"}}", "/server/tokens_file",
	  "is not supported by this version" },
	{ "{\"server\":{\"tls\":{}}}", "/server/tls", "is not supported by this version" },
	{ "{\"network\":{\"interfaces\":[\"\"]}}", "/network/interfaces/0", "is empty" },
	{ "{\"network\":{\"interfaces\":[\"a b\"]}}", "/network/interfaces/0", "no name" },
	{ "{\"network\":{\"interfaces\":[\"..\"]}}", "/network/interfaces/0", "no name" },
	{ "{\"network\":{\"interfaces\":[\"sixteen-letters-\"]}}", "/network/interfaces/0",
	  "15 bytes" },
	{ "{\"network\":{\"interfaces\":[\"a\",\"a\"]}}", "/network/interfaces/1", "twice" },
	{ "{\"network\":{\"interface\":[\"a\"]}}", "/network/interface", "name of an interface" },
	{ "{\"network\":{\"mode\":\"xdp\"}}", "/network/mode", "\"generic\" or \"tc\"" },
	{ "{\"policy\":{\"capacity\":0}}", "/policy/capacity",
	  "is 0, must be a whole number from 1 to 1000000" },
	{ "{\"policy\":{\"capacity\":-1}}", "/policy/capacity", "is -1" },
	{ "{\"policy\":{\"capacity\":1e400}}", "/policy/capacity", "whole number" },
	{ "{\"policy\":{\"capacity\":99999999999999999999}}", "/policy/capacity", "whole number" },
	{ "{\"policy\":{\"default_action\":\"DROP\"}}", "/policy/default_action",
	  "is \"DROP\", must be \"ALLOW\" or \"BLOCK\"" },
	{ "{\"policy\":{\"failsafe\":[]}}", "/policy/failsafe", "\"off\"" },
	{ "{\"policy\":{\"failsafe\":\"on\"}}", "/policy/failsafe", "\"default\" or \"off\"" },
	{ "{\"policy\":{\"failsafe\":[{}]}}", "/policy/failsafe/0/id", "" },
	{ "{\"policy\":{\"failsafe\":[{\"id\":\"a\",\"action\":\"BLOCK\"}]}}",
	  "/policy/failsafe/0/action", "" },
	{ "{\"policy\":{\"failsafe\":[{\"id\":\"a\",\"expires_at\":\"2200-01-01T00:00:00Z\"}]}}",
	  "/policy/failsafe/0/expires_at", "" },
	{ "{\"policy\":{\"failsafe\":[{\"id\":\"a\",\"dst\":{\"port\":70000}}]}}",
	  "/policy/failsafe/0/dst/port", "" },
	{ "{\"policy\":{\"mode\":\"audit\"}}", "/policy/mode",
	  "\"audit\" is not supported by this version" },
	{ "{\"policy\":{\"established\":\"allow\"}}", "/policy/established", "not supported" },
	{ "{\"policy\":{\"on_change\":\"keep\"}}", "/policy/on_change", "not supported" },
	{ "{\"policy\":{\"max_flows\":1}}", "/policy/max_flows", "not supported" },
	{ "{\"datapath\":{\"pin\":\"always\"}}", "/datapath/pin",
	  "\"always\" is not supported by this version" },
	{ "{\"datapath\":{\"pin\":\"soon\"}}", "/datapath/pin", "must be \"auto\"" },
	{ "{\"datapath\":{\"flow_cache_entries\":100}}", "/datapath/flow_cache_entries",
	  "is 100, must be a power of two from 64 to 1048576" },
	{ "{\"datapath\":{\"flow_cache_entries\":32}}", "/datapath/flow_cache_entries", "64" },
	{ "{\"metrics\":{\"policies\":1000001}}", "/metrics/policies", "from 0 to 1000000" },
	{ "{\"polisy\":{}}", "/polisy", "did you mean /policy?" },
	{ "{\"log\":{\"levle\":\"info\"}}", "/log/levle", "did you mean /log/level?" },
	{ "{\"server\":{\"interfaces\":[]}}", "/server/interfaces",
	  "did you mean /network/interfaces?" },
	{ "{\"capacity\":1}", "/capacity", "did you mean /policy/capacity?" },
	{ "{\"a/b~c\":1}", "/a~1b~0c", "is unknown" },
	{ "{\"log\":{\"\":1}}", "/log/", "is unknown" },
};

START_TEST(fault_is_named)
{
	assert_one_error(faults[_i].text, faults[_i].pointer, faults[_i].part);
}
END_TEST

START_TEST(all_errors_at_once)
{
	ck_assert_int_eq(
		parse("{\"log\":{\"level\":1,\"colour\":2},\"policy\":{\"capacity\":\"x\","
		      "\"mode\":\"audit\"},\"foo\":{},\"ebpf\":{\"program_type\":\"xdp\"}}"),
		-EINVAL);
	ck_assert_uint_eq(problems.errors, 5);
	ck_assert_uint_eq(problems.count, 6);
	ck_assert_ptr_nonnull(problem_at("/log/level"));
	ck_assert_ptr_nonnull(problem_at("/log/colour"));
	ck_assert_ptr_nonnull(problem_at("/policy/capacity"));
	ck_assert_ptr_nonnull(problem_at("/policy/mode"));
	ck_assert_ptr_nonnull(problem_at("/foo"));
	ck_assert(problem_at("/ebpf/program_type")->warning);
}
END_TEST

START_TEST(replaced_keys_are_warnings)
{
	static const char *const pointers[] = { "/server/admin_port", "/ebpf/program_path",
						"/ebpf/program_type", "/daemon/mode" };

	ck_assert_int_eq(parse("{\"server\":{\"admin_port\":8080},\"daemon\":{\"mode\":\"x\"},"
			       "\"ebpf\":{\"program_path\":\"/x.o\",\"program_type\":\"xdp\"}}"),
			 0);
	ck_assert_uint_eq(problems.count, ARRAY_SIZE(pointers));
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		ck_assert_ptr_nonnull(problem_at(pointers[i]));
		ck_assert(problem_at(pointers[i])->warning);
	}
}
END_TEST

START_TEST(socket_path_fits_or_is_refused)
{
	char text[256], path[109];

	for (size_t size = 106; size <= 108; size++) {
		memset(path, 'p', size);
		path[0] = '/';
		path[size] = '\0';
		snprintf(text, sizeof(text), "{\"server\":{\"listen\":[\"unix:%s\"]}}", path);
		ck_assert_int_eq(parse(text), size <= 107 ? 0 : -EINVAL);
	}
}
END_TEST

START_TEST(no_socket_is_a_warning)
{
	ck_assert_int_eq(parse("{\"server\":{\"listen\":[\"127.0.0.1:80\"]}}"), 0);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert(problems.list[0].warning);
	ck_assert_int_eq(parse("{\"server\":{\"listen\":[]}}"), 0);
	ck_assert_uint_eq(problems.count, 1);
	ck_assert_uint_eq(settings->listen.count, 0);
}
END_TEST

START_TEST(same_port_or_interface_twice_over_merges)
{
	ck_assert_int_eq(parse("{\"server\":{\"metrics_port\":8080},"
			       "\"network\":{\"interfaces\":[\"a\"],\"interface\":\"a\"}}"),
			 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_uint_eq(settings->listen.count, 3);
	ck_assert_uint_eq(settings->interfaces.count, 1);
}
END_TEST

START_TEST(long_values_are_shortened)
{
	char text[600];
	char word[501];

	memset(word, 'x', 500);
	word[500] = '\0';
	snprintf(text, sizeof(text), "{\"log\":{\"level\":\"%s\"}}", word);
	assert_one_error(text, "/log/level", "xxx..., must be");
	ck_assert_uint_lt(strlen(problems.list[0].detail), 300);
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
		"\"policies_file\":\"/x/p.json\"},\"datapath\":{\"on_stop\":\"keep\"}}",
		"{\"policy\":{\"failsafe\":[{\"id\":\"a\",\"src\":{\"ip\":\"192.0.2.1\"}}]}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(cleanup_json) struct json_object *first = NULL, *second = NULL;

		ck_assert_int_eq(parse(texts[i]), 0);
		first = settings_to_json(settings);
		ck_assert_ptr_nonnull(first);
		ck_assert_int_eq(parse(json_object_to_json_string(first)), 0);
		ck_assert_uint_eq(problems.count, 0);
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
	ck_assert_int_eq(load("{\"log\":{},\"log\":{}}"), -EBADMSG);
	ck_assert_uint_ge(problems.errors, 1);
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

static void use_policies_file(const char *name)
{
	CLEANUP(cleanup_free) char *text = NULL;

	ck_assert_int_gt(asprintf(&text, "{\"policy\":{\"policies_file\":\"%s\"}}", path_of(name)),
			 0);
	ck_assert_int_eq(parse(text), 0);
	problems_clear(&problems);
}

START_TEST(policies_come_from_all_files)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"}]");
	ck_assert_int_eq(mkdir(path_of("policies.d"), 0700), 0);
	write_file("policies.d/2.json", "{\"policies\":[{\"id\":\"a\",\"action\":\"BLOCK\"}]}");
	write_file("policies.d/1.json", "[] // none");
	write_file("policies.d/.3.json", "nonsense");
	write_file("policies.d/3.json~", "nonsense");
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_uint_eq(set->count, 2);
	ck_assert_str_eq(set->policy[0]->id, "a");
	ck_assert_int_eq(set->policy[0]->origin, ORIGIN_FILE);
	ck_assert_uint_eq(set->policy[0]->references, 1);
}
END_TEST

START_TEST(id_in_two_files_names_both)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"}]");
	ck_assert_int_eq(mkdir(path_of("policies.d"), 0700), 0);
	write_file("policies.d/x.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"}]");
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), -EINVAL);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list[0].pointer, path_of("policies.json"));
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, path_of("policies.d/x.json")));
	ck_assert_ptr_null(set);
}
END_TEST

START_TEST(every_bad_file_is_reported)
{
	use_policies_file("policies.json");
	write_file("policies.json", "[{\"id\":\"b\",\"action\":\"BLOCK\"},{}]");
	ck_assert_int_eq(mkdir(path_of("policies.d"), 0700), 0);
	write_file("policies.d/x.json", "[");
	ck_assert_int_lt(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_ptr_nonnull(problem_at(path_of("policies.json/1/id")));
	ck_assert_ptr_nonnull(problem_at(path_of("policies.d/x.json")));
}
END_TEST

START_TEST(only_a_named_file_must_be_there)
{
	use_policies_file("policies.json");
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), -ENOENT);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list[0].pointer, path_of("policies.json"));
	problems_clear(&problems);
	settings->policies_file_named = false;
	ck_assert_int_eq(settings_load_policies(settings, &set, &problems), 0);
	ck_assert_uint_eq(set->count, 0);
}
END_TEST

static TCase *make_case(void)
{
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, defaults_are_those_of_the_manual);
	tcase_add_test(tcase, every_key_is_read);
	tcase_add_loop_test(tcase, fault_is_named, 0, ARRAY_SIZE(faults));
	tcase_add_test(tcase, all_errors_at_once);
	tcase_add_test(tcase, replaced_keys_are_warnings);
	tcase_add_test(tcase, socket_path_fits_or_is_refused);
	tcase_add_test(tcase, no_socket_is_a_warning);
	tcase_add_test(tcase, same_port_or_interface_twice_over_merges);
	tcase_add_test(tcase, long_values_are_shortened);
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
	tcase_add_test(tcase, policies_come_from_all_files);
	tcase_add_test(tcase, id_in_two_files_names_both);
	tcase_add_test(tcase, every_bad_file_is_reported);
	tcase_add_test(tcase, only_a_named_file_must_be_there);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("settings");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, make_case());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
