/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attachment.h"
#include "cleanup.h"
#include "client_json.h"
#include "doctor.h"
#include "xdp_features.h"

static char root[] = "/tmp/test_doctor.XXXXXX";
static struct doctor doctor;

static void set_up(void)
{
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	doctor = (struct doctor){ .checks = json_object_new_array() };
}

static void tear_down(void)
{
	char command[64];

	json_object_put(doctor.checks);
	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* Writes a file below the root, and the directories above it. */
static void put(const char *path, const char *text)
{
	char whole[128];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(whole, 0755);
		*slash = '/';
	}
	file = fopen(whole, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* The last check of a name. */
static struct json_object *find(const char *name)
{
	struct json_object *found = NULL;

	for (size_t i = 0; i < client_length(doctor.checks); i++) {
		struct json_object *check = json_object_array_get_idx(doctor.checks, i);

		if (!strcmp(client_text(check, "check"), name))
			found = check;
	}
	ck_assert_msg(found != NULL, "there is no check %s", name);
	return found;
}

static void expect(const char *name, const char *grade, const char *words)
{
	struct json_object *check = find(name);

	ck_assert_str_eq(client_text(check, "grade"), grade);
	ck_assert_msg(strstr(client_text(check, "detail"), words) != NULL, "%s: %s", name,
		      client_text(check, "detail"));
}

START_TEST(commands_are_found_in_sentences)
{
	struct json_object *commands;

	doctor_say(&doctor, "x", DOCTOR_FINDING, "do `a b` or `c %d`, not `this", 7);
	commands = client_member(find("x"), "commands");
	ck_assert_uint_eq(client_length(commands), 2);
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(commands, 0)), "a b");
	ck_assert_str_eq(json_object_get_string(json_object_array_get_idx(commands, 1)), "c 7");
	doctor_say(&doctor, "y", DOCTOR_NOTE, "nothing");
	ck_assert_uint_eq(client_length(client_member(find("y"), "commands")), 0);
	ck_assert_uint_eq(doctor.findings, 1);
	ck_assert(!doctor.out_of_memory);
	ck_assert(doctor_has_command("`a`"));
	ck_assert(!doctor_has_command("`a"));
}
END_TEST

START_TEST(what_the_machine_has)
{
	put("/sys/kernel/btf/vmlinux", "");
	put("/proc/sys/net/core/bpf_jit_enable", "1\n");
	put("/proc/42/status", "Name:\tpepctl\nCapEff:\t000000c000001000\n");
	doctor_machine(&doctor, root, 42);
	expect("btf", "ok", "describes its types");
	expect("jit", "ok", "compiled");
	expect("capabilities", "ok", "the daemon has");
	ck_assert_ptr_nonnull(find("kernel"));
}
END_TEST

START_TEST(what_the_machine_lacks)
{
	put("/proc/sys/net/core/bpf_jit_enable", "0\n");
	put("/proc/42/status", "Name:\tpepctl\nCapEff:\t0000000000001000\n");
	doctor_machine(&doctor, root, 42);
	expect("btf", "ok", "does not describe");
	expect("jit", "finding", "`sysctl -w net.core.bpf_jit_enable=1`");
	expect("capabilities", "finding", "lacks CAP_BPF, CAP_PERFMON");
}
END_TEST

START_TEST(what_cannot_be_read)
{
	doctor_machine(&doctor, root, 42);
	expect("jit", "note", "cannot be read");
	expect("capabilities", "note", "process 42");
}
END_TEST

static struct attach_foreign others_xdp = { .name = "theirs", .program_id = 7, .hook = "xdp" };
static struct attach_foreign others_tcx = { .name = "tap", .program_id = 8, .hook = "tcx/ingress" };

#define RUNS_XDP .xdp_known = true, .xdp = XDP_FEATURE_BASIC
#define MTU(bytes) .link = { .name = "eth7", .mtu = (bytes), .up = true }

/* The mode that is predicted by configured mode, and what is a finding. */
static const struct {
	const char *what;
	struct doctor_facts facts;
	const char *expected[4]; /* by enum attach_mode */
	const char *finding, *command; /* NULL: none */
} predictions[] = {
	{ "a driver that runs XDP",
	  { MTU(1500), RUNS_XDP },
	  { "native", "native", "generic", "tc" },
	  NULL,
	  NULL },
	{ "one that does not",
	  { MTU(1500), .xdp_known = true },
	  { "tc", NULL, "generic", "tc" },
	  NULL,
	  NULL },
	{ "a kernel that does not say, a driver that is known",
	  { MTU(1500), .driver = "ixgbe" },
	  { "native", "native", "generic", "tc" },
	  NULL,
	  NULL },
	{ "and one that is not",
	  { MTU(1500), .driver = "r8169" },
	  { "tc", NULL, "generic", "tc" },
	  NULL,
	  NULL },
	{ "LRO",
	  { MTU(1500), RUNS_XDP, .lro = true },
	  { "tc", NULL, "generic", "tc" },
	  "lro",
	  "ethtool -K eth7 lro off" },
	{ "LRO where it does not matter",
	  { MTU(1500), .xdp_known = true, .lro = true },
	  { "tc", NULL, "generic", "tc" },
	  NULL,
	  NULL },
	{ "jumbo frames",
	  { MTU(9000), RUNS_XDP },
	  { "tc", NULL, "generic", "tc" },
	  "mtu",
	  "ip link set dev eth7 mtu 3498" },
	{ "jumbo frames in several buffers",
	  { MTU(9000), .xdp_known = true, .xdp = XDP_FEATURE_BASIC | XDP_FEATURE_FRAGS },
	  { "native", "native", "generic", "tc" },
	  NULL,
	  NULL },
	{ "the XDP program of somebody else",
	  { MTU(1500), RUNS_XDP, .foreign = &others_xdp, .foreign_count = 1 },
	  { "tc", NULL, NULL, "tc" },
	  NULL,
	  NULL },
	{ "a TC program of somebody else",
	  { MTU(1500), RUNS_XDP, .foreign = &others_tcx, .foreign_count = 1 },
	  { "native", "native", "generic", "tc" },
	  NULL,
	  NULL },
	{ "InfiniBand",
	  { .link = { .name = "ib0", .alien = true } },
	  { NULL, NULL, NULL, NULL },
	  "driver",
	  NULL },
};

static const char *printed(const char *mode)
{
	return mode ? mode : "none";
}

START_TEST(predicts_the_mode)
{
	for (int mode = ATTACH_AUTO; mode <= ATTACH_TC; mode++) {
		const char *predicted =
			doctor_predict(&predictions[_i].facts, (enum attach_mode)mode);

		ck_assert_msg(!strcmp(printed(predicted), printed(predictions[_i].expected[mode])),
			      "%s: %s in mode %d", predictions[_i].what, printed(predicted), mode);
	}
}
END_TEST

START_TEST(says_what_cures_it)
{
	const char *finding = predictions[_i].finding, *command = predictions[_i].command;

	doctor_facts_say(&doctor, &predictions[_i].facts, true);
	ck_assert_msg(doctor.findings == (finding != NULL), "%s: %zu findings",
		      predictions[_i].what, doctor.findings);
	if (finding)
		expect(finding, "finding", command ? command : "");
}
END_TEST

START_TEST(decides_nothing_beside_a_daemon)
{
	if (predictions[_i].facts.link.alien)
		return;
	doctor_facts_say(&doctor, &predictions[_i].facts, false);
	ck_assert_uint_eq(doctor.findings, 0);
}
END_TEST

int main(void)
{
	const int rows = (int)ARRAY_SIZE(predictions);
	Suite *suite = suite_create("doctor");
	TCase *tests = tcase_create("doctor");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, commands_are_found_in_sentences);
	tcase_add_test(tests, what_the_machine_has);
	tcase_add_test(tests, what_the_machine_lacks);
	tcase_add_test(tests, what_cannot_be_read);
	tcase_add_loop_test(tests, predicts_the_mode, 0, rows);
	tcase_add_loop_test(tests, says_what_cures_it, 0, rows);
	tcase_add_loop_test(tests, decides_nothing_beside_a_daemon, 0, rows);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
