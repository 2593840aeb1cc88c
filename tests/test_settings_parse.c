// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "settings_fixture.h"

static void assert_one_error(const char *text, const char *pointer, const char *part)
{
	ck_assert_msg(parse(text) == -EINVAL, "%s was accepted", text);
	ck_assert_ptr_null(settings);
	ck_assert_msg(problems.count == 1, "%s: %zu problems", text, problems.count);
	ck_assert_str_eq(problems.list[0].pointer, pointer);
	ck_assert_msg(strstr(problems.list[0].detail, part) != NULL, "\"%s\" lacks \"%s\"",
		      problems.list[0].detail, part);
}

START_TEST(every_key_is_read)
{
	static const char text[] =
		"{\"$schema\":\"x\","
		"\"log\":{\"level\":\"trace\",\"target\":[\"stderr\",\"file\"],\"file\":\"/l\","
		"\"drops\":true},"
		"\"server\":{\"listen\":[\"127.0.0.2:1\",\"unix:/s\"],\"metrics_port\":9100,"
		"\"anonymous\":\"none\",\"allowed_hosts\":[\"h.example\"],\"max_body_bytes\":1024,"
		"\"max_connections\":8,\"timeout_seconds\":3600,\"tokens_file\":\"/t\","
		"\"tls\":{\"cert\":\"/c\",\"key\":\"/k\",\"client_ca\":\"/a\","
		"\"operators\":[\"me\",\"you\"]}},"
		"\"network\":{\"interfaces\":[\"eth0\",\"en*\"],\"interface\":\"lo\","
		"\"mode\":\"tc\",\"egress\":true},"
		"\"policy\":{\"capacity\":7,\"max_rules\":9,\"default_action\":\"BLOCK\","
		"\"policies_file\":\"/p/q.json\",\"state_dir\":\"/s\",\"failsafe\":\"off\","
		"\"mode\":\"enforce\",\"on_bad_start\":\"open\"},"
		"\"datapath\":{\"malformed\":\"pass\",\"untracked_fragment\":\"pass\","
		"\"non_ip\":\"drop\",\"flow_cache_entries\":64,\"pin\":\"auto\","
		"\"on_stop\":\"detach\"},"
		"\"metrics\":{\"enabled\":false,\"policies\":0}}";

	ck_assert_int_eq(parse(text), 0);
	ck_assert_uint_eq(problems.count, 1); /* that BLOCK is stateless */
	ck_assert_str_eq(problems.list[0].pointer, "/policy/default_action");
	ck_assert_int_eq(settings->log_level, LOG_LEVEL_TRACE);
	ck_assert_str_eq(settings->tokens_file, "/t");
	ck_assert_str_eq(settings->tls.cert, "/c");
	ck_assert_str_eq(settings->tls.key, "/k");
	ck_assert_str_eq(settings->tls.client_ca, "/a");
	ck_assert_uint_eq(settings->tls.operators.count, 2);
	ck_assert_str_eq(settings->tls.operators.string[1], "you");
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
	ck_assert(!settings->metrics_enabled);
	ck_assert_uint_eq(settings->metrics_policies, 0);
}
END_TEST

START_TEST(there_is_always_room_for_the_failsafe_policies)
{
	ck_assert_int_eq(parse("{\"policy\":{\"capacity\":1}}"), 0);
	ck_assert_uint_eq(settings->max_rules, 64);
	ck_assert_int_eq(parse("{\"policy\":{\"capacity\":17}}"), 0);
	ck_assert_uint_eq(settings->max_rules, 68);
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
	{ "{\"server\":{\"listen\":[\"unix:/s\",\"0.0.0.0:80\"]}}", "/server/listen/1",
	  "it needs server.tls with cert and key" },
	{ "{\"server\":{\"listen\":[\"unix:/s\",\"[::]:80\"]}}", "/server/listen/1",
	  "not on loopback" },
	{ "{\"server\":{\"listen\":[\"unix:/s\",\"[::ffff:127.0.0.1]:80\"]}}", "/server/listen/1",
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
	{ "{\"server\":{\"max_body_bytes\":\"2GiB\"}}", "/server/max_body_bytes",
	  "is \"2GiB\", must be a whole number from 1024 to 1073741824 or as many bytes with a unit" },
	{ "{\"server\":{\"max_body_bytes\":\"64 apples\"}}", "/server/max_body_bytes",
	  "(\"64MiB\")" },
	{ "{\"server\":{\"max_connections\":7}}", "/server/max_connections", "from 8 to 65536" },
	{ "{\"server\":{\"timeout_seconds\":1.5}}", "/server/timeout_seconds", "whole number" },
	{ "{\"server\":{\"tokens_file\":\"t\"}}", "/server/tokens_file", "absolute path" },
	{ "{\"server\":{\"tls\":{}}}", "/server/tls", "needs both cert and key" },
	{ "{\"server\":{\"tls\":7}}", "/server/tls", "an object with cert and key" },
	{ "{\"server\":{\"tls\":{\"cert\":\"/c\"}}}", "/server/tls", "both" },
	{ "{\"server\":{\"tls\":{\"cert\":\"c\",\"key\":\"/k\"}}}", "/server/tls/cert",
	  "absolute" },
	{ "{\"server\":{\"tls\":{\"cert\":\"/c\",\"key\":\"/k\",\"ca\":\"/a\"}}}", "/server/tls/ca",
	  "known are cert, key, client_ca and operators" },
	{ "{\"server\":{\"tls\":{\"cert\":\"/c\",\"key\":\"/k\",\"operators\":[\"me\"]}}}",
	  "/server/tls", "client_ca" },
	{ "{\"server\":{\"tls\":{\"cert\":\"/c\",\"key\":\"/k\",\"client_ca\":\"/a\","
	  "\"operators\":[\"\"]}}}",
	  "/server/tls/operators/0", "common name" },
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
	{ "{\"policy\":{\"failsafe\":[]}}", "/policy/failsafe",
	  "is [], must be \"default\", \"off\" or a list of policies" },
	{ "{\"policy\":{\"failsafe\":false}}", "/policy/failsafe", "or a list of policies" },
	{ "{\"policy\":{\"failsafe\":\"on\"}}", "/policy/failsafe",
	  "is \"on\", must be \"default\", \"off\" or" },
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
	{ "{\"datapath\":{\"pin\":\"soon\"}}", "/datapath/pin", "must be \"auto\"" },
	{ "{\"datapath\":{\"pin_directory\":\"pins\"}}", "/datapath/pin_directory", "" },
	{ "{\"datapath\":{\"on_stop\":\"go\"}}", "/datapath/on_stop", "must be \"keep\"" },
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

START_TEST(amounts_may_have_a_unit)
{
	ck_assert_int_eq(parse("{\"server\":{\"max_body_bytes\":\"1MiB\"}}"), 0);
	ck_assert_uint_eq(settings->max_body_bytes, 1 << 20);
}
END_TEST

START_TEST(with_tls_others_may_be_listened_to)
{
	ck_assert_int_eq(parse("{\"server\":{\"listen\":[\"unix:/s\",\"0.0.0.0:443\",\"[::]:443\"],"
			       "\"tls\":{\"cert\":\"/c\",\"key\":\"/k\"}}}"),
			 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_uint_eq(settings->listen.count, 3);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("parse");

	tcase_add_test(tcase, every_key_is_read);
	tcase_add_test(tcase, with_tls_others_may_be_listened_to);
	tcase_add_test(tcase, there_is_always_room_for_the_failsafe_policies);
	tcase_add_loop_test(tcase, fault_is_named, 0, ARRAY_SIZE(faults));
	tcase_add_test(tcase, all_errors_at_once);
	tcase_add_test(tcase, replaced_keys_are_warnings);
	tcase_add_test(tcase, socket_path_fits_or_is_refused);
	tcase_add_test(tcase, no_socket_is_a_warning);
	tcase_add_test(tcase, same_port_or_interface_twice_over_merges);
	tcase_add_test(tcase, long_values_are_shortened);
	tcase_add_test(tcase, amounts_may_have_a_unit);
	return run_case(tcase);
}
