// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_text.h"
#include "problem.h"

/* What json_read() says, as "pointer|detail", or the printed value. */
static char said[4096];

static int read_bytes(const char *text, size_t size, unsigned int flags)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int r = json_read(text, size, flags, &json, &problems);

	if (r < 0) {
		ck_assert_ptr_null(json);
		ck_assert_uint_ge(problems.errors, 1);
		snprintf(said, sizeof(said), "%s|%s", problems.list[0].pointer,
			 problems.list[0].detail);
	} else {
		ck_assert_uint_eq(problems.count, 0);
		snprintf(said, sizeof(said), "%s",
			 json_object_to_json_string_ext(
				 json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	return r;
}

static int read_text(const char *text, unsigned int flags)
{
	return read_bytes(text, strlen(text), flags);
}

static const struct {
	const char *text, *printed;
} valid[] = {
	{ "{}", "{}" },
	{ " [ 1 , -2.5 , 1e3 , true , false , null , \"a\" ] \n",
	  "[1,-2.5,1e3,true,false,null,\"a\"]" },
	{ "{\"a\":{\"b\":[{},[]]},\"b\":{\"a\":1}}", "{\"a\":{\"b\":[{},[]]},\"b\":{\"a\":1}}" },
	{ "\"\\u00e4\\ud83d\\ude00\\n\"", "\"ä😀\\n\"" },
	{ "0", "0" },
	{ "-0", "0" },
	{ "9223372036854775807", "9223372036854775807" },
	{ "null", "null" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]" },
};

START_TEST(json_is_read)
{
	ck_assert_int_eq(read_text(valid[_i].text, 0), 0);
	ck_assert_str_eq(said, valid[_i].printed);
}
END_TEST

static const struct {
	const char *text, *reason;
} invalid[] = {
	{ "", "|line 1, column 1: the text ends where a value was expected" },
	{ "  \n ", "|line 2, column 2: the text ends where a value was expected" },
	{ "{", "|line 1, column 2: a key in double quotes was expected here" },
	{ "[1,]", "|line 1, column 4: a value was expected here" },
	{ "{\"a\":1,}", "|line 1, column 8: a key in double quotes was expected here" },
	{ "{\"a\" 1}", "|line 1, column 6: \":\" was expected behind the key" },
	{ "{'a':1}", "|line 1, column 2: a key in double quotes was expected here" },
	{ "['a']", "|line 1, column 2: a value was expected here" },
	{ "[1 2]", "|line 1, column 4: \",\" or \"]\" was expected here" },
	{ "{\"a\":1 \"b\"}", "|line 1, column 8: \",\" or \"}\" was expected here" },
	{ "[1}", "|line 1, column 3: \",\" or \"]\" was expected here" },
	{ "{}x", "|line 1, column 3: something follows the end of the JSON value" },
	{ "{}\n{}", "|line 2, column 1: something follows the end of the JSON value" },
	{ "NaN", "|line 1, column 1: a value was expected here" },
	{ "Infinity", "|line 1, column 1: a value was expected here" },
	{ "-Infinity", "|line 1, column 2: a number must go on with a digit here" },
	{ "True", "|line 1, column 1: a value was expected here" },
	{ "truex", "|line 1, column 5: something follows the end of the JSON value" },
	{ "012", "|line 1, column 4: a number must not begin with a zero" },
	{ "1.", "|line 1, column 3: a number must go on with a digit here" },
	{ ".5", "|line 1, column 1: a value was expected here" },
	{ "1e", "|line 1, column 3: a number must go on with a digit here" },
	{ "+1", "|line 1, column 1: a value was expected here" },
	{ "0x10", "|line 1, column 2: something follows the end of the JSON value" },
	{ "// c\n1", "|line 1, column 1: a value was expected here" },
	{ "\"a", "|line 1, column 3: the text ends within a string" },
	{ "\"a\nb\"", "|line 1, column 3: a control character in a string must be escaped" },
	{ "\"\\x\"", "|line 1, column 2: an unknown escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
		     "\\uXXXX are known" },
	{ "\"\\u12\"", "|line 1, column 2: \"\\u\" needs four hexadecimal digits" },
	{ "\"\\u0000\"", "|line 1, column 2: the character U+0000 is not allowed" },
	{ "\"\\ud800\"", "|line 1, column 2: half of a surrogate pair" },
	{ "\"\\udc00\"", "|line 1, column 2: half of a surrogate pair" },
	{ "\"\\ud800\\u0041\"", "|line 1, column 2: half of a surrogate pair" },
	{ "[\"ä\", \"\xff\"]", "|line 1, column 8: not valid UTF-8" },
	{ "\"\xc0\xaf\"", "|line 1, column 2: not valid UTF-8" },
	{ "\"\xed\xa0\x80\"", "|line 1, column 2: not valid UTF-8" },
	{ "\"\xf4\x90\x80\x80\"", "|line 1, column 2: not valid UTF-8" },
	{ "\"\xe2\x82\"", "|line 1, column 2: not valid UTF-8" },
	{ "\xef\xbb\xbf{}",
	  "|line 1, column 1: a byte order mark: save the file as UTF-8 without it" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	  "|line 1, column 33: nested deeper than 32 levels" },
};

START_TEST(what_is_not_json_is_refused_with_its_place)
{
	ck_assert_int_eq(read_text(invalid[_i].text, 0), -EBADMSG);
	ck_assert_str_eq(said, invalid[_i].reason);
}
END_TEST

START_TEST(a_byte_zero_is_refused)
{
	ck_assert_int_eq(read_bytes("{}\0", 3, 0), -EBADMSG);
	ck_assert_int_eq(read_bytes("\"\0\"", 3, 0), -EBADMSG);
	ck_assert_int_eq(read_bytes("[1,\0]", 5, 0), -EBADMSG);
}
END_TEST

static const struct {
	const char *text, *place;
} duplicates[] = {
	{ "{\"a\":1,\"a\":1}", "/a|" },
	{ "{\"x\":[0,{\"b\":1,\"c\":2,\"b\":3}]}", "/x/1/b|" },
	{ "{\"a\":1,\"\\u0061\":2}", "/a|" },
	{ "{\"a~/b\":{\"\":1,\"\":2}}", "/a~0~1b/|" },
	{ "{\"\\ud83d\\ude00\":1,\"😀\":2}", "/😀|" },
};

START_TEST(a_key_that_occurs_twice_is_named)
{
	ck_assert_int_eq(read_text(duplicates[_i].text, 0), -EBADMSG);
	ck_assert_msg(!strncmp(said, duplicates[_i].place, strlen(duplicates[_i].place)), "%s",
		      said);
}
END_TEST

START_TEST(many_keys_are_quick)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(stream);
	for (int i = 0; i < 200000; i++)
		fprintf(stream, "%c\"key%d\":%d", i ? ',' : '{', i, i);
	fputs(",\"key77\":0}", stream);
	ck_assert_int_eq(fclose(stream), 0);
	ck_assert_int_eq(read_bytes(text, size, 0), -EBADMSG);
	ck_assert_str_eq(said, "/key77|this key occurs twice in its object");
}
END_TEST

START_TEST(comments_are_white_space_where_allowed)
{
	static const char text[] = "// one\n{ /* two\n ** / */ \"a//b\": \"/* c */\", // three\n"
				   "\"d\\\"//\":1 } // end";

	ck_assert_int_eq(read_text(text, JSON_COMMENTS), 0);
	ck_assert_str_eq(said, "{\"a//b\":\"/* c */\",\"d\\\"//\":1}");
	ck_assert_int_eq(read_text(text, 0), -EBADMSG);
	ck_assert_int_eq(read_text("{}\n/* x", JSON_COMMENTS), -EBADMSG);
	ck_assert_str_eq(said, "|line 2, column 1: a comment that does not end");
	ck_assert_int_eq(read_text("/* ä */\n/* b */ x", JSON_COMMENTS), -EBADMSG);
	ck_assert_str_eq(said, "|line 2, column 9: a value was expected here");
	ck_assert_int_eq(read_text("/*/ 1", JSON_COMMENTS), -EBADMSG);
	ck_assert_int_eq(read_text("\"/*", JSON_COMMENTS), -EBADMSG);
	ck_assert_int_eq(read_text("/", JSON_COMMENTS), -EBADMSG);
	ck_assert_int_eq(read_text("1 //", JSON_COMMENTS), 0);
}
END_TEST

/* Every prefix and every change of a byte: nothing is read beyond the end (the
 * copies are exact, so that a sanitizer sees it). */
START_TEST(damaged_texts_are_survived)
{
	static const char text[] = "/*c*/{\"a\":[1,-2.5e1,\"\\u00e4\\ud83d\\ude00\",true,null],"
				   "\"b\":{\"c\":{}}}//x\n";
	size_t size = sizeof(text) - 1;

	for (size_t i = 0; i < size; i++) {
		for (int change = 0; change < 256; change += 5) {
			CLEANUP(problems_clear) struct problems problems = { 0 };
			CLEANUP(cleanup_json) struct json_object *json = NULL;
			CLEANUP(cleanup_free) char *copy = malloc(change ? size : i + 1);

			ck_assert_ptr_nonnull(copy);
			memcpy(copy, text, change ? size : i);
			if (change)
				copy[i] = (char)(copy[i] + change);
			if (!json_read(copy, change ? size : i, JSON_COMMENTS, &json, &problems))
				ck_assert_uint_eq(problems.errors, 0);
			else
				ck_assert_uint_gt(problems.errors, 0);
		}
	}
}
END_TEST

START_TEST(files_are_read_up_to_a_bound)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	char path[] = "/tmp/test-json-XXXXXX";
	CLEANUP(cleanup_fd) int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "[1] // one", 10), 10);
	ck_assert_int_eq(json_read_file(path, 9, JSON_COMMENTS, &json, &problems), -EFBIG);
	ck_assert_int_eq(json_read_file(path, 10, JSON_COMMENTS, &json, &problems), 0);
	ck_assert_str_eq(json_object_to_json_string_ext(json, 0), "[1]");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(json_read_file(path, 10, 0, &json, &problems), -ENOENT);
	ck_assert_int_eq(json_read_file("/", 10, 0, &json, &problems), -EISDIR);
	ck_assert_int_eq(json_read_file("/dev/zero", 10, 0, &json, &problems), -EISDIR);
	ck_assert_str_eq(json_file_error(-EISDIR), "it is not a regular file");
	ck_assert_str_eq(json_file_error(-ENOENT), strerror(ENOENT));
	ck_assert_uint_eq(problems.count, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("json");

	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, json_is_read, 0, ARRAY_SIZE(valid));
	tcase_add_loop_test(tcase, what_is_not_json_is_refused_with_its_place, 0,
			    ARRAY_SIZE(invalid));
	tcase_add_test(tcase, a_byte_zero_is_refused);
	tcase_add_loop_test(tcase, a_key_that_occurs_twice_is_named, 0, ARRAY_SIZE(duplicates));
	tcase_add_test(tcase, many_keys_are_quick);
	tcase_add_test(tcase, comments_are_white_space_where_allowed);
	tcase_add_test(tcase, damaged_texts_are_survived);
	tcase_add_test(tcase, files_are_read_up_to_a_bound);
	return run_case("json", tcase);
}
