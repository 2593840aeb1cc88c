/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "cleanup.h"
#include "policy_text.h"
#include "route.h"

static const struct {
	const char *path;
	enum route_method method;
	route_answer answer; /* NULL: none */
	const char *variable; /* NULL: none */
	const char *allow; /* NULL: there is no such path */
} paths[] = {
	{ "/health", ROUTE_GET, route_health, NULL, "GET, HEAD" },
	{ "/health", ROUTE_POST, NULL, NULL, "GET, HEAD" },
	{ "/reset", ROUTE_POST, route_reset, NULL, "POST" },
	{ "/policies", ROUTE_GET, route_list_policies, NULL, "GET, HEAD, POST, PUT, DELETE" },
	{ "/policies", ROUTE_PATCH, NULL, NULL, "GET, HEAD, POST, PUT, DELETE" },
	{ "/policies", ROUTE_METHODS, NULL, NULL, "GET, HEAD, POST, PUT, DELETE" },
	{ "/policies/a", ROUTE_PATCH, route_patch_policy, "a", "GET, HEAD, PUT, PATCH, DELETE" },
	{ "/policies/a%2Fb", ROUTE_GET, route_get_policy, "a%2Fb",
	  "GET, HEAD, PUT, PATCH, DELETE" },
	{ "/policies/", ROUTE_GET, NULL, NULL, NULL },
	{ "/policies/a/", ROUTE_GET, NULL, NULL, NULL },
	{ "/policies/a/b", ROUTE_GET, NULL, NULL, NULL },
	{ "/changes/a", ROUTE_DELETE, route_roll_back, "a", "DELETE" },
	{ "/changes/a/confirm", ROUTE_POST, route_confirm, "a/confirm", "POST" },
	{ "/changes/a/confirm/", ROUTE_POST, NULL, NULL, NULL },
	{ "/changes//confirm", ROUTE_POST, NULL, NULL, NULL },
	{ "/policiesa", ROUTE_GET, NULL, NULL, NULL },
	{ "/Health", ROUTE_GET, NULL, NULL, NULL },
	{ "/health/", ROUTE_GET, NULL, NULL, NULL },
	{ "//health", ROUTE_GET, NULL, NULL, NULL },
	{ "health", ROUTE_GET, NULL, NULL, NULL },
	{ "/", ROUTE_GET, NULL, NULL, NULL },
	{ "", ROUTE_GET, NULL, NULL, NULL },
};

START_TEST(paths_lead_to_their_routes)
{
	struct route_match match;
	char allow[64];

	route_find(paths[_i].path, paths[_i].method, &match);
	if (!paths[_i].allow) {
		ck_assert_ptr_null(match.pattern);
		ck_assert_ptr_null(match.route);
		return;
	}
	ck_assert_ptr_nonnull(match.pattern);
	route_allow(match.methods, allow, sizeof(allow));
	ck_assert_str_eq(allow, paths[_i].allow);
	ck_assert(match.route ? match.route->answer == paths[_i].answer : !paths[_i].answer);
	ck_assert_pstr_eq(match.variable, paths[_i].variable);
	if (match.variable)
		ck_assert_uint_eq(match.variable_length, strcspn(match.variable, "/"));
}
END_TEST

START_TEST(every_row_is_found_by_its_pattern)
{
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &route_table[i];
		struct route_match match;
		char path[64];

		strcpy(path, route->pattern);
		path[strcspn(path, "{")] = '\0';
		if (strlen(path) < strlen(route->pattern))
			strcat(path, "x");
		strcat(path, strchr(route->pattern, '}') ? strchr(route->pattern, '}') + 1 : "");
		route_find(path, route->method, &match);
		ck_assert_ptr_eq(match.route, route);
	}
}
END_TEST

START_TEST(what_changes_something_needs_the_socket)
{
	for (size_t i = 0; i < route_count; i++) {
		const struct route *route = &route_table[i];
		bool question = !strcmp(route->pattern, "/explain") ||
				!strcmp(route->pattern, "/check"); /* with a body */
		bool looks = route->method == ROUTE_GET && strcmp(route->pattern, "/audit") != 0;

		ck_assert_msg((looks || question) == (route->access != HTTP_ACCESS_WRITE), "%s %s",
			      route_method_name(route->method), route->pattern);
		ck_assert(!question || route->access == HTTP_ACCESS_SOCKET);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("route");

	tcase_add_loop_test(tcase, paths_lead_to_their_routes, 0, ARRAY_SIZE(paths));
	tcase_add_test(tcase, every_row_is_found_by_its_pattern);
	tcase_add_test(tcase, what_changes_something_needs_the_socket);
	return run_case("route", tcase);
}
