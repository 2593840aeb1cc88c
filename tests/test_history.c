/* SPDX-License-Identifier: Apache-2.0 */
/* What the last minute brought, from counters that only go up. */
#include <check.h>
#include <event2/event.h>
#include <string.h>

#include "daemon.h"
#include "history.h"
#include "policyset.h"
#include "stubs.h"
#include "tracks.h"

#include "attach.h"

static struct daemon under_test;
static struct attachment attachment;
static const struct attachment *list[] = { &attachment };

/* One interface, so that something can move. */
const struct attachment *const *attachments_list(const struct attachments *attachments,
						 size_t *ret_count)
{
	(void)attachments;
	*ret_count = 1;
	return list;
}

static void setup(void)
{
	stubs_reset();
	under_test = (struct daemon){ .base = event_base_new() };
	under_test.set = set_of("[{\"id\":\"a\",\"action\":\"BLOCK\"},"
				"{\"id\":\"bbb\",\"action\":\"BLOCK\"}]",
				false);
	stubs.slots = under_test.set;
	attachment = (struct attachment){ .ifindex = 1, .name = "x0", .mode = "native" };
	ck_assert_int_eq(history_open(&under_test, &under_test.history), 0);
}

static void teardown(void)
{
	history_close(&under_test.history);
	event_base_free(under_test.base);
	policyset_put(&under_test.set);
}

/* The next sample, a second later. The stub's slot of an id is as large as the id is long. */
static void sample(uint64_t slot_packets, uint64_t interface_packets)
{
	stubs.slot_packets = slot_packets;
	stubs.interface_packets = interface_packets;
	event_base_loop(under_test.base, EVLOOP_ONCE);
}

START_TEST(most_packets_first)
{
	struct history_row rows[3];

	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 3), 0);
	ck_assert_int_eq(history_last_hit(under_test.history, "a"), 0);
	sample(5, 20);
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 3), 2);
	ck_assert_str_eq(rows[0].name, "bbb");
	ck_assert_uint_eq(rows[0].packets, 15);
	ck_assert_uint_eq(rows[1].packets, 5);
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 1), 1);
	ck_assert_str_eq(rows[0].name, "bbb");
	ck_assert_int_gt(history_last_hit(under_test.history, "a"), 0);
	ck_assert_int_eq(history_last_hit(under_test.history, "nobody"), 0);
	ck_assert_uint_eq(history_top_reasons(under_test.history, rows, 3), 1);
	ck_assert_str_eq(rows[0].name, "policy");
	ck_assert_uint_eq(rows[0].packets, 20);
}
END_TEST

START_TEST(a_reset_is_no_burst)
{
	struct history_row rows[2];

	sample(5, 20);
	sample(1, 21);
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 2), 2);
	ck_assert_uint_eq(rows[0].packets, 15 + 3);
	/* Another interface brings its own past. */
	attachment.ifindex = 2;
	sample(1, 1000);
	ck_assert_uint_eq(history_top_reasons(under_test.history, rows, 2), 1);
	ck_assert_uint_eq(rows[0].packets, 21);
}
END_TEST

START_TEST(what_is_known_follows_the_id)
{
	struct policyset *after, *added = set_of("[{\"id\":\"aa\",\"action\":\"BLOCK\"}]", false);
	const char *const gone[] = { "a" };
	const struct policyset_edit edit = { gone, 1, added->policy, 1 };
	struct history_row rows[3];
	int64_t hit;

	sample(5, 20);
	hit = history_last_hit(under_test.history, "bbb");
	ck_assert_int_eq(policyset_edit(under_test.set, &edit, &after), 0);
	policyset_put(&added);
	policyset_put(&under_test.set);
	stubs.slots = under_test.set = after;
	ck_assert_int_eq(history_last_hit(under_test.history, "bbb"), hit);
	ck_assert_int_eq(history_last_hit(under_test.history, "a"), 0);
	ck_assert_int_eq(history_last_hit(under_test.history, "aa"), 0);
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 3), 1);
	ck_assert_str_eq(rows[0].name, "bbb");
}
END_TEST

START_TEST(a_slot_given_to_another_starts_from_zero)
{
	struct history_row rows[2];

	sample(5, 20);
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 2), 2);
	stubs.slot_life++;
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 2), 0);
	ck_assert_int_eq(history_last_hit(under_test.history, "a"), 0);
	sample(7, 30);
	ck_assert_uint_eq(history_top_policies(under_test.history, rows, 2), 2);
	ck_assert_uint_eq(rows[0].packets, 21);
	ck_assert_int_gt(history_last_hit(under_test.history, "a"), 0);
}
END_TEST

/* ---- tracks */

START_TEST(a_minute_passes_bucket_by_bucket)
{
	struct track track = { .turn = 100 };

	ck_assert_uint_eq(track_follow(&track, 100, 3), 3);
	ck_assert_uint_eq(track_follow(&track, 100, 5), 2);
	ck_assert_uint_eq(track_follow(&track, 104, 15), 10);
	ck_assert_uint_eq(track_sum(&track, 104), 15);
	ck_assert_uint_eq(track_sum(&track, 111), 15);
	ck_assert_uint_eq(track_sum(&track, 112), 10);
	ck_assert_uint_eq(track_sum(&track, 115), 10);
	ck_assert_uint_eq(track_sum(&track, 116), 0);
	ck_assert_uint_eq(track_sum(&track, 100000), 0);
	ck_assert_uint_eq(track_follow(&track, 112, 16), 1);
	ck_assert_uint_eq(track_sum(&track, 112), 11);
	ck_assert_uint_eq(track_follow(&track, 1000, 4), 4);
	ck_assert_uint_eq(track_sum(&track, 1000), 4);
	ck_assert_uint_eq(track_follow(&track, 1000, UINT64_MAX), UINT64_MAX - 4);
	ck_assert_uint_eq(track_sum(&track, 1000), UINT32_MAX);
}
END_TEST

START_TEST(tracks_are_made_where_something_is)
{
	struct tracks tracks = { 0 };

	ck_assert_ptr_null(tracks_find(&tracks, 5, 1));
	ck_assert_uint_eq(tracks_limit(&tracks), 0);
	ck_assert_ptr_nonnull(tracks_make(&tracks, 1000000, 1));
	tracks_make(&tracks, 1000000, 1)->last_hit_us = 7;
	ck_assert_int_eq(tracks_find(&tracks, 1000000, 1)->last_hit_us, 7);
	ck_assert_ptr_null(tracks_find(&tracks, 1000000, 2));
	ck_assert_ptr_null(tracks_find(&tracks, 0, 1));
	ck_assert_ptr_null(tracks_find(&tracks, UINT32_MAX, 1));
	ck_assert_int_eq(tracks_make(&tracks, 1000000, 2)->last_hit_us, 0);
	ck_assert_uint_gt(tracks_limit(&tracks), 1000000);
	tracks_clear(&tracks);
	ck_assert_ptr_null(tracks_find(&tracks, 1000000, 2));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("history");
	TCase *tests = tcase_create("history");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, most_packets_first);
	tcase_add_test(tests, a_reset_is_no_burst);
	tcase_add_test(tests, what_is_known_follows_the_id);
	tcase_add_test(tests, a_slot_given_to_another_starts_from_zero);
	tcase_add_test(tests, a_minute_passes_bucket_by_bucket);
	tcase_add_test(tests, tracks_are_made_where_something_is);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
