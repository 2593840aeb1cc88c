// SPDX-License-Identifier: Apache-2.0
#include "address_set.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_sets.h"
#include "cleanup.h"
#include "policy_text.h"
#include "set_text.h"

static const struct {
	const char *text, *printed;
} made[] = {
	{ "", "" },
	{ "10.0.0.2 10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2 " },
	{ "10.0.0.0/8 10.0.0.0/16 10.0.0.0", "10.0.0.0 10.0.0.0/16 10.0.0.0/8 " },
	{ "10.0.0.0-10.0.0.255 10.0.0.0/24", "10.0.0.0/24 " },
	{ "10.0.0.1-10.0.0.3 0.0.0.0/32 0.0.0.0/0", "0.0.0.0/32 0.0.0.0/0 10.0.0.1-10.0.0.3 " },
	{ "2001:db8::1 10.0.0.1 ::/128", "10.0.0.1 ::/128 2001:db8::1 " },
	{ "fe80::-fe80::ff fe80::/10", "fe80::/120 fe80::/10 " },
	/* Of one that is there twice the one that ends last stays. */
	{ "10.0.0.1_ttl=5 10.0.0.1_ttl=9 10.0.0.1_ttl=7",
	  "10.0.0.1 expires=2027-01-15T08:00:09Z " },
	{ "10.0.0.1_ttl=5 10.0.0.1", "10.0.0.1 " },
};

START_TEST(entries_are_sorted_and_each_is_there_once)
{
	CLEANUP(address_set_put) struct address_set *set = set_from("a", made[_i].text);

	ck_assert_str_eq(set_text(set), made[_i].printed);
	ck_assert_str_eq(set->name, "a");
}
END_TEST

START_TEST(equal_sets_have_equal_hashes)
{
	static const char *const different[] = { "", "10.0.0.1", "10.0.0.2 2001:db8::/32",
						 "10.0.0.1_ttl=5 2001:db8::/32" };
	CLEANUP(address_set_put) struct address_set *a = set_from("a", "10.0.0.1 2001:db8::/32");
	CLEANUP(address_set_put) struct address_set *b = set_from("b", "2001:db8::/32 10.0.0.1");

	ck_assert(address_set_equal(a, b));
	ck_assert_uint_eq(a->hash, b->hash);
	for (size_t i = 0; i < ARRAY_SIZE(different); i++) {
		CLEANUP(address_set_put) struct address_set *c = set_from("c", different[i]);

		ck_assert(!address_set_equal(a, c));
		ck_assert_uint_ne(a->hash, c->hash);
	}
}
END_TEST

static const struct {
	const char *base, *remove, *add, *result;
	struct address_edit edit;
} edits[] = {
	{ "10.0.0.1 10.0.0.2", "10.0.0.1", "10.0.0.3", "10.0.0.2 10.0.0.3 ", { 1, 0, 1, 0 } },
	{ "10.0.0.1", "10.0.0.0/8", "", "10.0.0.1 ", { 0, 0, 0, 1 } },
	{ "10.0.0.1", "", "10.0.0.1", "10.0.0.1 ", { 0, 0, 0, 0 } },
	{ "10.0.0.1",
	  "",
	  "10.0.0.1_ttl=9",
	  "10.0.0.1 expires=2027-01-15T08:00:09Z ",
	  { 0, 1, 0, 0 } },
	{ "10.0.0.1_ttl=9", "10.0.0.1", "", "", { 0, 0, 1, 0 } },
	{ "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1 ", { 0, 0, 0, 0 } },
	{ "", "", "fe80::1 10.0.0.1", "10.0.0.1 fe80::1 ", { 2, 0, 0, 0 } },
};

START_TEST(a_set_is_edited)
{
	CLEANUP(address_set_put) struct address_set *base = set_from("a", edits[_i].base);
	CLEANUP(address_set_put) struct address_set *remove = set_from("a", edits[_i].remove);
	CLEANUP(address_set_put) struct address_set *add = set_from("a", edits[_i].add);
	CLEANUP(address_set_put) struct address_set *result = NULL;
	struct address_edit edit;

	ck_assert_int_eq(address_set_edit(base, remove, add, &result, &edit), 0);
	ck_assert_str_eq(set_text(result), edits[_i].result);
	ck_assert_mem_eq(&edit, &edits[_i].edit, sizeof(edit));
}
END_TEST

START_TEST(what_has_ended_goes)
{
	CLEANUP(address_set_put)
	struct address_set *set =
		set_from("a", "10.0.0.1_ttl=5 10.0.0.2_ttl=6 fe80::1 fe80::2_ttl=5");
	struct address_sets *sets = sets_with(address_sets_new(), address_set_get(set));
	CLEANUP(address_sets_put)
	struct address_sets *before = sets_with(sets, set_from("b", "10.0.0.1"));
	CLEANUP(address_sets_put) struct address_sets *after = NULL;

	ck_assert_int_eq(address_sets_next_expiry(before), SET_NOW_US + 5000000);
	ck_assert_int_eq(address_sets_without_expired(before, SET_NOW_US + 5000000, &after), 0);
	ck_assert_str_eq(set_text(after->set[0]), "10.0.0.2 expires=2027-01-15T08:00:06Z fe80::1 ");
	ck_assert_ptr_eq(after->set[1], before->set[1]);
	ck_assert_int_eq(address_sets_next_expiry(after), SET_NOW_US + 6000000);
}
END_TEST

START_TEST(collections_are_sorted_by_name)
{
	struct address_sets *sets = address_sets_new();
	CLEANUP(address_sets_put) struct address_sets *fewer = NULL, *merged = NULL;

	for (const char *name = "dbca"; *name; name++)
		sets = sets_with(sets, set_from((char[]){ *name, '\0' }, "10.0.0.1"));
	sets = sets_with(sets, set_from("b", "10.0.0.2"));
	ck_assert_uint_eq(sets->count, 4);
	for (size_t i = 0; i < sets->count; i++) {
		ck_assert_int_eq(sets->set[i]->name[0], "abcd"[i]);
		ck_assert_int_eq(address_sets_index(sets, sets->set[i]->name), (int)i);
	}
	ck_assert_str_eq(set_text(address_sets_find(sets, "b")), "10.0.0.2 ");
	ck_assert_ptr_null(address_sets_find(sets, "e"));
	ck_assert_int_eq(address_sets_without(sets, "c", &fewer), 0);
	ck_assert_uint_eq(fewer->count, 3);
	ck_assert_ptr_null(address_sets_find(fewer, "c"));
	ck_assert_int_eq(address_sets_merge(fewer, sets, &merged), 0);
	ck_assert_uint_eq(merged->count, 4);
	address_sets_put(&sets);
}
END_TEST

/* ---- lists that name sets, against every address one by one */

/* Marks which of 256 addresses a set has. */
static struct address_set *random_set(const char *name, int members[256])
{
	char text[4096] = "";
	size_t length = 0;

	memset(members, 0, 256 * sizeof(int));
	for (long n = random() % 12; n > 0; n--) {
		unsigned int a = (unsigned int)random() % 256, b = a + (unsigned int)random() % 9;

		b = b > 255 ? 255 : b;
		length += (size_t)sprintf(text + length, "10.0.0.%u-10.0.0.%u ", a, b);
		for (unsigned int i = a; i <= b; i++)
			members[i] = 1;
	}
	return set_from(name, text);
}

START_TEST(lists_with_sets_stand_for_what_they_say)
{
	int a[256], b[256], covered[256] = { 0 };
	struct address_sets *sets = sets_with(address_sets_new(), random_set("a", a));
	CLEANUP(policy_put)
	struct policy *policy =
		policy_from("{'id':'p','action':'BLOCK','src':{'ip':['@a','!@b','10.0.0.64/26',"
			    "'!10.0.0.100-10.0.0.120','@none']}}");
	CLEANUP(cleanup_free) struct address_prefix *prefixes = NULL;
	size_t count;

	sets = sets_with(sets, random_set("b", b));
	ck_assert_int_eq(address_list_expand(&policy->src, sets, PEP_IPV4, &prefixes, &count), 0);
	for (size_t i = 0; i < count; i++) {
		unsigned int first = prefixes[i].address.word[0] - 0x0a000000;

		ck_assert_uint_ge(prefixes[i].bits, 24);
		for (unsigned int n = 0; n < 1u << (32 - prefixes[i].bits); n++)
			covered[first + n]++;
	}
	for (int i = 0; i < 256; i++) {
		bool wanted = (a[i] || (i >= 64 && i < 128)) && !b[i] && !(i >= 100 && i <= 120);

		ck_assert_int_eq(covered[i], wanted);
	}
	address_sets_put(&sets);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("address_set");

	tcase_add_loop_test(tcase, entries_are_sorted_and_each_is_there_once, 0, ARRAY_SIZE(made));
	tcase_add_test(tcase, equal_sets_have_equal_hashes);
	tcase_add_loop_test(tcase, a_set_is_edited, 0, ARRAY_SIZE(edits));
	tcase_add_test(tcase, what_has_ended_goes);
	tcase_add_test(tcase, collections_are_sorted_by_name);
	tcase_add_loop_test(tcase, lists_with_sets_stand_for_what_they_say, 0, 200);
	return run_case("address_set", tcase);
}
