/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>

#include "cleanup.h"
#include "policy.h"
#include "policy_cursor.h"
#include "policy_text.h"

/* In the order of evaluation. */
static const char *const policies[] = {
	"{'id':'a.b:c@d-e','action':'BLOCK','priority':0}",
	"{'id':'narrow','action':'BLOCK','src':{'ip':'10.1.1.1'},'priority':7}",
	"{'id':'wide','action':'BLOCK','src':{'ip':'10.0.0.0/8'},'priority':7}",
	"{'id':'port','action':'BLOCK','protocol':'tcp','dst':{'port':23},'priority':7}",
	"{'id':'ports','action':'BLOCK','protocol':'tcp','dst':{'port':'1-9'},'priority':7}",
	"{'id':'tcp','action':'BLOCK','protocol':'tcp','priority':7}",
	"{'id':'any','action':'BLOCK','priority':7}",
	"{'id':'other','action':'ALLOW','priority':7}",
	"{'id':'six','action':'BLOCK','src':{'ip':'fd00::/8'},'priority':0}",
};

START_TEST(a_place_is_found_again_by_its_text)
{
	CLEANUP(policy_put) struct policy *last = policy_from(policies[_i]);
	struct policy_cursor cursor = policy_cursor(last), read;
	char text[POLICY_CURSOR_SIZE];

	policy_cursor_print(&cursor, text);
	ck_assert_int_eq(policy_cursor_parse(text, &read), 0);
	for (int i = 0; i < (int)ARRAY_SIZE(policies); i++) {
		CLEANUP(policy_put) struct policy *policy = policy_from(policies[i]);
		struct policy_cursor place = policy_cursor(policy);
		int order = policy_cursor_compare(&place, &read);

		ck_assert_msg((order > 0) - (order < 0) == (i > _i) - (i < _i), "%s and %s: %d",
			      policies[i], text, order);
	}
}
END_TEST

static const char *const malformed[] = {
	"",
	"x",
	"1.a",
	"0.1.2.3.4.5.0.0",
	"0.1.2.3.4.5.0.0.",
	"0.1.2.3.4.5.0..a",
	"2.1.2.3.4.5.0.0.a",
	"0.65536.2.3.4.5.0.0.a",
	"0.-1.2.3.4.5.0.0.a",
	"0.1.2.3.4294967296.5.0.0.a",
	"0.1.2.3.4.99999999999999999999.0.0.a",
	"0.1.2.3.4.5.0.0x.a",
};

START_TEST(what_is_no_cursor_is_refused)
{
	struct policy_cursor cursor;

	ck_assert_int_eq(policy_cursor_parse(malformed[_i], &cursor), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy_cursor");

	tcase_add_loop_test(tcase, a_place_is_found_again_by_its_text, 0, ARRAY_SIZE(policies));
	tcase_add_loop_test(tcase, what_is_no_cursor_is_refused, 0, ARRAY_SIZE(malformed));
	return run_case("policy_cursor", tcase);
}
