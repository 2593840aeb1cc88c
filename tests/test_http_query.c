/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>

#include "cleanup.h"
#include "http_query.h"
#include "policy_text.h"

START_TEST(values_are_decoded)
{
	CLEANUP(http_query_free) struct http_query *query = NULL;

	ck_assert_int_eq(http_query_parse("id=a%2Fb&x=1+2&id=c&&empty=&none&%69d=d", &query), 0);
	ck_assert_str_eq(http_query_value(query, "id", 0), "a/b");
	ck_assert_str_eq(http_query_value(query, "id", 1), "c");
	ck_assert_str_eq(http_query_value(query, "id", 2), "d");
	ck_assert_ptr_null(http_query_value(query, "id", 3));
	ck_assert_str_eq(http_query_value(query, "x", 0), "1 2");
	ck_assert_str_eq(http_query_value(query, "empty", 0), "");
	ck_assert_str_eq(http_query_value(query, "none", 0), "");
	ck_assert_ptr_null(http_query_value(query, "i", 0));
}
END_TEST

START_TEST(nothing_is_an_empty_query)
{
	CLEANUP(http_query_free) struct http_query *query = NULL;

	ck_assert_int_eq(http_query_parse(NULL, &query), 0);
	ck_assert_ptr_null(http_query_unknown(query, NULL));
}
END_TEST

static const char *const malformed[] = { "a=%", "a=%2", "a=%zz", "%", "a=%00", "a=1&b=%4" };

START_TEST(malformed_escapes_are_refused)
{
	struct http_query *query = NULL;

	ck_assert_int_eq(http_query_parse(malformed[_i], &query), -EINVAL);
	ck_assert_ptr_null(query);
}
END_TEST

static const struct {
	const char *text, *known, *unknown;
} names[] = {
	{ "limit=1&cursor=2", "limit cursor", NULL },
	{ "cursor=1", "limit cursor", NULL },
	{ "limits=1", "limit cursor", "limits" },
	{ "lim=1", "limit cursor", "lim" },
	{ "mit=1", "limit cursor", "mit" },
	{ "limit+cursor=1", "limit cursor", "limit cursor" },
	{ "=1", "limit", "" },
	{ "a=1", NULL, "a" },
	{ "", NULL, NULL },
};

START_TEST(names_that_are_not_known_are_found)
{
	CLEANUP(http_query_free) struct http_query *query = NULL;

	ck_assert_int_eq(http_query_parse(names[_i].text, &query), 0);
	ck_assert_pstr_eq(http_query_unknown(query, names[_i].known), names[_i].unknown);
}
END_TEST

static const struct {
	const char *text, *repeated;
} repeats[] = {
	{ "limit=1&limit=1", "limit" }, { "limit=1&cursor=2&limit=3", "limit" },
	{ "l=1&%6c=2", "l" },		{ "id=1&id=2&limit=1", NULL },
	{ "limit=1&limits=2", NULL },	{ "", NULL },
};

START_TEST(names_that_occur_again_are_found)
{
	CLEANUP(http_query_free) struct http_query *query = NULL;

	ck_assert_int_eq(http_query_parse(repeats[_i].text, &query), 0);
	ck_assert_pstr_eq(http_query_repeated(query, "id"), repeats[_i].repeated);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("http_query");

	tcase_add_test(tcase, values_are_decoded);
	tcase_add_test(tcase, nothing_is_an_empty_query);
	tcase_add_loop_test(tcase, malformed_escapes_are_refused, 0, ARRAY_SIZE(malformed));
	tcase_add_loop_test(tcase, names_that_are_not_known_are_found, 0, ARRAY_SIZE(names));
	tcase_add_loop_test(tcase, names_that_occur_again_are_found, 0, ARRAY_SIZE(repeats));
	return run_case("http_query", tcase);
}
