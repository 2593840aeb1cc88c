/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <time.h>

#include "cleanup.h"
#include "policy.h"
#include "policy_text.h"
#include "policy_view.h"

static const struct {
	const char *header;
	bool listed;
} headers[] = {
	{ "\"a\"", true },
	{ "*", true },
	{ "\"x\", \"a\"", true },
	{ "\"x\",\"a\",\"y\"", true },
	{ " \"a\" ", true },
	{ "W/\"a\"", false },
	{ "\"ab\"", false },
	{ "a", false },
	{ "\"a\"b", false },
	{ "\"x\"", false },
	{ "", false },
	{ ",", false },
};

START_TEST(tags_are_found_in_conditions)
{
	ck_assert_msg(etag_listed(headers[_i].header, "\"a\"") == headers[_i].listed, "%s",
		      headers[_i].header);
}
END_TEST

START_TEST(seconds_until_it_expires)
{
	struct policy policy = { .expires_at = 0 };
	struct timespec now;
	uint64_t seconds = 7;

	ck_assert(!policy_expires_in(&policy, &seconds));
	clock_gettime(CLOCK_REALTIME, &now);
	policy.expires_at = ((int64_t)now.tv_sec + 100) * 1000000;
	ck_assert(policy_expires_in(&policy, &seconds));
	ck_assert_uint_le(seconds, 100);
	ck_assert_uint_ge(seconds, 98);
	policy.expires_at = 1;
	ck_assert(policy_expires_in(&policy, &seconds));
	ck_assert_uint_eq(seconds, 0);

	/* A time to live is counted by the clock that nobody sets. */
	clock_gettime(CLOCK_BOOTTIME, &now);
	policy.ttl_deadline_ns = ((uint64_t)now.tv_sec + 50) * 1000000000;
	ck_assert(policy_expires_in(&policy, &seconds));
	ck_assert_uint_le(seconds, 50);
	ck_assert_uint_ge(seconds, 48);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy_view");

	tcase_add_loop_test(tcase, tags_are_found_in_conditions, 0, ARRAY_SIZE(headers));
	tcase_add_test(tcase, seconds_until_it_expires);
	return run_case("policy_view", tcase);
}
