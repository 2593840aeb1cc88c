/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <json-c/json.h>

#include "cleanup.h"
#include "json_cleanup.h"
#include "merge_patch.h"
#include "policy_text.h"

/* Appendix A of RFC 7396, and some of our own. */
static const struct {
	const char *original, *patch, *result;
} cases[] = {
	{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
	{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
	{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
	{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
	{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
	{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
	{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
	{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
	{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
	{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
	{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
	{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
	{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
	{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	{ "{\"a\":{\"b\":{\"c\":1,\"d\":2}}}", "{\"a\":{\"b\":{\"c\":null}}}",
	  "{\"a\":{\"b\":{\"d\":2}}}" },
	{ "{\"a\":1}", "{}", "{\"a\":1}" },
};

START_TEST(patches_are_merged)
{
	CLEANUP(cleanup_json) struct json_object *target = json_tokener_parse(cases[_i].original);
	CLEANUP(cleanup_json) struct json_object *patch = json_tokener_parse(cases[_i].patch);

	ck_assert_int_eq(merge_patch(&target, patch), 0);
	ck_assert_str_eq(json_object_to_json_string_ext(target, JSON_C_TO_STRING_PLAIN),
			 cases[_i].result);
}
END_TEST

START_TEST(patch_stays_as_it_was)
{
	static const char text[] = "{\"a\":{\"b\":{\"c\":null}},\"d\":{\"e\":1}}";
	CLEANUP(cleanup_json) struct json_object *target = json_tokener_parse("{\"d\":2}");
	CLEANUP(cleanup_json) struct json_object *patch = json_tokener_parse(text);

	ck_assert_int_eq(merge_patch(&target, patch), 0);
	ck_assert_str_eq(json_object_to_json_string_ext(patch, JSON_C_TO_STRING_PLAIN), text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("merge_patch");

	tcase_add_loop_test(tcase, patches_are_merged, 0, ARRAY_SIZE(cases));
	tcase_add_test(tcase, patch_stays_as_it_was);
	return run_case("merge_patch", tcase);
}
