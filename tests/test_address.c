// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "address_math.h"
#include "cleanup.h"
#include "policy_text.h"
#include "reason.h"

/* One text a member, up to a NULL. Released by free(list.range). */
static struct address_list list_of(const char *const *texts)
{
	struct address_list list = { 0 };
	struct reason reason;

	while (texts[list.count])
		list.count++;
	list.range = calloc(list.count + 1, sizeof(*list.range));
	ck_assert_ptr_nonnull(list.range);
	for (size_t i = 0; i < list.count; i++)
		ck_assert_int_eq(address_range_parse(texts[i], &list.range[i], &reason), 0);
	return list;
}

/* The cover as text, joined by spaces. */
static char *cover_of(const char *const *texts, enum pep_family family)
{
	struct address_list list = list_of(texts);
	CLEANUP(cleanup_free) struct address_prefix *prefixes = NULL;
	static char said[4096];
	size_t count, length = 0;

	ck_assert_int_eq(address_list_prefixes(&list, family, &prefixes, &count), 0);
	ck_assert_int_eq(count > 0, address_list_has_family(&list, family));
	said[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		struct address_range range = {
			.low = prefixes[i].address,
			.high = prefixes[i].address,
			.prefix_bits = prefixes[i].bits,
			.family = family,
		};
		char text[ADDRESS_TEXT_MAX];

		address_range_print(&range, text);
		length += (size_t)snprintf(said + length, sizeof(said) - length, "%s%s",
					   length ? " " : "", text);
		ck_assert_uint_lt(length, sizeof(said));
	}
	free(list.range);
	return said;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct {
	const char *text, *printed;
} valid[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "192.0.2.1/32", "192.0.2.1" },
	{ "192.0.2.0/24", "192.0.2.0/24" },
	{ "0.0.0.0/0", "0.0.0.0/0" },
	{ "0.0.0.0/32", "0.0.0.0/32" },
	{ "::/128", "::/128" },
	{ "::/0", "::/0" },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
	{ "2001:db8::/32", "2001:db8::/32" },
	{ "!10.0.0.0/8", "!10.0.0.0/8" },
	{ "10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9" },
	{ "10.0.0.0-10.0.0.255", "10.0.0.0-10.0.0.255" },
	{ "0.0.0.0-255.255.255.255", "0.0.0.0-255.255.255.255" },
	{ "!2001:db8::1-2001:db8::ffff", "!2001:db8::1-2001:db8::ffff" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
};

START_TEST(members_are_read_and_printed)
{
	struct address_range range, again;
	const struct address_list first = { &range, 1 }, second = { &again, 1 };
	char text[ADDRESS_TEXT_MAX];
	struct reason reason;

	ck_assert_int_eq(address_range_parse(valid[_i].text, &range, &reason), 0);
	address_range_print(&range, text);
	ck_assert_str_eq(text, valid[_i].printed);
	ck_assert_int_eq(address_range_parse(text, &again, &reason), 0);
	ck_assert(address_list_equal(&first, &second));
}
END_TEST

static const struct {
	const char *text, *reason;
} invalid[] = {
	{ "", "is not an address" },
	{ "10", "four numbers" },
	{ "10.1", "four numbers" },
	{ "10.0.0.256", "four numbers" },
	{ "010.0.0.1", "four numbers" },
	{ "0x0a.0.0.1", "is not an address" },
	{ " 10.0.0.1", "is not an address" },
	{ "10.0.0.1 ", "is not an address" },
	{ "10.0.0.1/", "prefix length: a number from 0 to 32" },
	{ "10.0.0.0/33", "prefix length: a number from 0 to 32" },
	{ "10.0.0.0/08", "prefix length" },
	{ "10.0.0.0/+8", "prefix length" },
	{ "10.0.0.0/255.0.0.0", "prefix length" },
	{ "::/129", "prefix length: a number from 0 to 128" },
	{ "10.1.2.3/8", "the prefix is 10.0.0.0/8, the address alone 10.1.2.3/32" },
	{ "2001:db8::1/32", "the prefix is 2001:db8::/32, the address alone 2001:db8::1/128" },
	{ "::ffff:192.0.2.1", "write 192.0.2.1" },
	{ "::ffff:c000:0201", "write 192.0.2.1" },
	{ "fe80::1%eth0", "\"interface\"" },
	{ "10.0.0.9-10.0.0.1", "ends before it begins" },
	{ "10.0.0.1-::1", "from one family into the other" },
	{ "10.0.0.1-", "is not an address" },
	{ "10.0.0.0/8-10.0.0.9", "is not an address" },
	{ "@bogons", "cannot be meant here" },
	{ "any", "0.0.0.0/32" },
	{ "!any", "excludes every address" },
	{ "!0.0.0.0", "excludes every address" },
	{ "!!10.0.0.1", "is not an address" },
	{ "example.com", "is not an address" },
	{ "1:2:3:4:5:6:7:8:9", "is not an address" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/8",
	  "is not an address" },
};

START_TEST(what_is_no_member_is_refused_with_a_reason)
{
	struct address_range range;
	struct reason reason = { "" };

	ck_assert_int_eq(address_range_parse(invalid[_i].text, &range, &reason), -EINVAL);
	ck_assert_msg(strstr(reason.text, invalid[_i].reason) != NULL, "%s %s", invalid[_i].text,
		      reason.text);
}
END_TEST

START_TEST(covers_are_minimal)
{
	ck_assert_str_eq(cover_of(LIST(NULL), PEP_IPV4), "0.0.0.0/0");
	ck_assert_str_eq(cover_of(LIST(NULL), PEP_IPV6), "::/0");
	ck_assert_str_eq(cover_of(LIST("10.0.0.0/8"), PEP_IPV6), "");
	ck_assert_str_eq(cover_of(LIST("10.0.0.0/9", "10.128.0.0/9"), PEP_IPV4), "10.0.0.0/8");
	ck_assert_str_eq(cover_of(LIST("10.0.0.0/8", "10.1.0.0/16", "10.0.0.1"), PEP_IPV4),
			 "10.0.0.0/8");
	ck_assert_str_eq(cover_of(LIST("10.0.0.1-10.0.0.6"), PEP_IPV4),
			 "10.0.0.1 10.0.0.2/31 10.0.0.4/31 10.0.0.6");
	ck_assert_str_eq(cover_of(LIST("10.0.0.0/30", "!10.0.0.1"), PEP_IPV4),
			 "10.0.0.0 10.0.0.2/31");
	ck_assert_str_eq(cover_of(LIST("10.0.0.0/30", "!10.0.0.0/8"), PEP_IPV4), "");
	ck_assert_str_eq(cover_of(LIST("!128.0.0.0/1"), PEP_IPV4), "0.0.0.0/1");
	ck_assert_str_eq(cover_of(LIST("!128.0.0.0/1"), PEP_IPV6), "::/0");
	ck_assert_str_eq(cover_of(LIST("!0.0.0.0/0"), PEP_IPV4), "");
	ck_assert_str_eq(cover_of(LIST("10.0.0.1", "!8000::/1"), PEP_IPV6), "");
	ck_assert_str_eq(cover_of(LIST("::/1", "8000::/1"), PEP_IPV6), "::/0");
	ck_assert_str_eq(cover_of(LIST("::1-::3", "!::2"), PEP_IPV6), "::1 ::3");
	ck_assert_str_eq(cover_of(LIST("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-"
				       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
				  PEP_IPV6),
			 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127");
	ck_assert_str_eq(cover_of(LIST("2001:db8::/33", "2001:db8:8000::/33"), PEP_IPV6),
			 "2001:db8::/32");
	ck_assert_str_eq(cover_of(LIST("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::"), PEP_IPV6),
			 "2001:db8::ffff:ffff:ffff:ffff 2001:db8:0:1::");
}
END_TEST

START_TEST(the_worst_range_is_covered)
{
	struct address_list list = list_of(LIST("0.0.0.1-255.255.255.254"));
	CLEANUP(cleanup_free) struct address_prefix *prefixes = NULL;
	size_t count;

	ck_assert_int_eq(address_list_prefixes(&list, PEP_IPV4, &prefixes, &count), 0);
	ck_assert_uint_eq(count, 62);
	ck_assert_int_eq(address_list_shortest(&list, PEP_IPV4), 2);
	free(list.range);
}
END_TEST

/* 256 addresses at the end of the word that carries, in either family. */
static struct address nth(enum pep_family family, unsigned int n)
{
	struct address address = { { 0x0a0000ffu, 0, 0, 0 } };

	if (family == PEP_IPV6)
		address = (struct address){ { 0x20010db8, 0, 0, 0xffffff80u } };
	while (n--)
		address_increment(&address, family);
	return address;
}

static void check_random_list(enum pep_family family)
{
	struct address_range ranges[12];
	struct address_list list = { ranges, 1 + (size_t)random() % ARRAY_SIZE(ranges) };
	CLEANUP(cleanup_free) struct address_prefix *prefixes = NULL;
	int members[256] = { 0 }, exclusions[256] = { 0 }, covered[256] = { 0 };
	size_t count;

	for (size_t i = 0; i < list.count; i++) {
		unsigned int a = (unsigned int)random() % 256, b = (unsigned int)random() % 256;
		unsigned int low = a < b ? a : b, high = a < b ? b : a;

		ranges[i] = (struct address_range){
			.low = nth(family, low),
			.high = nth(family, high),
			.prefix_bits = -1,
			.family = (uint8_t)family,
			.excluded = i && random() % 2,
		};
		for (unsigned int n = low; n <= high; n++)
			(ranges[i].excluded ? exclusions : members)[n] = 1;
	}
	ck_assert_int_eq(address_list_prefixes(&list, family, &prefixes, &count), 0);
	ck_assert_int_eq(count > 0, address_list_has_family(&list, family));
	for (size_t i = 0; i < count; i++) {
		struct address last = address_last(&prefixes[i].address, prefixes[i].bits, family);

		for (unsigned int n = 0; n < 256; n++) {
			struct address address = nth(family, n);

			covered[n] += address_compare(&prefixes[i].address, &address) <= 0 &&
				      address_compare(&address, &last) <= 0;
		}
		/* Two halves of one prefix would not be minimal. */
		if (i && prefixes[i].bits == prefixes[i - 1].bits) {
			struct address whole =
				address_first(&prefixes[i].address, prefixes[i].bits - 1u);

			ck_assert_int_ne(address_compare(&whole, &prefixes[i - 1].address), 0);
		}
	}
	for (unsigned int n = 0; n < 256; n++)
		ck_assert_int_eq(covered[n], members[n] && !exclusions[n]);
}

START_TEST(random_lists_are_covered_exactly)
{
	srandom(7);
	for (int i = 0; i < 150; i++) {
		check_random_list(PEP_IPV4);
		check_random_list(PEP_IPV6);
	}
}
END_TEST

START_TEST(the_shortest_member_counts)
{
	static const struct {
		const char *texts[4];
		int v4, v6;
	} cases[] = {
		{ { NULL }, 0, 0 },
		{ { "!10.0.0.0/8" }, 0, 0 },
		{ { "10.0.0.0/8" }, 8, -1 },
		{ { "10.0.0.0/8", "192.0.2.1" }, 8, -1 },
		{ { "10.0.0.0/8", "2001:db8::/32", "!10.0.0.0/9" }, 8, 32 },
		{ { "10.0.0.1-10.0.0.6" }, 31, -1 },
		{ { "10.0.0.0-10.0.0.255" }, 24, -1 },
		{ { "0.0.0.0-255.255.255.255" }, 0, -1 },
		{ { "::1-::2" }, -1, 128 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address_list list = list_of(cases[i].texts);

		ck_assert_int_eq(address_list_shortest(&list, PEP_IPV4), cases[i].v4);
		ck_assert_int_eq(address_list_shortest(&list, PEP_IPV6), cases[i].v6);
		free(list.range);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("address");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, members_are_read_and_printed, 0, ARRAY_SIZE(valid));
	tcase_add_loop_test(tcase, what_is_no_member_is_refused_with_a_reason, 0,
			    ARRAY_SIZE(invalid));
	tcase_add_test(tcase, covers_are_minimal);
	tcase_add_test(tcase, the_worst_range_is_covered);
	tcase_add_test(tcase, random_lists_are_covered_exactly);
	tcase_add_test(tcase, the_shortest_member_counts);
	return run_case("address", tcase);
}
