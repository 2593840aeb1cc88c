// SPDX-License-Identifier: Apache-2.0
#include "settings_kind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "problem.h"

#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define SOCKET_SCHEME "unix:"
#define LISTENER_MAX 64

static const char syntax[] = "ADDRESS:PORT, [IPV6ADDRESS]:PORT or " SOCKET_SCHEME "/PATH";

struct endpoint {
	int family;
	struct in6_addr address; /* of either family */
	unsigned int port;
};

static bool parse_port(const char *text, unsigned int *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned int port;

	if (digits == 0 || digits > 5 || text[digits])
		return false;
	port = (unsigned int)strtoul(text, NULL, 10);
	if (port < 1 || port > 65535)
		return false;
	*ret = port;
	return true;
}

/* Splits "1.2.3.4:80" or "[::1]:80"; says what is wrong, or NULL. */
static const char *parse_endpoint(const char *text, struct endpoint *ret)
{
	bool bracket = text[0] == '[';
	const char *end = bracket ? strchr(text, ']') : strrchr(text, ':');
	char address[INET6_ADDRSTRLEN];
	size_t size;

	if (!end || (bracket && end[1] != ':'))
		return syntax;
	size = (size_t)(end - text) - bracket;
	if (size >= sizeof(address))
		return syntax;
	memcpy(address, text + bracket, size);
	address[size] = '\0';
	ret->family = bracket ? AF_INET6 : AF_INET;
	if (inet_pton(ret->family, address, &ret->address) != 1)
		return syntax;
	if (!parse_port(end + 1 + bracket, &ret->port))
		return "an address with a port from 1 to 65535";
	return NULL;
}

static bool is_loopback(const struct endpoint *endpoint)
{
	if (endpoint->family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&endpoint->address);
	return endpoint->address.s6_addr[0] == 127;
}

/* The one way to write it, so that the same listener is not there twice. */
static void print_endpoint(const struct endpoint *endpoint, char ret[LISTENER_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(endpoint->family, &endpoint->address, address, sizeof(address));
	if (endpoint->family == AF_INET6)
		snprintf(ret, LISTENER_MAX, "[%s]:%u", address, endpoint->port);
	else
		snprintf(ret, LISTENER_MAX, "%s:%u", address, endpoint->port);
}

static int add_listener(const char *pointer, const char *text, struct settings *settings,
			struct problems *problems)
{
	if (string_list_contains(&settings->listen, text)) {
		problem_add(problems, pointer, "\"%s\" is there twice", text);
		return 0;
	}
	return string_list_add(&settings->listen, text);
}

static int read_socket(const char *pointer, struct json_object *item, struct settings *settings,
		       struct problems *problems)
{
	const char *text = setting_text(item);
	const char *path = text + strlen(SOCKET_SCHEME);

	if (path[0] != '/' || path[1] == '\0' || strlen(path) > SOCKET_PATH_MAX) {
		setting_refuse(problems, pointer, item, "%s/PATH with a path of at most %zu bytes",
			       SOCKET_SCHEME, SOCKET_PATH_MAX);
		return 0;
	}
	return add_listener(pointer, text, settings, problems);
}

static int read_listener(const char *pointer, struct json_object *item, struct settings *settings,
			 struct problems *problems)
{
	const char *text = setting_text(item);
	struct endpoint endpoint;
	char canonical[LISTENER_MAX];
	const char *allowed;

	if (text && strncmp(text, SOCKET_SCHEME, strlen(SOCKET_SCHEME)) == 0)
		return read_socket(pointer, item, settings, problems);
	allowed = text ? parse_endpoint(text, &endpoint) : syntax;
	if (allowed) {
		setting_refuse(problems, pointer, item, "%s", allowed);
		return 0;
	}
	print_endpoint(&endpoint, canonical);
	return add_listener(pointer, canonical, settings, problems);
}

bool settings_listener_is_open(const char *address)
{
	struct endpoint endpoint;

	return strncmp(address, SOCKET_SCHEME, strlen(SOCKET_SCHEME)) != 0 &&
	       (parse_endpoint(address, &endpoint) || !is_loopback(&endpoint));
}

/* Those of the other keys are on loopback and behind them. */
void settings_check_listeners(const struct settings *settings, struct problems *problems)
{
	for (size_t i = 0; i < settings->listen.count; i++) {
		char pointer[64];

		if (settings->tls.cert || !settings_listener_is_open(settings->listen.string[i]))
			continue;
		snprintf(pointer, sizeof(pointer), "/server/listen/%zu", i);
		problem_add(problems, pointer,
			    "\"%s\" is not on loopback (127.0.0.0/8 or ::1): it needs server.tls "
			    "with cert and key",
			    settings->listen.string[i]);
	}
}

static bool has_socket(const struct string_list *listen)
{
	for (size_t i = 0; i < listen->count; i++)
		if (strncmp(listen->string[i], SOCKET_SCHEME, strlen(SOCKET_SCHEME)) == 0)
			return true;
	return false;
}

int setting_read_listen(const struct setting_key *key, struct json_object *value,
			struct settings *settings, struct problems *problems)
{
	size_t errors = problems->errors;
	int error;

	string_list_clear(&settings->listen);
	error = setting_read_items(key, value, read_listener, settings, problems);
	if (!error && problems->errors == errors && !has_socket(&settings->listen))
		problem_warn(problems, key->pointer,
			     "has no " SOCKET_SCHEME " listener: nothing can be changed by the API "
			     "or by the commands of pepctl");
	return error;
}

struct json_object *setting_print_listen(const struct setting_key *key,
					 const struct settings *settings)
{
	(void)key;
	return setting_print_strings(&settings->listen);
}

/* A port that is listened to already is none too many. */
static int add_loopback(const char *address, int port, struct settings *settings)
{
	char text[LISTENER_MAX];

	snprintf(text, sizeof(text), "%s:%d", address, port);
	if (string_list_contains(&settings->listen, text))
		return 0;
	return string_list_add(&settings->listen, text);
}

int setting_read_metrics_port(const struct setting_key *key, struct json_object *value,
			      struct settings *settings, struct problems *problems)
{
	int64_t port = json_object_get_int64(value);
	int error;

	if (!json_object_is_type(value, json_type_int) || port < (int64_t)key->low ||
	    port > (int64_t)key->high) {
		setting_refuse(problems, key->pointer, value, "a whole number from 1 to 65535");
		return 0;
	}
	error = add_loopback("127.0.0.1", (int)port, settings);
	return error ? error : add_loopback("[::1]", (int)port, settings);
}
