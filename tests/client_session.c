/* SPDX-License-Identifier: Apache-2.0 */
#include "client_session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"

#define ARGUMENTS_MAX 32

struct client_session session;

static void forget(void)
{
	free(session.out);
	free(session.err);
	free(session.asked);
	session.out = session.err = session.asked = NULL;
	if (session.server.child)
		client_server_stop(&session.server);
	session.server.child = 0;
}

void session_set_up(void)
{
	int fd;

	unsetenv("NO_COLOR");
	setenv("PEPCTL_SOCKET", "/nonexistent/pepctl.sock", 1);
	strcpy(session.file, "/tmp/pepctl-test-XXXXXX");
	fd = mkstemp(session.file);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

void session_tear_down(void)
{
	forget();
	unlink(session.file);
}

void session_write_file(const char *text)
{
	CLEANUP(cleanup_file) FILE *stream = fopen(session.file, "w");

	ck_assert_ptr_nonnull(stream);
	ck_assert_int_ge(fputs(text, stream), 0);
}

int session_run(const char *line)
{
	CLEANUP(cleanup_free) char *copy = strdup(line);
	char *argv[ARGUMENTS_MAX] = { (char *)"pepctl" }, *rest = copy;
	size_t out_size, err_size;
	FILE *out, *err;
	int argc = 1, status;

	free(session.out);
	free(session.err);
	out = open_memstream(&session.out, &out_size);
	err = open_memstream(&session.err, &err_size);
	ck_assert(copy && out && err);
	while (rest && (*rest || argc > 1) && argc < ARGUMENTS_MAX) {
		argv[argc++] = strsep(&rest, " ");
		for (char *at = argv[argc - 1]; (at = strchr(at, '~')); at++)
			*at = ' ';
	}
	status = client_run(argc, argv, out, err);
	fclose(out);
	fclose(err);
	return status;
}

int session_ask(const char *line, const struct canned *answers, size_t count)
{
	int status;

	forget();
	client_server_start(&session.server, answers, count);
	setenv("PEPCTL_SOCKET", session.server.socket, 1);
	status = session_run(line);
	session.asked = client_server_requests(&session.server);
	return status;
}

bool contains(const char *text, const char *part)
{
	return strstr(text, part);
}
