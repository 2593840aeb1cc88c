/* SPDX-License-Identifier: Apache-2.0 */
#include "client_endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "cleanup.h"

static bool is_here(const char *host);
static int connect_unix(const char *path, int *ret_fd);
static int connect_tcp(const struct client_endpoint *endpoint, int *ret_fd);
static int set_timeout(int fd, unsigned int seconds);

int client_endpoint_parse(const char *url, struct client_endpoint *ret)
{
	bool tls = strncasecmp(url, "https://", 8) == 0;
	const char *start, *end, *port = tls ? "443" : "80";
	size_t length;

	if (!tls && strncasecmp(url, "http://", 7) != 0)
		return -EINVAL;
	start = url + 7 + tls;
	end = *start == '[' ? strchr(++start, ']') : start + strcspn(start, ":/?#");
	if (!end || end == start)
		return -EINVAL;
	length = end - start;
	end += *end == ']';
	if (*end == ':')
		port = ++end;
	end += strspn(end, port == end ? "0123456789" : "");
	if (length >= sizeof(ret->host) || (*end && strcmp(end, "/") != 0))
		return -EINVAL;
	if (!*port || strcspn(port, "/") >= sizeof(ret->port) || *port == '/')
		return -EINVAL;

	memcpy(ret->host, start, length);
	ret->host[length] = '\0';
	ret->tls = tls;
	snprintf(ret->port, sizeof(ret->port), "%.*s", (int)strcspn(port, "/"), port);
	return 0;
}

int client_endpoint_read_token(const char *path, struct client_endpoint *ret)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	size_t length;

	if (!file)
		return -errno;
	if (!fgets(ret->token, sizeof(ret->token), file))
		return -EINVAL;
	length = strcspn(ret->token, " \t\r\n");
	if (!length || length + 1 >= sizeof(ret->token) || strcspn(ret->token, "\1\x7f") < length)
		return -EINVAL;
	ret->token[length] = '\0';
	return ret->tls || is_here(ret->host) ? 0 : -EPERM;
}

/* Whether what goes there stays on this machine. */
static bool is_here(const char *host)
{
	struct in6_addr address;

	if (!strcasecmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET6, host, &address) == 1)
		return IN6_IS_ADDR_LOOPBACK(&address);
	return inet_pton(AF_INET, host, &address) == 1 && address.s6_addr[0] == 127;
}

int client_endpoint_connect(const struct client_endpoint *endpoint, unsigned int timeout_seconds,
			    int *ret_fd)
{
	CLEANUP(cleanup_fd) int fd = -1;
	int result;

	result = endpoint->host[0] ? connect_tcp(endpoint, &fd)
				   : connect_unix(endpoint->socket, &fd);
	if (!result)
		result = set_timeout(fd, timeout_seconds);
	if (!result)
		*ret_fd = TAKE_FD(fd);
	return result;
}

static int connect_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_fd) int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int connect_tcp(const struct client_endpoint *endpoint, int *ret_fd)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *item;
	int result = -EHOSTUNREACH;

	if (getaddrinfo(endpoint->host, endpoint->port, &hints, &list))
		return -EHOSTUNREACH;
	for (item = list; item; item = item->ai_next) {
		CLEANUP(cleanup_fd)
		int fd = socket(item->ai_family, item->ai_socktype | SOCK_CLOEXEC,
				item->ai_protocol);

		if (fd < 0 || connect(fd, item->ai_addr, item->ai_addrlen)) {
			result = -errno;
			continue;
		}
		*ret_fd = TAKE_FD(fd);
		result = 0;
		break;
	}
	freeaddrinfo(list);
	return result;
}

static int set_timeout(int fd, unsigned int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
		return -errno;
	return 0;
}
