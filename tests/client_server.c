/* SPDX-License-Identifier: Apache-2.0 */
#include "client_server.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cleanup.h"

/* Reads a head and the body that it announces, and notes them. */
static void take_request(int fd, int log)
{
	CLEANUP(cleanup_free) char *text = calloc(1, 1 << 20);
	size_t bytes = 0, wanted = SIZE_MAX;

	while (text && bytes < wanted && bytes < (1 << 20) - 1) {
		ssize_t got = recv(fd, text + bytes, (1 << 20) - 1 - bytes, 0);
		char *end, *length;

		if (got <= 0)
			break;
		bytes += got;
		end = strstr(text, "\r\n\r\n");
		length = strcasestr(text, "\r\nContent-Length:");
		if (end && wanted == SIZE_MAX)
			wanted = end + 4 - text +
				 (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	}
	if (text && write(log, text, bytes) < 0)
		_exit(1);
}

static void serve(int listener, int log, const struct canned *answers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t bytes = answers[i].bytes ? answers[i].bytes : strlen(answers[i].text);
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		take_request(fd, log);
		if (write(log, "\n", 1) < 0)
			_exit(1);
		/* In two pieces, that whoever reads has to put them together. */
		send(fd, answers[i].text, bytes / 2, MSG_NOSIGNAL);
		send(fd, answers[i].text + bytes / 2, bytes - bytes / 2, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		close(fd);
	}
	_exit(0);
}

void client_server_start(struct client_server *server, const struct canned *answers, size_t count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *base = getenv("TMPDIR");
	int listener, log;

	snprintf(server->directory, sizeof(server->directory), "%s/pepctl-client-XXXXXX",
		 base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(server->directory));
	snprintf(server->socket, sizeof(server->socket), "%s/sock", server->directory);
	snprintf(server->requests, sizeof(server->requests), "%s/requests", server->directory);
	ck_assert_uint_lt(strlen(server->socket), sizeof(address.sun_path));
	memcpy(address.sun_path, server->socket, strlen(server->socket));
	log = open(server->requests, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(log, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	server->child = fork();
	ck_assert_int_ge(server->child, 0);
	if (!server->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener, log, answers, count);
	}
	close(listener);
	close(log);
}

char *client_server_requests(const struct client_server *server)
{
	CLEANUP(cleanup_file) FILE *file = fopen(server->requests, "r");
	char *text = calloc(1, 1 << 20);

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(text);
	text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
	return text;
}

void client_server_stop(struct client_server *server)
{
	kill(server->child, SIGKILL);
	waitpid(server->child, NULL, 0);
	unlink(server->socket);
	unlink(server->requests);
	rmdir(server->directory);
}
