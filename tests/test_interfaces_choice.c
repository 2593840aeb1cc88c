/* SPDX-License-Identifier: Apache-2.0 */
/* Of interfaces that see the same packets only one is taken. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "interfaces_choice.h"
#include "json.h"
#include "json_cleanup.h"
#include "problem.h"
#include "settings.h"

#define MAX 8

static struct choice choices[MAX];
static size_t count;

static void add(uint32_t ifindex, const char *name, const char *kind, uint32_t master,
		uint32_t parent)
{
	struct link *link = &choices[count].link;

	choices[count++] = (struct choice){ 0 };
	link->ifindex = ifindex;
	link->master = master;
	link->parent = parent;
	link->loopback = !strcmp(name, "lo");
	snprintf(link->name, sizeof(link->name), "%s", name);
	snprintf(link->kind, sizeof(link->kind), "%s", kind);
}

/* A bond of two ports with a VLAN on it, and a veth whose peer is here too. Not in order. */
static void setup(void)
{
	count = 0;
	add(6, "vlan7", "vlan", 0, 5);
	add(5, "bond0", "bond", 0, 0);
	add(1, "lo", "", 0, 0);
	add(2, "en0", "", 5, 0);
	add(3, "en1", "", 5, 0);
	add(8, "veth0", "veth", 0, 9);
	add(9, "veth1", "veth", 0, 8);
}

static void choose(const char *interfaces)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	CLEANUP(settings_free) struct settings *settings = NULL;
	CLEANUP(problems_clear) struct problems problems = { 0 };
	char text[256];

	snprintf(text, sizeof(text), "{\"network\":{\"interfaces\":%s}}", interfaces);
	ck_assert_int_eq(json_read(text, strlen(text), 0, &json, &problems), 0);
	ck_assert_int_eq(settings_parse(json, &settings, &problems), 0);
	interfaces_choose(settings, choices, count);
}

/* "taken", "not wanted", or for whom it is refused. */
static const char *fate(const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(choices[i].link.name, name) != 0)
			continue;
		if (!choices[i].wanted)
			return "not wanted";
		return choices[i].refused_for ? choices[i].refused_for->link.name : "taken";
	}
	return "unknown";
}

START_TEST(the_one_nearer_to_the_wire_is_taken)
{
	choose("[\"*\"]");
	ck_assert_str_eq(fate("en0"), "taken");
	ck_assert_str_eq(fate("en1"), "taken");
	ck_assert_str_ne(fate("bond0"), "taken");
	ck_assert_str_ne(fate("vlan7"), "taken");
}
END_TEST

START_TEST(a_glob_never_takes_loopback)
{
	choose("[\"*\"]");
	ck_assert_str_eq(fate("lo"), "not wanted");
	choose("[\"lo\"]");
	ck_assert_str_eq(fate("lo"), "taken");
}
END_TEST

START_TEST(an_exact_name_wins_over_a_glob)
{
	choose("[\"bond0\", \"en*\"]");
	ck_assert_str_eq(fate("bond0"), "taken");
	ck_assert_str_eq(fate("en0"), "bond0");
	ck_assert_str_eq(fate("en1"), "bond0");
	choose("[\"en0\", \"bond*\"]");
	ck_assert_str_eq(fate("en0"), "taken");
	ck_assert_str_eq(fate("bond0"), "en0");
	ck_assert_str_eq(fate("en1"), "not wanted");
}
END_TEST

START_TEST(two_exact_names_are_meant)
{
	choose("[\"bond0\", \"en0\"]");
	ck_assert_str_eq(fate("bond0"), "taken");
	ck_assert_str_eq(fate("en0"), "taken");
}
END_TEST

START_TEST(it_reaches_through_the_stack)
{
	choose("[\"vlan*\", \"en1\"]");
	ck_assert_str_eq(fate("vlan7"), "en1");
	ck_assert_str_eq(fate("en1"), "taken");
	choose("[\"vlan7\", \"en*\"]");
	ck_assert_str_eq(fate("vlan7"), "taken");
	ck_assert_str_eq(fate("en0"), "vlan7");
}
END_TEST

START_TEST(a_bridge_over_a_vlan)
{
	add(10, "br0", "bridge", 0, 0);
	choices[0].link.master = 10; /* vlan7 */
	choose("[\"br*\", \"en0\"]");
	ck_assert_str_eq(fate("br0"), "en0");
	ck_assert_str_eq(fate("en0"), "taken");
}
END_TEST

START_TEST(peers_of_a_veth_are_strangers)
{
	choose("[\"veth*\"]");
	ck_assert_str_eq(fate("veth0"), "taken");
	ck_assert_str_eq(fate("veth1"), "taken");
}
END_TEST

START_TEST(globs_are_told_from_names)
{
	ck_assert(interfaces_is_glob("en*"));
	ck_assert(interfaces_is_glob("en?"));
	ck_assert(interfaces_is_glob("en[01]"));
	ck_assert(!interfaces_is_glob("eth0.7"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interfaces_choice");
	TCase *tests = tcase_create("interfaces_choice");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, the_one_nearer_to_the_wire_is_taken);
	tcase_add_test(tests, a_glob_never_takes_loopback);
	tcase_add_test(tests, an_exact_name_wins_over_a_glob);
	tcase_add_test(tests, two_exact_names_are_meant);
	tcase_add_test(tests, it_reaches_through_the_stack);
	tcase_add_test(tests, a_bridge_over_a_vlan);
	tcase_add_test(tests, peers_of_a_veth_are_strangers);
	tcase_add_test(tests, globs_are_told_from_names);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
