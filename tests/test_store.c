// SPDX-License-Identifier: Apache-2.0
#include <json-c/json.h>
#include <sys/file.h>

#include "store_fixture.h"
#include "store_text.h"

static struct store *store;
static struct policyset *set;
static struct problems problems;

static int nothing(int fd)
{
	(void)fd;
	return 0;
}

/* Without waiting for the disk: these tests do not cut the power. */
static struct store_io quick;

static void set_up(void)
{
	quick = store_io_system;
	quick.sync = quick.sync_data = nothing;
	fixture_make();
}

static void close_all(void)
{
	store_close(&store);
	policyset_put(&set);
	problems_clear(&problems);
}

static void tear_down(void)
{
	close_all();
	fixture_remove(fixture_base);
}

static int reopen(void)
{
	close_all();
	return store_open_io(&quick, fixture_directory, &store, &set, &problems);
}

static void assert_opens(void)
{
	int error = reopen();

	ck_assert_msg(error == 0, "%s: %s", strerror(-error),
		      problems.count ? problems.list[0].detail : "");
}

/* Opens and finds nothing to say. */
static void assert_opens_clean(void)
{
	assert_opens();
	ck_assert_msg(problems.count == 0, "%s", problems.count ? problems.list[0].detail : "");
	ck_assert_int_eq(store_error(store), 0);
}

static void append_up_to(unsigned int last)
{
	for (unsigned int number = 1; number <= last; number++)
		ck_assert_int_eq(fixture_append(store, number), 0);
}

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
	char description[250];
	struct policyset *next;
	size_t snapshots = 0, before = 0;

	memset(description, 'x', sizeof(description) - 1);
	description[sizeof(description) - 1] = '\0';
	assert_opens_clean();
	for (unsigned int i = 0; snapshots < 2 && i < 20000; i++) {
		CLEANUP(policy_put) struct policy *policy = fixture_block("p", i);

		free(policy->description);
		policy->description = strdup(description);
		ck_assert_int_eq(store_append(store, NULL, 0, &policy, 1), 0);
		ck_assert_int_eq(policyset_edit(set, NULL, 0, &policy, 1, &next), 0);
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

static void write_line(const char *name, const char *body)
{
	CLEANUP(cleanup_free) struct store_writer *writer = malloc(sizeof(*writer));
	int fd;

	ck_assert_ptr_nonnull(writer);
	ck_assert(mkdir(fixture_directory, 0700) == 0 || errno == EEXIST);
	fd = open(fixture_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	store_writer_start(writer, &store_io_system, fd);
	store_writer_add(writer, body, strlen(body));
	ck_assert_int_eq(store_writer_finish(writer), 0);
	close(fd);
}

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
	CLEANUP(policy_put) struct policy *policy = fixture_block("file", 1);

	policy->origin = ORIGIN_FILE;
	assert_opens_clean();
	ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &problems), -ENOENT);
	ck_assert_int_eq(policyset_edit(set, NULL, 0, &policy, 1, &policies), 0);
	ck_assert_int_eq(store_save_last_good(store, saved, policies), 0);
	policyset_put(&policies);
	assert_opens_clean();
	ck_assert_uint_eq(set->count, 0);
	ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &problems), 0);
	ck_assert(json_object_equal(saved, loaded));
	ck_assert_uint_eq(policies->count, 1);
	ck_assert(policy_equal(policies->policy[0], policy));
	ck_assert_int_eq(policies->policy[0]->origin, ORIGIN_FILE);
}
END_TEST

START_TEST(a_bad_last_good_state_is_said)
{
	static const char *const bodies[] = { "", ",\"config\":{}", ",\"policies\":[]",
					      ",\"config\":{},\"policies\":[{}]" };
	struct json_object *loaded = NULL;
	struct policyset *policies = NULL;

	assert_opens_clean();
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		problems_clear(&problems);
		write_line(STORE_LAST_GOOD, bodies[i]);
		ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &problems),
				 -EBADMSG);
		ck_assert_uint_eq(problems.errors, 1);
	}
	fixture_write(STORE_LAST_GOOD, "{\"format\":1", 11);
	ck_assert_int_eq(store_load_last_good(store, &loaded, &policies, &problems), -EBADMSG);
	ck_assert_ptr_null(loaded);
	ck_assert_ptr_null(policies);
}
END_TEST

static TCase *make_case(void)
{
	TCase *tcase = tcase_create("store");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_new_directory_is_empty_and_private);
	tcase_add_test(tcase, transactions_come_back);
	tcase_add_test(tcase, a_policy_comes_back_whole);
	tcase_add_test(tcase, an_end_holds_by_boot_time_within_a_boot);
	tcase_add_test(tcase, a_second_process_is_told_the_pid);
	tcase_add_test(tcase, a_directory_that_cannot_be_is_named);
	tcase_add_test(tcase, the_snapshot_grows_with_the_journal);
	tcase_add_test(tcase, a_journal_that_repeats_the_snapshot_does_no_harm);
	tcase_add_test(tcase, a_torn_end_is_cut_off_wherever_it_is);
	tcase_add_test(tcase, a_flipped_bit_of_the_journal_is_noticed);
	tcase_add_test(tcase, a_flipped_bit_of_the_snapshot_is_noticed);
	tcase_add_test(tcase, what_followed_a_bad_snapshot_is_kept);
	tcase_add_test(tcase, bad_files_do_not_replace_each_other);
	tcase_add_test(tcase, a_missing_transaction_is_noticed);
	tcase_add_test(tcase, a_policy_that_cannot_be_read_is_kept_aside);
	tcase_add_test(tcase, a_newer_format_is_refused_and_stays);
	tcase_add_test(tcase, the_last_good_state_comes_back);
	tcase_add_test(tcase, a_bad_last_good_state_is_said);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, make_case());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
