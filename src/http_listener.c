/* SPDX-License-Identifier: Apache-2.0 */
#include "http_listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "cleanup.h"
#include "settings_kind.h"

#define SOCKET_GROUP "pepctl"
#define SOCKET_MODE 0660
#define DIRECTORY_MODE 0755
#define BACKLOG SOMAXCONN

static int parse(const char *address, struct sockaddr_storage *ret, int *ret_length);
static int bind_tcp(const char *address);
static int bind_unix(struct http_listener *listener, const char *path);
static int remove_stale(const struct sockaddr_un *address);
static int make_directory_of(const char *path);
static int give_to_group(const char *path);
static void accept_failed(struct evconnlistener *listener, void *context);

enum http_kind http_listener_kind(const char *address)
{
	if (http_listener_is_local(address))
		return HTTP_LOCAL;
	return settings_listener_is_open(address) ? HTTP_OPEN : HTTP_LOOPBACK;
}

bool http_listener_is_local(const char *address)
{
	return !strncmp(address, HTTP_LISTENER_UNIX, strlen(HTTP_LISTENER_UNIX));
}

int http_listener_open(struct http_listener *listener, struct event_base *base,
		       struct evhttp *server)
{
	bool local = http_listener_is_local(listener->address);
	CLEANUP(cleanup_fd) int fd = -1;
	struct evconnlistener *accepting;
	int result;

	result = local ? bind_unix(listener, listener->address + strlen(HTTP_LISTENER_UNIX))
		       : bind_tcp(listener->address);
	listener->error = result < 0 ? -result : 0;
	if (result < 0)
		return result;
	fd = result;
	accepting = evconnlistener_new(base, NULL, NULL,
				       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!accepting) {
		listener->error = errno ? errno : ENOMEM;
		return -listener->error;
	}
	(void)TAKE_FD(fd);
	evconnlistener_set_error_cb(accepting, accept_failed);
	listener->bound = evhttp_bind_listener(server, accepting);
	if (!listener->bound) {
		evconnlistener_free(accepting);
		listener->error = ENOMEM;
		return -ENOMEM;
	}
	return 0;
}

void http_listener_pause(struct http_listener *listener, bool pause)
{
	struct evconnlistener *accepting;

	if (!listener->bound)
		return;
	accepting = evhttp_bound_socket_get_listener(listener->bound);
	if (pause)
		evconnlistener_disable(accepting);
	else
		evconnlistener_enable(accepting);
}

void http_listener_close(struct http_listener *listener, struct evhttp *server)
{
	const char *path = listener->address + strlen(HTTP_LISTENER_UNIX);
	struct stat status;

	if (!listener->bound)
		return;
	evhttp_del_accept_socket(server, listener->bound);
	listener->bound = NULL;
	if (http_listener_is_local(listener->address) && !lstat(path, &status) &&
	    status.st_dev == listener->device && status.st_ino == listener->inode)
		unlink(path);
}

static int bind_tcp(const char *address)
{
	struct sockaddr_storage storage = { 0 };
	CLEANUP(cleanup_fd) int fd = -1;
	int length = 0, on = 1;
	int result = parse(address, &storage, &length);

	if (result)
		return result;
	fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -errno;
	if (storage.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return -errno;
	if (bind(fd, (const struct sockaddr *)&storage, (socklen_t)length))
		return -errno;
	/* Two sockets may be bound to one address; only one of them can listen. */
	if (listen(fd, BACKLOG))
		return -errno;
	return TAKE_FD(fd);
}

static int parse(const char *address, struct sockaddr_storage *ret, int *ret_length)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ret;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ret;

	*ret_length = sizeof(*ret);
	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)ret, ret_length) ||
	    (ret->ss_family == AF_INET ? !in->sin_port : !in6->sin6_port))
		return -EINVAL;
	return 0;
}

/* The socket is nobody's until it has its group and mode. */
static int bind_unix(struct http_listener *listener, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEANUP(cleanup_fd) int fd = -1;
	struct stat status;
	mode_t mask;
	int result;

	if (*path != '/' || strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path) + 1);
	result = make_directory_of(path);
	result = result ? result : remove_stale(&address);
	if (result)
		return result;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0777);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
	umask(mask);
	if (result)
		return result;
	if (lstat(path, &status) || give_to_group(path) || chmod(path, SOCKET_MODE) ||
	    listen(fd, BACKLOG)) {
		result = -errno;
		unlink(path);
		return result;
	}
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	return TAKE_FD(fd);
}

static int remove_stale(const struct sockaddr_un *address)
{
	CLEANUP(cleanup_fd) int fd = -1;
	struct stat status;

	if (lstat(address->sun_path, &status))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: somebody listens and has many waiting. */
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->sun_path) && errno != ENOENT ? -errno : 0;
}

static int make_directory_of(const char *path)
{
	CLEANUP(cleanup_free) char *directory = strdup(path);

	if (!directory)
		return -ENOMEM;
	for (char *slash = directory + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(directory, DIRECTORY_MODE) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* Where the group does not exist, or is not ours to give, only our own user
 * has the socket. */
static int give_to_group(const char *path)
{
	const struct group *group = getgrnam(SOCKET_GROUP);

	if (!group || !lchown(path, (uid_t)-1, group->gr_gid) || errno == EPERM)
		return 0;
	return -1;
}

/* Out of descriptors or memory: trying again at once would only spin. Whoever
 * looks at the listeners next sets it going again. */
static void accept_failed(struct evconnlistener *listener, void *context)
{
	(void)context;
	evconnlistener_disable(listener);
}
