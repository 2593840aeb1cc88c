/* SPDX-License-Identifier: Apache-2.0 */
#include "http_access.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "http_caller.h"

#define HOST_SIZE 256

static const enum anonymous by_nobody[] = {
	[HTTP_ACCESS_METRICS] = ANONYMOUS_METRICS,
	[HTTP_ACCESS_READ] = ANONYMOUS_READ,
};

static size_t name_length(const char *host);
static bool is_literal(const char *host, size_t length);

bool http_access_granted(enum http_access needed, const struct http_caller *caller,
			 enum anonymous anonymous)
{
	if (caller->way == HTTP_WAY_SOCKET)
		return true;
	if (caller->way == HTTP_WAY_NOBODY)
		return needed <= HTTP_ACCESS_READ && anonymous >= by_nobody[needed];
	return needed <= HTTP_ACCESS_SOCKET || caller->role == TOKEN_OPERATOR;
}

bool http_host_allowed(const char *host, const struct string_list *allowed)
{
	size_t length = host ? name_length(host) : 0;

	if (!length || length >= HOST_SIZE)
		return false;
	if (is_literal(host, length))
		return true;
	if (length == strlen("localhost") && !strncasecmp(host, "localhost", length))
		return true;
	for (size_t i = 0; i < allowed->count; i++) {
		const char *name = allowed->string[i];

		if (!strcasecmp(name, host))
			return true;
		if (strlen(name) == length && !strncasecmp(name, host, length))
			return true;
	}
	return false;
}

bool http_type_is(const char *content_type, const char *wanted)
{
	size_t length = strlen(wanted);

	if (!content_type || strncasecmp(content_type, wanted, length))
		return false;
	content_type += length;
	content_type += strspn(content_type, " \t");
	return !*content_type || *content_type == ';';
}

/* Without ":port"; 0 when what follows the name is no port. */
static size_t name_length(const char *host)
{
	const char *bracket = *host == '[' ? strchr(host, ']') : NULL;
	size_t length = bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":");
	const char *port = host + length;

	if (!*port)
		return length;
	if (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1))
		return 0;
	return length;
}

static bool is_literal(const char *host, size_t length)
{
	char text[HOST_SIZE];
	struct in6_addr address;
	size_t brackets = host[0] == '[' && host[length - 1] == ']';

	memcpy(text, host + brackets, length - 2 * brackets);
	text[length - 2 * brackets] = '\0';
	return inet_pton(brackets ? AF_INET6 : AF_INET, text, &address) == 1;
}
