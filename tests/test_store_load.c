// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "store_opened.h"

static size_t whole_lines(const char *text, size_t size)
{
	size_t lines = 0;

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	return lines;
}

START_TEST(a_torn_end_is_cut_off_wherever_it_is)
{
	char journal[FILE_MAX];
	size_t size;

	assert_opens_clean();
	append_up_to(3);
	close_all();
	size = fixture_read(STORE_JOURNAL, journal);
	for (size_t cut = 0; cut <= size; cut++) {
		unsigned int lines = (unsigned int)whole_lines(journal, cut);
		bool torn = cut > 0 && journal[cut - 1] != '\n';

		fixture_write(STORE_JOURNAL, journal, cut);
		assert_opens();
		ck_assert_uint_eq(problems.count, torn);
		ck_assert_uint_eq(problems.errors, 0);
		fixture_assert_set(set, fixture_up_to(lines));
		ck_assert_int_eq(fixture_append(store, lines + 1), 0);
		assert_opens_clean();
		fixture_assert_set(set, fixture_up_to(lines + 1));
	}
	ck_assert(!fixture_exists(STORE_JOURNAL ".bad-1"));
}
END_TEST

/* A flipped bit is noticed, and takes nothing from before it. */
static void check_flip(const char *text, size_t size, size_t at)
{
	char flipped[FILE_MAX], kept[FILE_MAX];
	unsigned int before = (unsigned int)whole_lines(text, at);
	int error;

	fixture_remove(fixture_directory);
	memcpy(flipped, text, size);
	flipped[at] ^= (char)(1 << at % 8);
	fixture_write(STORE_JOURNAL, flipped, size);
	error = reopen();
	ck_assert_msg(error == 0 || error == -EPROTO, "byte %zu: %s", at, strerror(-error));
	ck_assert_msg(problems.count > 0, "byte %zu went unnoticed", at);
	if (error == 0)
		fixture_assert_set(set, fixture_up_to(before));
	if (error == 0 && problems.errors) {
		ck_assert_uint_eq(fixture_read(STORE_JOURNAL ".bad-1", kept), size);
		ck_assert_mem_eq(kept, flipped, size);
	}
	if (error == -EPROTO) {
		ck_assert_uint_eq(fixture_read(STORE_JOURNAL, kept), size);
		return;
	}
	ck_assert_int_eq(fixture_append(store, before + 1), 0);
	assert_opens_clean();
	fixture_assert_set(set, fixture_up_to(before + 1));
}

START_TEST(a_flipped_bit_of_the_journal_is_noticed)
{
	char journal[FILE_MAX];
	const char *second, *third;
	size_t size;

	assert_opens_clean();
	append_up_to(3);
	close_all();
	size = fixture_read(STORE_JOURNAL, journal);
	second = strchr(journal, '\n') + 1;
	third = strchr(second, '\n') + 1;
	/* The line in the middle, and the ends of the others. */
	for (size_t at = (size_t)(second - journal) - 1; at < (size_t)(third - journal); at++)
		check_flip(journal, size, at);
	check_flip(journal, size, 0);
	check_flip(journal, size, size - 1);
}
END_TEST

START_TEST(a_flipped_bit_of_the_snapshot_is_noticed)
{
	char snapshot[FILE_MAX], kept[FILE_MAX];
	size_t size;

	assert_opens_clean();
	append_up_to(2);
	assert_opens_clean();
	ck_assert_int_eq(store_write_snapshot(store, set), 0);
	close_all();
	size = fixture_read(STORE_SNAPSHOT, snapshot);
	for (size_t at = 0; at + 1 < size; at++) {
		int error;

		fixture_remove(fixture_directory);
		snapshot[at] ^= (char)(1 << at % 8);
		fixture_write(STORE_SNAPSHOT, snapshot, size);
		error = reopen();
		ck_assert_msg(error == 0 || error == -EPROTO, "byte %zu", at);
		ck_assert_msg(problems.errors > 0, "byte %zu went unnoticed", at);
		if (error == 0) {
			ck_assert_uint_eq(set->count, 0);
			ck_assert_uint_eq(fixture_read(STORE_SNAPSHOT ".bad-1", kept), size);
			ck_assert_mem_eq(kept, snapshot, size);
			assert_opens_clean();
		}
		snapshot[at] ^= (char)(1 << at % 8);
	}
}
END_TEST

START_TEST(what_followed_a_bad_snapshot_is_kept)
{
	assert_opens_clean();
	append_up_to(2);
	ck_assert_int_eq(store_write_snapshot(store, set), 0);
	ck_assert_int_eq(fixture_append(store, 9), 0);
	close_all();
	fixture_write(STORE_SNAPSHOT, "{}", 2);
	assert_opens();
	ck_assert_uint_ge(problems.errors, 1);
	fixture_assert_set(set, 1 << 9);
	ck_assert(fixture_exists(STORE_SNAPSHOT ".bad-1"));
	assert_opens_clean();
	fixture_assert_set(set, 1 << 9);
}
END_TEST

START_TEST(bad_files_do_not_replace_each_other)
{
	for (int round = 0; round < 3; round++) {
		fixture_write(STORE_SNAPSHOT, "nonsense", 8);
		assert_opens();
		ck_assert_uint_eq(problems.errors, 1);
	}
	ck_assert(fixture_exists(STORE_SNAPSHOT ".bad-3"));
	ck_assert(!fixture_exists(STORE_SNAPSHOT ".bad-4"));
}
END_TEST

START_TEST(a_missing_transaction_is_noticed)
{
	char journal[FILE_MAX];
	size_t size, first;

	assert_opens_clean();
	append_up_to(3);
	close_all();
	size = fixture_read(STORE_JOURNAL, journal);
	first = (size_t)(strchr(journal, '\n') - journal) + 1;
	/* The first is missing: what follows is good. */
	fixture_write(STORE_JOURNAL, journal + first, size - first);
	assert_opens();
	ck_assert_uint_eq(problems.errors, 1);
	fixture_assert_set(set, 1 << 2 | 1 << 3);
	assert_opens_clean();
	/* One in the middle is missing: what follows is not used. */
	fixture_remove(fixture_directory);
	memmove(journal + first, strchr(journal + first, '\n') + 1,
		size - (size_t)(strchr(journal + first, '\n') + 1 - journal));
	fixture_write(STORE_JOURNAL, journal, first + strcspn(journal + first, "\n") + 1);
	assert_opens();
	ck_assert_uint_eq(problems.errors, 1);
	fixture_assert_set(set, 1 << 1);
	assert_opens_clean();
}
END_TEST

/* As a policy that an older version took and this one does not. */
START_TEST(a_policy_that_cannot_be_read_is_kept_aside)
{
	write_line(STORE_SNAPSHOT, ",\"sequence\":4,\"policies\":["
				   "{\"policy\":{\"id\":\"a\",\"action\":\"BLOCK\"}},"
				   "{\"policy\":{\"id\":\"b\",\"action\":\"EAT\"}}]");
	write_line(STORE_JOURNAL, ",\"sequence\":5,\"remove\":[],\"put\":["
				  "{\"policy\":{\"id\":\"c\",\"action\":\"EAT\"}},"
				  "{\"policy\":{\"id\":\"d\",\"action\":\"BLOCK\"}}]");
	assert_opens();
	ck_assert_uint_eq(problems.errors, 2);
	ck_assert_str_eq(problems.list[0].pointer, STORE_SNAPSHOT "/policies/1/policy/action");
	ck_assert_str_eq(problems.list[1].pointer, STORE_JOURNAL "/5/put/0/policy/action");
	ck_assert_uint_eq(set->count, 2);
	ck_assert(fixture_exists(STORE_SNAPSHOT ".bad-1"));
	ck_assert(fixture_exists(STORE_JOURNAL ".bad-1"));
	assert_opens_clean();
	ck_assert_uint_eq(set->count, 2);
}
END_TEST

/* Also when nothing asks for what it holds: the next good start writes it anew. */
START_TEST(a_damaged_last_good_state_is_kept_aside)
{
	static const char *const texts[] = { "", "nonsense\n", "{\"format\":1,\"crc\":\"0\"}\n" };
	char found[FILE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char name[64];

		fixture_write(STORE_LAST_GOOD, texts[i], strlen(texts[i]));
		assert_opens();
		ck_assert_uint_eq(problems.count, 1);
		ck_assert_uint_eq(problems.errors, 0);
		ck_assert_ptr_nonnull(strstr(problems.list[0].detail, STORE_LAST_GOOD));
		ck_assert(!fixture_exists(STORE_LAST_GOOD));
		snprintf(name, sizeof(name), STORE_LAST_GOOD ".bad-%zu", i + 1);
		fixture_read(name, found);
		ck_assert_str_eq(found, texts[i]);
		assert_opens_clean();
	}
	write_line(STORE_LAST_GOOD, ",\"config\":{},\"policies\":[]");
	assert_opens_clean();
	ck_assert(fixture_exists(STORE_LAST_GOOD));
}
END_TEST

START_TEST(a_newer_format_is_refused_and_stays)
{
	static const char *const names[] = { STORE_SNAPSHOT, STORE_JOURNAL, STORE_LAST_GOOD };
	static const char text[] = "{ \"format\": 2, \"new\": true }\n";
	char found[FILE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		fixture_write(names[i], text, sizeof(text) - 1);
		ck_assert_int_eq(reopen(), -EPROTO);
		ck_assert_uint_eq(problems.errors, 1);
		ck_assert_ptr_nonnull(strstr(problems.list[0].detail, names[i]));
		fixture_read(names[i], found);
		ck_assert_str_eq(found, text);
		fixture_remove(fixture_path(names[i]));
	}
	assert_opens_clean();
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("load");

	tcase_add_test(tcase, a_torn_end_is_cut_off_wherever_it_is);
	tcase_add_test(tcase, a_flipped_bit_of_the_journal_is_noticed);
	tcase_add_test(tcase, a_flipped_bit_of_the_snapshot_is_noticed);
	tcase_add_test(tcase, what_followed_a_bad_snapshot_is_kept);
	tcase_add_test(tcase, bad_files_do_not_replace_each_other);
	tcase_add_test(tcase, a_missing_transaction_is_noticed);
	tcase_add_test(tcase, a_policy_that_cannot_be_read_is_kept_aside);
	tcase_add_test(tcase, a_damaged_last_good_state_is_kept_aside);
	tcase_add_test(tcase, a_newer_format_is_refused_and_stays);
	return run_case(tcase);
}
