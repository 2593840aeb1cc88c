/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <json-c/json.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "policy_text.h"
#include "problem.h"
#include "problem_document.h"

static void assert_document(struct json_object *owned, const char *text)
{
	CLEANUP(cleanup_json) struct json_object *document = owned;

	ck_assert_ptr_nonnull(document);
	ck_assert_str_eq(json_object_to_json_string_ext(document, JSON_C_TO_STRING_NOSLASHESCAPE),
			 text);
}

START_TEST(one_error_is_the_document)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };

	problem_warn(&problems, "/b", "is odd");
	problem_add(&problems, "/a", "is %s", "wrong");
	assert_document(problem_document(422, "1 error", &problems),
			"{\"type\":\"/problems/unprocessable-content\",\"title\":\"Unprocessable "
			"Content\",\"status\":422,\"error\":\"unprocessable-content\","
			"\"detail\":\"is wrong\",\"pointer\":\"/a\"}");
}
END_TEST

START_TEST(several_errors_are_listed)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };

	problem_add(&problems, "/a", "is wrong");
	problem_warn(&problems, "/b", "is odd");
	problem_add(&problems, "", "says \"no\"");
	assert_document(
		problem_document(400, "2 errors", &problems),
		"{\"type\":\"/problems/bad-request\",\"title\":\"Bad Request\",\"status\":400,"
		"\"error\":\"bad-request\",\"detail\":\"2 errors\",\"errors\":["
		"{\"pointer\":\"/a\",\"detail\":\"is wrong\"},"
		"{\"pointer\":\"\",\"detail\":\"says \\\"no\\\"\"}]}");
	assert_document(problem_warnings(&problems),
			"[{\"pointer\":\"/b\",\"detail\":\"is odd\"}]");
}
END_TEST

START_TEST(detail_alone)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };

	assert_document(problem_document(404, "gone", &problems),
			"{\"type\":\"/problems/not-found\",\"title\":\"Not Found\",\"status\":404,"
			"\"error\":\"not-found\",\"detail\":\"gone\"}");
	assert_document(problem_document(503, NULL, NULL),
			"{\"type\":\"/problems/service-unavailable\",\"title\":\"Service "
			"Unavailable\",\"status\":503,\"error\":\"service-unavailable\"}");
}
END_TEST

START_TEST(text_that_is_no_utf8_is_made_so)
{
	assert_document(problem_document(404,
					 "a\xff"
					 "b\xc3\xa4\xe2\x82",
					 NULL),
			"{\"type\":\"/problems/not-found\",\"title\":\"Not Found\",\"status\":404,"
			"\"error\":\"not-found\",\"detail\":\"a\xef\xbf\xbd"
			"b\xc3\xa4\xef\xbf\xbd"
			"\xef\xbf\xbd\"}");
}
END_TEST

START_TEST(every_status_has_words)
{
	static const int statuses[] = { 400, 401, 403, 404, 405, 406, 409, 412, 413, 415,
					417, 421, 422, 429, 500, 501, 503, 505, 507 };

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(problem_word(statuses[i]), problem_word(statuses[j]));
	ck_assert_str_eq(problem_title(599), problem_title(500));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("problem_document");

	tcase_add_test(tcase, one_error_is_the_document);
	tcase_add_test(tcase, several_errors_are_listed);
	tcase_add_test(tcase, detail_alone);
	tcase_add_test(tcase, text_that_is_no_utf8_is_made_so);
	tcase_add_test(tcase, every_status_has_words);
	return run_case("problem_document", tcase);
}
