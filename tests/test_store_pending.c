// SPDX-License-Identifier: Apache-2.0
/* What a state directory says of a change that is pending. */
#include <errno.h>
#include <string.h>

#include "address_set.h"
#include "cleanup.h"
#include "set_text.h"
#include "store_opened.h"
#include "store_pending.h"

#define FILE_NAME "pending.json"
#define DEADLINE_NS 5000000000123

static void put(struct address_set *put_set, const char *removed_set)
{
	const char *remove[] = { "gone", "g\"one" };
	struct policy *policy[] = { fixture_block("a", 1), fixture_block("b", 2) };
	const struct store_pending pending = {
		.id = "0123abcd",
		.seconds = 60,
		.deadline_ns = DEADLINE_NS,
		.remove = remove,
		.remove_count = 2,
		.put = policy,
		.put_count = 2,
		.put_set = put_set,
		.removed_set = removed_set,
	};

	ck_assert_int_eq(store_put_pending(store, &pending), 0);
	policy_put(&policy[0]);
	policy_put(&policy[1]);
}

START_TEST(reads_back)
{
	CLEANUP(address_set_put) struct address_set *banned = set_from("s", "10.0.0.1\n10.0.0.3\n");
	CLEANUP(store_pending_clear) struct store_pending read = { 0 };

	assert_opens();
	put(banned, NULL);
	assert_opens_clean();
	ck_assert_int_eq(store_load_pending(store, &read, &problems), 0);
	ck_assert_str_eq(read.id, "0123abcd");
	ck_assert_uint_eq(read.seconds, 60);
	ck_assert_uint_eq(read.deadline_ns, DEADLINE_NS);
	ck_assert_uint_eq(read.remove_count, 2);
	ck_assert_str_eq(read.remove[0], "gone");
	ck_assert_str_eq(read.remove[1], "g\"one");
	ck_assert_uint_eq(read.put_count, 2);
	ck_assert_str_eq(read.put[0]->id, "a");
	ck_assert_str_eq(read.put[1]->id, "b");
	ck_assert_int_eq(read.put[1]->origin, ORIGIN_API);
	ck_assert_ptr_null(read.removed_set);
	ck_assert(address_set_equal(read.put_set, banned));
}
END_TEST

START_TEST(removal_of_a_set)
{
	CLEANUP(store_pending_clear) struct store_pending read = { 0 };

	assert_opens();
	put(NULL, "s");
	ck_assert_int_eq(store_load_pending(store, &read, &problems), 0);
	ck_assert_str_eq(read.removed_set, "s");
	ck_assert_ptr_null(read.put_set);
}
END_TEST

START_TEST(dropped)
{
	struct store_pending read;

	assert_opens();
	ck_assert_int_eq(store_load_pending(store, &read, &problems), -ENOENT);
	ck_assert_int_eq(store_drop_pending(store), 0);
	put(NULL, NULL);
	ck_assert(fixture_exists(FILE_NAME));
	ck_assert_int_eq(store_drop_pending(store), 0);
	ck_assert(!fixture_exists(FILE_NAME));
	ck_assert_int_eq(store_load_pending(store, &read, &problems), -ENOENT);
}
END_TEST

/* Clocks since boot begin again. */
START_TEST(of_another_boot)
{
	CLEANUP(store_pending_clear) struct store_pending read = { 0 };

	assert_opens();
	write_line(FILE_NAME, ",\"id\":\"x\",\"seconds\":60,\"boot_id\":"
			      "\"00000000-0000-4000-8000-000000000000\",\"deadline_ns\":"
			      "9000000000000000000,\"remove\":[],\"put\":[]");
	ck_assert_int_eq(store_load_pending(store, &read, &problems), 0);
	ck_assert_str_eq(read.id, "x");
	ck_assert_uint_eq(read.deadline_ns, 0);
}
END_TEST

START_TEST(damaged_or_newer)
{
	static const char newer[] = "{\"format\":2,\"id\":\"x\"}\n";
	struct store_pending read;
	char text[FILE_MAX];
	size_t size;

	assert_opens();
	put(NULL, NULL);
	size = fixture_read(FILE_NAME, text);
	for (size_t i = 2; i < size - 1; i += 7) {
		text[i] ^= 1;
		fixture_write(FILE_NAME, text, size);
		ck_assert_int_lt(store_load_pending(store, &read, &problems), 0);
		ck_assert_uint_ge(problems.errors, 1);
		problems_clear(&problems);
		text[i] ^= 1;
	}
	fixture_write(FILE_NAME, newer, sizeof(newer) - 1);
	ck_assert_int_eq(store_load_pending(store, &read, &problems), -EPROTO);
	write_line(FILE_NAME, ",\"id\":\"x\",\"put\":[]");
	ck_assert_int_eq(store_load_pending(store, &read, &problems), -EBADMSG);
	write_line(FILE_NAME, ",\"id\":\"x\",\"remove\":[],\"put\":[{\"policy\":{}}]");
	ck_assert_int_eq(store_load_pending(store, &read, &problems), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("pending");

	tcase_add_test(tests, reads_back);
	tcase_add_test(tests, removal_of_a_set);
	tcase_add_test(tests, dropped);
	tcase_add_test(tests, of_another_boot);
	tcase_add_test(tests, damaged_or_newer);
	return run_case(tests);
}
