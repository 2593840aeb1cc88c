/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

#define WRITE_PARAMETERS "dry_run confirm_seconds force"

const struct route route_table[] = {
	{ "/health", ROUTE_GET, HTTP_ACCESS_METRICS, NULL, route_health },
	{ "/metrics", ROUTE_GET, HTTP_ACCESS_METRICS, NULL, route_metrics },
	{ "/stats", ROUTE_GET, HTTP_ACCESS_READ, NULL, route_stats },
	{ "/interfaces", ROUTE_GET, HTTP_ACCESS_READ, NULL, route_interfaces },
	{ "/events", ROUTE_GET, HTTP_ACCESS_SOCKET, "policy verdict", route_events },
	{ "/audit", ROUTE_GET, HTTP_ACCESS_WRITE, "limit", route_audit },
	{ "/reset", ROUTE_POST, HTTP_ACCESS_WRITE, NULL, route_reset },
	{ "/reload", ROUTE_POST, HTTP_ACCESS_WRITE, "force only", route_reload },
	{ "/check", ROUTE_POST, HTTP_ACCESS_SOCKET, NULL, route_check },
	{ "/explain", ROUTE_POST, HTTP_ACCESS_SOCKET, NULL, route_explain },
	{ "/policies", ROUTE_GET, HTTP_ACCESS_READ, "limit cursor origin fields",
	  route_list_policies },
	{ "/policies", ROUTE_POST, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_put_policies },
	{ "/policies", ROUTE_PUT, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_replace_policies },
	{ "/policies", ROUTE_DELETE, HTTP_ACCESS_WRITE, WRITE_PARAMETERS " id",
	  route_delete_policies },
	{ "/policies/{id}", ROUTE_GET, HTTP_ACCESS_READ, "fields", route_get_policy },
	{ "/policies/{id}", ROUTE_PUT, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_put_policy },
	{ "/policies/{id}", ROUTE_PATCH, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_patch_policy },
	{ "/policies/{id}", ROUTE_DELETE, HTTP_ACCESS_WRITE, WRITE_PARAMETERS,
	  route_delete_policy },
	{ "/sets", ROUTE_GET, HTTP_ACCESS_READ, NULL, route_list_sets },
	{ "/sets/{name}", ROUTE_GET, HTTP_ACCESS_READ, NULL, route_get_set },
	{ "/sets/{name}", ROUTE_PUT, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_put_set },
	{ "/sets/{name}", ROUTE_PATCH, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_patch_set },
	{ "/sets/{name}", ROUTE_DELETE, HTTP_ACCESS_WRITE, WRITE_PARAMETERS, route_delete_set },
	{ "/changes", ROUTE_GET, HTTP_ACCESS_READ, NULL, route_list_changes },
	{ "/changes/{id}", ROUTE_DELETE, HTTP_ACCESS_WRITE, NULL, route_roll_back },
	{ "/changes/{id}/confirm", ROUTE_POST, HTTP_ACCESS_WRITE, NULL, route_confirm },
};
const size_t route_count = ARRAY_SIZE(route_table);

static const char *const method_names[ROUTE_METHODS] = {
	[ROUTE_GET] = "GET",	 [ROUTE_POST] = "POST",	    [ROUTE_PUT] = "PUT",
	[ROUTE_PATCH] = "PATCH", [ROUTE_DELETE] = "DELETE",
};

static bool path_matches(const char *pattern, const char *path, struct route_match *ret);

void route_find(const char *path, enum route_method method, struct route_match *ret)
{
	*ret = (struct route_match){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(route_table); i++) {
		const struct route *route = &route_table[i];

		if (!path_matches(route->pattern, path, ret))
			continue;
		ret->pattern = route->pattern;
		ret->methods |= 1u << route->method;
		if (route->method == method)
			ret->route = route;
	}
}

const char *route_method_name(enum route_method method)
{
	return method_names[method];
}

void route_allow(unsigned int methods, char *ret, size_t size)
{
	size_t length = 0;

	*ret = '\0';
	for (int method = 0; method < ROUTE_METHODS && length < size; method++) {
		if (!(methods & 1u << method))
			continue;
		length += (size_t)snprintf(ret + length, size - length, "%s%s%s",
					   length ? ", " : "", method_names[method],
					   method == ROUTE_GET ? ", HEAD" : "");
	}
}

/* @ret_variable is left alone unless the pattern has a variable and matches. */
static bool path_matches(const char *pattern, const char *path, struct route_match *ret)
{
	size_t fixed = strcspn(pattern, "{"), length;
	const char *rest = strchr(pattern, '}');

	if (!rest)
		return !strcmp(pattern, path);
	if (strncmp(pattern, path, fixed) || !path[fixed])
		return false;
	length = strcspn(path + fixed, "/");
	if (!length || strcmp(rest + 1, path + fixed + length))
		return false;
	ret->variable = path + fixed;
	ret->variable_length = length;
	return true;
}
