// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address_sets.h"
#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "store_opened.h"

static unsigned int mode_of(const char *name)
{
	struct stat status;

	ck_assert_int_eq(stat(fixture_path(name), &status), 0);
	return status.st_mode & 0777;
}

START_TEST(a_new_directory_is_empty_and_private)
{
	umask(0);
	close_all();
	ck_assert_int_eq(store_open(fixture_directory, &store, &set, &problems), 0);
	ck_assert_uint_eq(problems.count, 0);
	ck_assert_uint_eq(set->count, 0);
	ck_assert_int_eq(fixture_append(store, 1), 0);
	ck_assert_int_eq(store_write_snapshot(store, set), 0);
	ck_assert_uint_eq(mode_of(""), 0750);
	ck_assert_uint_eq(mode_of(STORE_LOCK), 0640);
	ck_assert_uint_eq(mode_of(STORE_JOURNAL), 0640);
	ck_assert_uint_eq(mode_of(STORE_SNAPSHOT), 0640);
}
END_TEST

START_TEST(transactions_come_back)
{
	assert_opens_clean();
	append_up_to(5);
	assert_opens_clean();
	fixture_assert_set(set, fixture_up_to(5));
	ck_assert_int_eq(set->policy[0]->origin, ORIGIN_API);
	ck_assert_uint_eq(set->policy[0]->references, 1);
	ck_assert_int_eq(fixture_append(store, 6), 0);
	assert_opens_clean();
	fixture_assert_set(set, fixture_up_to(6));
}
END_TEST

START_TEST(a_policy_comes_back_whole)
{
	static const char text[] =
		"{\"id\":\"p\",\"description\":\"\\\"q\\\" \\\\ \",\"enabled\":false,"
		"\"labels\":{\"k\":\"v\"},\"priority\":7,\"action\":\"RATE_LIMIT\","
		"\"direction\":\"both\",\"interface\":\"eth0\",\"src\":{\"ip\":\"192.0.2.0/24\"},"
		"\"dst\":{\"port\":\"80-90\"},\"protocol\":\"tcp\",\"log\":true,"
		"\"rate_limit_bytes_per_second\":1000000,\"expires_at\":\"2200-01-02T03:04:05Z\"}";
	CLEANUP(policy_put) struct policy *policy = fixture_policy(text);

	policy->created_at = 1234567890123456;
	policy->updated_at = 1234567890123457;
	assert_opens_clean();
	ck_assert_int_eq(store_append(store, NULL, 0, &policy, 1), 0);
	for (int round = 0; round < 2; round++) {
		assert_opens_clean();
		ck_assert_uint_eq(set->count, 1);
		ck_assert(policy_equal(set->policy[0], policy));
		ck_assert_int_eq(set->policy[0]->expires_at, policy->expires_at);
		ck_assert_int_eq(set->policy[0]->created_at, policy->created_at);
		ck_assert_int_eq(set->policy[0]->updated_at, policy->updated_at);
		ck_assert_int_eq(store_write_snapshot(store, set), 0);
	}
}
END_TEST

START_TEST(an_end_holds_by_boot_time_within_a_boot)
{
	CLEANUP(policy_put)
	struct policy *policy =
		fixture_policy("{\"id\":\"p\",\"action\":\"BLOCK\",\"ttl_seconds\":100}");

	ck_assert_uint_ne(policy->ttl_deadline_ns, 0);
	/* As if the clock had been set since. */
	policy->expires_at = 1;
	assert_opens_clean();
	ck_assert_int_eq(store_append(store, NULL, 0, &policy, 1), 0);
	assert_opens_clean();
	ck_assert_uint_eq(set->policy[0]->ttl_deadline_ns, policy->ttl_deadline_ns);
	ck_assert_int_eq(set->policy[0]->expires_at, 1);
	/* Another boot: its clock says nothing here. */
	strcpy(store->boot_id, "00000000-0000-0000-0000-000000000000");
	ck_assert_int_eq(store_append(store, NULL, 0, &policy, 1), 0);
	assert_opens_clean();
	ck_assert_uint_eq(set->policy[0]->ttl_deadline_ns, 0);
	ck_assert_int_eq(set->policy[0]->expires_at, 1);
}
END_TEST

START_TEST(a_second_process_is_told_the_pid)
{
	struct store *second = NULL;
	struct policyset *other = NULL;
	char pid[32];

	snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_opens_clean();
	ck_assert_int_eq(store_open(fixture_directory, &second, &other, &problems), -EBUSY);
	ck_assert_ptr_null(second);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_ptr_nonnull(strstr(problems.list[0].detail, pid));
	close_all();
	fixture_write(STORE_LOCK, "99999999\n", 9);
	assert_opens_clean();
}
END_TEST

START_TEST(a_directory_that_cannot_be_is_named)
{
	strcat(fixture_directory, "/a/b");
	ck_assert_int_eq(reopen(), -ENOENT);
	ck_assert_str_eq(problems.list[0].pointer, fixture_directory);
	ck_assert_ptr_null(store);
}
END_TEST

START_TEST(the_snapshot_grows_with_the_journal)
{
	char text[300], description[250];
	struct policyset *next;
	size_t snapshots = 0, before = 0;

	memset(description, 'x', sizeof(description) - 1);
	description[sizeof(description) - 1] = '\0';
	assert_opens_clean();
	for (unsigned int i = 0; snapshots < 2 && i < 20000; i++) {
		CLEANUP(policy_put) struct policy *policy = NULL;

		snprintf(text, sizeof(text),
			 "{\"id\":\"p\",\"action\":\"BLOCK\",\"description\":\"%s\"}", description);
		policy = fixture_policy(text);
		ck_assert_int_eq(store_append(store, NULL, 0, &policy, 1), 0);
		ck_assert_int_eq(policyset_add(set, &policy, 1, &next), 0);
		policyset_put(&set);
		set = next;
		before = store->journal_bytes;
		ck_assert_int_eq(store_compact(store, set), 0);
		if (store->journal_bytes < before) {
			ck_assert_uint_gt(before, 1 << 20);
			ck_assert_uint_eq(store->journal_bytes, 0);
			snapshots++;
		}
	}
	ck_assert_uint_eq(snapshots, 2);
	assert_opens_clean();
	ck_assert_uint_eq(set->count, 1);
}
END_TEST

/* As after a crash between a snapshot and the emptying of the journal. */
START_TEST(a_journal_that_repeats_the_snapshot_does_no_harm)
{
	char journal[FILE_MAX];
	size_t size;

	assert_opens_clean();
	append_up_to(5);
	assert_opens_clean();
	size = fixture_read(STORE_JOURNAL, journal);
	ck_assert_int_eq(store_write_snapshot(store, set), 0);
	close_all();
	fixture_write(STORE_JOURNAL, journal, size);
	assert_opens_clean();
	fixture_assert_set(set, fixture_up_to(5));
	ck_assert_int_eq(fixture_append(store, 6), 0);
	assert_opens_clean();
	fixture_assert_set(set, fixture_up_to(6));
}
END_TEST

static struct json_object *config(void)
{
	struct json_object *json = NULL;
	static const char text[] = "{\"log\":{\"level\":\"debug\"}}";

	ck_assert_int_eq(json_read(text, sizeof(text) - 1, 0, &json, &problems), 0);
	return json;
}

START_TEST(the_last_good_state_comes_back)
{
	CLEANUP(cleanup_json) struct json_object *saved = config();
	CLEANUP(cleanup_json) struct json_object *loaded = NULL;
	CLEANUP(policyset_put) struct policyset *policies = NULL;
	CLEANUP(address_sets_put) struct address_sets *sets = NULL;
	CLEANUP(policy_put) struct policy *policy = fixture_block("file", 1);

	policy->origin = ORIGIN_FILE;
	assert_opens_clean();
	ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &sets, &problems),
			 -ENOENT);
	ck_assert_int_eq(policyset_add(set, &policy, 1, &policies), 0);
	ck_assert_int_eq(store_save_last_good(store, saved, policies, NULL), 0);
	policyset_put(&policies);
	assert_opens_clean();
	ck_assert_uint_eq(set->count, 0);
	ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &sets, &problems), 0);
	ck_assert(json_object_equal(saved, loaded));
	ck_assert_uint_eq(policies->count, 1);
	ck_assert(policy_equal(policies->policy[0], policy));
	ck_assert_int_eq(policies->policy[0]->origin, ORIGIN_FILE);
}
END_TEST

START_TEST(a_bad_last_good_state_is_said)
{
	static const char *const bodies[] = { "", ",\"config\":{}", ",\"policies\":[]",
					      ",\"config\":{},\"policies\":[{}]",
					      ",\"config\":{},\"policies\":[],\"sets\":[{}]" };
	struct json_object *loaded = NULL;
	struct policyset *policies = NULL;
	struct address_sets *sets = NULL;

	assert_opens_clean();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		problems_clear(&problems);
		write_line(STORE_LAST_GOOD, bodies[i]);
		ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &sets, &problems),
				 -EBADMSG);
		ck_assert_uint_eq(problems.errors, 1);
	}
	fixture_write(STORE_LAST_GOOD, "{\"format\":1", 11);
	ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &sets, &problems),
			 -EBADMSG);
	ck_assert_ptr_null(loaded);
	ck_assert_ptr_null(policies);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("store");

	tcase_add_test(tcase, a_new_directory_is_empty_and_private);
	tcase_add_test(tcase, transactions_come_back);
	tcase_add_test(tcase, a_policy_comes_back_whole);
	tcase_add_test(tcase, an_end_holds_by_boot_time_within_a_boot);
	tcase_add_test(tcase, a_second_process_is_told_the_pid);
	tcase_add_test(tcase, a_directory_that_cannot_be_is_named);
	tcase_add_test(tcase, the_snapshot_grows_with_the_journal);
	tcase_add_test(tcase, a_journal_that_repeats_the_snapshot_does_no_harm);
	tcase_add_test(tcase, the_last_good_state_comes_back);
	tcase_add_test(tcase, a_bad_last_good_state_is_said);
	return run_case(tcase);
}
