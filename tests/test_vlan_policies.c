/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "cleanup.h"
#include "policy_text.h"
#include "policyset.h"
#include "stubs.h"
#include "vlan_policies.h"

static const struct {
	const char *set, *ids; /* that hold on x0 */
} sets[] = {
	{ "[]", "" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\"}]", "" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":5}]", "a" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":5,\"enabled\":false}]", "" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":5,\"interface\":\"x1\"},"
	  "{\"id\":\"b\",\"action\":\"BLOCK\",\"interface\":\"x0\"}]",
	  "" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":5,\"interface\":[\"x1\",\"x0\"]},"
	  "{\"id\":\"b\",\"action\":\"BLOCK\",\"vlan\":6}]",
	  "a, b" },
	{ "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":1},"
	  "{\"id\":\"b\",\"action\":\"BLOCK\",\"vlan\":1},"
	  "{\"id\":\"c\",\"action\":\"BLOCK\",\"vlan\":1},"
	  "{\"id\":\"d\",\"action\":\"BLOCK\",\"vlan\":1},"
	  "{\"id\":\"e\",\"action\":\"BLOCK\",\"vlan\":1},"
	  "{\"id\":\"f\",\"action\":\"BLOCK\",\"vlan\":1},"
	  "{\"id\":\"g\",\"action\":\"BLOCK\",\"vlan\":1}]",
	  "a, b, c, d, e and 2 more" },
};

START_TEST(policies_that_hold_are_named)
{
	CLEANUP(policyset_put) struct policyset *set = set_of(sets[_i].set, false);
	CLEANUP(cleanup_free) char *ids = vlan_policies_ids(set, "x0");

	ck_assert_pstr_eq(ids, sets[_i].ids);
	ck_assert(vlan_policies_on(set, "x0") == (*sets[_i].ids != '\0'));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("vlan_policies");

	tcase_add_loop_test(tcase, policies_that_hold_are_named, 0, ARRAY_SIZE(sets));
	return run_case("vlan_policies", tcase);
}
