// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_sse.h"
#include "client_text.h"

static const struct {
	uint64_t bytes;
	const char *text;
} amounts[] = {
	{ 0, "0 B" },
	{ 999, "999 B" },
	{ 1000, "1.0 kB" },
	{ 12345, "12.3 kB" },
	{ 999949, "999.9 kB" },
	{ 999950, "1.0 MB" },
	{ 5000000000, "5.0 GB" },
	{ UINT64_MAX, "18.4 EB" },
};

START_TEST(an_amount)
{
	char text[TEXT_SHORT];

	ck_assert_str_eq(text_bytes(amounts[_i].bytes, text), amounts[_i].text);
}
END_TEST

START_TEST(a_time)
{
	char text[TEXT_SHORT];

	ck_assert_int_eq(text_time("1970-01-02T00:00:01Z"), 86401);
	ck_assert_int_eq(text_time("1970-01-02T00:00:01.123456Z"), 86401);
	ck_assert_int_eq(text_time("1970-01-02T00:00:01+01:00"), -1);
	ck_assert_int_eq(text_time(""), -1);
	ck_assert_int_eq(text_time("yesterday"), -1);
	ck_assert_str_eq(text_ago("1970-01-02T00:00:01Z", 86401 + 75, text), "1m15s ago");
	ck_assert_str_eq(text_ago("1970-01-02T00:00:01Z", 0, text), "0s ago");
	ck_assert_str_eq(text_ago("", 0, text), "-");
}
END_TEST

static const struct {
	const char *text, *word;
} words[] = {
	{ "no-telnet", "no-telnet" },
	{ "user@host:1.2_3", "user@host:1.2_3" },
	{ "", "''" },
	{ "a b", "'a b'" },
	{ "{\"id\":\"a\"}", "'{\"id\":\"a\"}'" },
	{ "it's", "'it'\\''s'" },
	{ "$(reboot)", "'$(reboot)'" },
	{ "'", "''\\'''" },
};

START_TEST(a_word_for_the_shell)
{
	CLEANUP(cleanup_free) char *word = text_shell_word(words[_i].text);

	ck_assert_str_eq(word, words[_i].word);
}
END_TEST

static char *table_text(struct text_table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(text_table_print(table, out), 0);
	fclose(out);
	text_table_clear(table);
	return text;
}

START_TEST(a_table)
{
	static const char *const titles[] = { ">N", "NAME", "LAST" };
	struct text_table table = { .titles = titles, .columns = 3 };
	CLEANUP(cleanup_free) char *text = NULL;

	for (int i = 8; i < 12; i += 2) {
		text_table_add(&table, "%d", i);
		text_table_add(&table, "%s", i == 8 ? "gr\xc3\xbc\xc3\x9f" : "x\033[2J");
		text_table_add(&table, "end");
	}
	text_table_add(&table, "half a row");
	text = table_text(&table);
	ck_assert_str_eq(text, "         N  NAME   LAST\n"
			       "         8  gr\xc3\xbc\xc3\x9f   end\n"
			       "        10  x?[2J  end\n");
}
END_TEST

START_TEST(a_large_table)
{
	static const char *const titles[] = { "A", "B" };
	struct text_table table = { .titles = titles, .columns = 2 };
	CLEANUP(cleanup_free) char *text = NULL;

	for (int i = 0; i < 20000; i++)
		text_table_add(&table, "%d", 1);
	text = table_text(&table);
	ck_assert_uint_eq(strlen(text), 10001 * strlen("A  B\n"));
}
END_TEST

START_TEST(colours_only_where_wanted)
{
	ck_assert_str_eq(text_color(COLOR_BAD, false), "");
	ck_assert_str_eq(text_color(COLOR_BAD, true), "\033[31m");
	ck_assert_str_eq(text_color(COLOR_NONE, true), "\033[0m");
}
END_TEST

/* ---- events */

static char events[256];
static int answer;

static int note(void *context, const char *name, const char *data)
{
	(void)context;
	snprintf(events + strlen(events), sizeof(events) - strlen(events), "[%s|%s]", name, data);
	return answer;
}

static const char stream[] =
	": comment\n\ndata: {\"a\":1}\n\nevent: lost\r\nid: 7\r\ndata:5\r\n\r\n"
	"data: two\ndata: lines\n\nretry: 5\n\ndata: never ended";

START_TEST(events_in_pieces_of)
{
	struct client_sse sse = { .callback = note };

	events[0] = '\0';
	for (size_t at = 0, left = strlen(stream), piece = _i; left; at += piece, left -= piece) {
		piece = left < piece ? left : piece;
		ck_assert_int_eq(client_sse_feed(&sse, stream + at, piece), 0);
	}
	ck_assert_str_eq(events, "[message|{\"a\":1}][lost|5][message|two\nlines]");
	client_sse_clear(&sse);
}
END_TEST

START_TEST(events_that_their_reader_ends)
{
	struct client_sse sse = { .callback = note };

	events[0] = '\0';
	answer = -1;
	ck_assert_int_eq(client_sse_feed(&sse, stream, strlen(stream)), -1);
	ck_assert_str_eq(events, "[message|{\"a\":1}]");
	client_sse_clear(&sse);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client_text");
	TCase *tests = tcase_create("text");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, an_amount, 0, ARRAY_SIZE(amounts));
	tcase_add_test(tests, a_time);
	tcase_add_loop_test(tests, a_word_for_the_shell, 0, ARRAY_SIZE(words));
	tcase_add_test(tests, a_table);
	tcase_add_test(tests, a_large_table);
	tcase_add_test(tests, colours_only_where_wanted);
	tcase_add_loop_test(tests, events_in_pieces_of, 1, 40);
	tcase_add_test(tests, events_that_their_reader_ends);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
