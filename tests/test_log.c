// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "cleanup.h"
#include "log.h"
#include "log_line.h"

#define TIME "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z "

static char directory[PATH_MAX], log_path[PATH_MAX + 16], stderr_path[PATH_MAX + 16];
static struct settings settings;

/* The journal: what was sent, a field a line. The library's function is not reached. */
static char journal[65536];
static int journal_result;

int sd_journal_sendv(const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		strncat(journal, iov[i].iov_base, iov[i].iov_len);
		strcat(journal, "\n");
	}
	return journal_result;
}

static void set_up(void)
{
	const char *base = getenv("TMPDIR");
	int fd;

	snprintf(directory, sizeof(directory), "%s/pepctl-log-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(log_path, sizeof(log_path), "%s/pepctl.log", directory);
	snprintf(stderr_path, sizeof(stderr_path), "%s/stderr", directory);
	fd = open(stderr_path, O_RDWR | O_CREAT | O_APPEND, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	unsetenv("JOURNAL_STREAM");
	settings = (struct settings){ .log_level = LOG_LEVEL_INFO, .log_file = log_path };
	journal[0] = '\0';
	journal_result = 0;
}

static void tear_down(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -r '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

static const char *text_of(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");
	size_t size;

	ck_assert_ptr_nonnull(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	text[size] = '\0';
	fclose(file);
	return text;
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0, "\"%s\" is not %s", text, pattern);
	regfree(&regex);
}

static void configure(unsigned int targets)
{
	settings.log_targets = targets;
	ck_assert_int_eq(log_configure(&settings), 0);
}

/* As systemd does it when stderr goes to the journal. */
static void connect_stderr_to_journal(void)
{
	struct stat stat;
	char stream[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &stat), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)stat.st_dev,
		 (unsigned long long)stat.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
}

START_TEST(file_has_time_level_message_and_fields)
{
	static const struct log_field fields[] = { { "POLICY", "no-telnet" },
						   { "REASON", "two words" } };
	struct stat stat;

	umask(022);
	configure(LOG_TARGET_FILE);
	errno = 77;
	log_write(LOG_LEVEL_WARN, fields, 2, "dropped %d", 3);
	ck_assert_int_eq(errno, 77);
	assert_matches(text_of(log_path),
		       TIME "warn dropped 3 POLICY=no-telnet REASON=\"two words\"\n$");
	ck_assert_str_eq(text_of(stderr_path), "");
	ck_assert_int_eq(lstat(log_path, &stat), 0);
	ck_assert_uint_eq(stat.st_mode & 0777, 0640);
}
END_TEST

START_TEST(lower_levels_are_left_out)
{
	configure(LOG_TARGET_FILE);
	log_debug("no");
	log_info("yes");
	ck_assert_ptr_null(strstr(text_of(log_path), "no"));
	settings.log_level = LOG_LEVEL_CRITICAL;
	configure(LOG_TARGET_FILE);
	log_error("later");
	ck_assert_ptr_null(strstr(text_of(log_path), "later"));
	log_critical("last");
	assert_matches(text_of(log_path), "critical last\n$");
}
END_TEST

START_TEST(a_line_stays_a_line)
{
	static const struct log_field fields[] = { { "ID", "a\nb \"c\\" }, { "EMPTY", NULL } };

	configure(LOG_TARGET_FILE);
	log_write(LOG_LEVEL_INFO, fields, 2, "%s", "one\ntwo\x1b[31m\xc3\xa9\tx\x7f");
	assert_matches(text_of(log_path),
		       TIME "info one\\\\ntwo\\\\x1b\\[31m\xc3\xa9\\\\x09x\\\\x7f "
			    "ID=\"a\\\\nb \\\\\"c\\\\\\\\\" EMPTY=\"\"\n$");
}
END_TEST

START_TEST(long_lines_are_cut_between_characters)
{
	struct log_line line;

	for (size_t start = 0; start < 3; start++) {
		log_line_start(&line);
		log_line_add(&line, "%.*s", (int)start, "ab");
		for (size_t i = 0; i < LOG_LINE_MAX; i++)
			log_line_add(&line, "\xe2\x82\xac");
		log_line_add(&line, "more");
		log_line_end(&line);
		ck_assert_uint_lt(line.size, LOG_LINE_MAX);
		ck_assert_uint_eq(strlen(line.text), line.size);
		ck_assert_uint_eq((line.size - 4 - start) % 3, 0);
		ck_assert_str_eq(line.text + line.size - 4, "...\n");
	}
}
END_TEST

START_TEST(very_long_message_is_cut)
{
	static char message[3 * LOG_LINE_MAX];

	memset(message, 'x', sizeof(message) - 1);
	configure(LOG_TARGET_FILE | LOG_TARGET_JOURNAL);
	log_info("%s", message);
	assert_matches(text_of(log_path), "xxx\\.\\.\\.\n$");
	ck_assert_uint_lt(strlen(text_of(log_path)), LOG_LINE_MAX);
	ck_assert_ptr_nonnull(strstr(journal, "xxx..."));
}
END_TEST

START_TEST(auto_is_stderr)
{
	configure(0);
	log_info("hello");
	assert_matches(text_of(stderr_path), TIME "info hello\n$");
	ck_assert_str_eq(journal, "");
}
END_TEST

START_TEST(auto_is_the_journal_where_stderr_is)
{
	static const struct log_field fields[] = { { "POLICY", "a\nb" } };

	connect_stderr_to_journal();
	configure(0);
	log_write(LOG_LEVEL_ERROR, fields, 1, "hello");
	ck_assert_str_eq(text_of(stderr_path), "");
	ck_assert_str_eq(journal, "MESSAGE=hello\nPRIORITY=3\nSYSLOG_IDENTIFIER=pepctl\n"
				  "PEPCTL_POLICY=a\nb\n");
}
END_TEST

START_TEST(a_stale_journal_stream_is_none)
{
	setenv("JOURNAL_STREAM", "1:2", 1);
	configure(0);
	log_info("hello");
	assert_matches(text_of(stderr_path), TIME "info hello\n$");
}
END_TEST

START_TEST(stderr_into_the_journal_has_priorities)
{
	connect_stderr_to_journal();
	configure(LOG_TARGET_STDERR);
	log_warn("one");
	log_error("two");
	ck_assert_str_eq(text_of(stderr_path), "<4>one\n<3>two\n");
	ck_assert_str_eq(journal, "");
}
END_TEST

START_TEST(what_the_journal_does_not_take_is_on_stderr)
{
	journal_result = -ENOENT;
	configure(LOG_TARGET_JOURNAL);
	log_info("hello");
	assert_matches(text_of(stderr_path), "info hello\n$");
}
END_TEST

START_TEST(several_targets)
{
	configure(LOG_TARGET_JOURNAL | LOG_TARGET_STDERR | LOG_TARGET_FILE);
	log_info("hello");
	assert_matches(text_of(stderr_path), "info hello\n$");
	assert_matches(text_of(log_path), "info hello\n$");
	ck_assert_ptr_nonnull(strstr(journal, "MESSAGE=hello"));
}
END_TEST

START_TEST(reopen_follows_rotation)
{
	char rotated[sizeof(log_path) + 2];

	configure(LOG_TARGET_FILE);
	log_info("one");
	snprintf(rotated, sizeof(rotated), "%s.1", log_path);
	ck_assert_int_eq(rename(log_path, rotated), 0);
	log_info("two");
	ck_assert_int_eq(log_reopen(), 0);
	log_info("three");
	assert_matches(text_of(rotated), "info one\n.*info two\n$");
	assert_matches(text_of(log_path), TIME "info three\n$");
}
END_TEST

START_TEST(what_fails_changes_nothing)
{
	configure(LOG_TARGET_FILE);
	settings.log_file = (char[]){ "/nonexistent/pepctl.log" };
	settings.log_level = LOG_LEVEL_CRITICAL;
	ck_assert_int_eq(log_configure(&settings), -ENOENT);
	log_info("still here");
	assert_matches(text_of(log_path), "info still here\n$");
}
END_TEST

START_TEST(failed_reopen_keeps_the_old_file)
{
	char moved[sizeof(directory) + 2], kept[sizeof(moved) + 16];

	configure(LOG_TARGET_FILE);
	snprintf(moved, sizeof(moved), "%s.x", directory);
	ck_assert_int_eq(rename(directory, moved), 0);
	ck_assert_int_eq(log_reopen(), -ENOENT);
	log_info("still here");
	snprintf(kept, sizeof(kept), "%s/pepctl.log", moved);
	assert_matches(text_of(kept), "info still here\n$");
	ck_assert_int_eq(rename(moved, directory), 0);
}
END_TEST

START_TEST(reopen_without_a_file_is_nothing)
{
	configure(LOG_TARGET_STDERR);
	ck_assert_int_eq(log_reopen(), 0);
}
END_TEST

START_TEST(full_disk_is_said_once_and_lines_go_to_stderr)
{
	if (access("/dev/full", W_OK) < 0)
		return;
	settings.log_file = (char[]){ "/dev/full" };
	configure(LOG_TARGET_FILE);
	log_info("one");
	log_info("two");
	assert_matches(text_of(stderr_path),
		       "error cannot write to the log file /dev/full: No space left on device; "
		       "using stderr\n[^\n]* info one\n[^\n]* info two\n$");
}
END_TEST

START_TEST(no_descriptor_leaks)
{
	int before, after;

	configure(LOG_TARGET_FILE);
	before = dup(STDERR_FILENO);
	for (int i = 0; i < 10; i++) {
		configure(LOG_TARGET_FILE);
		ck_assert_int_eq(log_reopen(), 0);
	}
	after = dup(STDERR_FILENO);
	ck_assert_int_le(after, before + 1);
	close(before);
	close(after);
}
END_TEST

static TCase *make_case(void)
{
	TCase *tcase = tcase_create("log");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, file_has_time_level_message_and_fields);
	tcase_add_test(tcase, lower_levels_are_left_out);
	tcase_add_test(tcase, a_line_stays_a_line);
	tcase_add_test(tcase, long_lines_are_cut_between_characters);
	tcase_add_test(tcase, very_long_message_is_cut);
	tcase_add_test(tcase, auto_is_stderr);
	tcase_add_test(tcase, auto_is_the_journal_where_stderr_is);
	tcase_add_test(tcase, a_stale_journal_stream_is_none);
	tcase_add_test(tcase, stderr_into_the_journal_has_priorities);
	tcase_add_test(tcase, what_the_journal_does_not_take_is_on_stderr);
	tcase_add_test(tcase, several_targets);
	tcase_add_test(tcase, reopen_follows_rotation);
	tcase_add_test(tcase, what_fails_changes_nothing);
	tcase_add_test(tcase, failed_reopen_keeps_the_old_file);
	tcase_add_test(tcase, reopen_without_a_file_is_nothing);
	tcase_add_test(tcase, full_disk_is_said_once_and_lines_go_to_stderr);
	tcase_add_test(tcase, no_descriptor_leaks);
	return tcase;
}

int main(void)
{
	Suite *suite = suite_create("log");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, make_case());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
