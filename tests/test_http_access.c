/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "cleanup.h"
#include "http_access.h"
#include "http_caller.h"
#include "policy_text.h"

static char name_a[] = "Fw.Example", name_b[] = "other.example:8080";
static char *names[] = { name_a, name_b };
static const struct string_list allowed = { names, ARRAY_SIZE(names) };

static const struct {
	const char *host;
	bool answered;
} hosts[] = {
	{ "localhost", true },
	{ "LocalHost", true },
	{ "localhost:8080", true },
	{ "127.0.0.1", true },
	{ "127.0.0.1:80", true },
	{ "192.0.2.7:1", true },
	{ "[::1]", true },
	{ "[2001:db8::1]:8080", true },
	{ "fw.example", true },
	{ "FW.EXAMPLE:9", true },
	{ "other.example:8080", true },
	{ "other.example", false },
	{ "other.example:8081", false },
	{ NULL, false },
	{ "", false },
	{ ":80", false },
	{ "evil.example", false },
	{ "localhost.evil", false },
	{ "localhost.", false },
	{ "127.0.0.1.evil", false },
	{ "127.1", false },
	{ "0x7f000001", false },
	{ "::1", false },
	{ "[127.0.0.1]", false },
	{ "[::1", false },
	{ "[]", false },
	{ "[", false },
	{ "[::1]x", false },
	{ "localhost:", true },
	{ "localhost:x", false },
	{ "localhost:1:2", false },
	{ "localhost ", false },
	{ "user@localhost", false },
};

START_TEST(only_our_own_names_are_answered)
{
	ck_assert_msg(http_host_allowed(hosts[_i].host, &allowed) == hosts[_i].answered, "%s",
		      hosts[_i].host ? hosts[_i].host : "(none)");
}
END_TEST

START_TEST(very_long_hosts_are_refused)
{
	char host[1000];

	for (size_t i = 0; i < sizeof(host); i++)
		host[i] = '1';
	host[sizeof(host) - 1] = '\0';
	ck_assert(!http_host_allowed(host, &allowed));
}
END_TEST

static bool granted(int needed, enum http_way way, enum token_role role)
{
	const struct http_caller caller = { .way = way, .role = role };

	return http_access_granted((enum http_access)needed, &caller, ANONYMOUS_NONE);
}

START_TEST(who_shows_nothing_gets_what_anonymous_says_and_never_writes)
{
	const struct http_caller nobody = { .way = HTTP_WAY_NOBODY, .role = TOKEN_OPERATOR };

	for (int needed = HTTP_ACCESS_METRICS; needed <= HTTP_ACCESS_WRITE; needed++) {
		enum http_access access = (enum http_access)needed;
		bool metrics = needed == HTTP_ACCESS_METRICS;
		bool read = metrics || needed == HTTP_ACCESS_READ;

		ck_assert(!http_access_granted(access, &nobody, ANONYMOUS_NONE));
		ck_assert_int_eq(http_access_granted(access, &nobody, ANONYMOUS_METRICS), metrics);
		ck_assert_int_eq(http_access_granted(access, &nobody, ANONYMOUS_READ), read);
	}
}
END_TEST

START_TEST(roles_whatever_anonymous_says)
{
	for (int needed = HTTP_ACCESS_METRICS; needed <= HTTP_ACCESS_WRITE; needed++) {
		ck_assert(granted(needed, HTTP_WAY_SOCKET, TOKEN_VIEWER));
		ck_assert(granted(needed, HTTP_WAY_TOKEN, TOKEN_OPERATOR));
		ck_assert_int_eq(granted(needed, HTTP_WAY_TOKEN, TOKEN_VIEWER),
				 needed != HTTP_ACCESS_WRITE);
	}
}
END_TEST

START_TEST(types_are_compared_without_parameters)
{
	ck_assert(http_type_is("application/json", "application/json"));
	ck_assert(http_type_is("Application/JSON; charset=utf-8", "application/json"));
	ck_assert(http_type_is("application/json ;x", "application/json"));
	ck_assert(!http_type_is("application/json5", "application/json"));
	ck_assert(!http_type_is("application/x-www-form-urlencoded", "application/json"));
	ck_assert(!http_type_is("text/plain; application/json", "application/json"));
	ck_assert(!http_type_is("", "application/json"));
	ck_assert(!http_type_is(NULL, "application/json"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("http_access");

	tcase_add_loop_test(tcase, only_our_own_names_are_answered, 0, ARRAY_SIZE(hosts));
	tcase_add_test(tcase, very_long_hosts_are_refused);
	tcase_add_test(tcase, who_shows_nothing_gets_what_anonymous_says_and_never_writes);
	tcase_add_test(tcase, roles_whatever_anonymous_says);
	tcase_add_test(tcase, types_are_compared_without_parameters);
	return run_case("http_access", tcase);
}
