/* SPDX-License-Identifier: Apache-2.0 */
#include "client_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"

int client_backup_read(struct client *client, struct json_object **ret)
{
	return client_get(client, "/policies?origin=api&fields=definition", ret);
}

static int write_file(int fd, struct json_object *policies)
{
	FILE *file = fdopen(fd, "w");
	int error = 0;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	client_json_print(file, policies);
	if (fflush(file) || ferror(file))
		error = errno ? -errno : -EIO;
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

char *client_backup_keep(struct client *client, struct json_object *policies)
{
	CLEANUP(cleanup_free) char *path = NULL, *word = NULL;
	const char *directory = getenv("TMPDIR");
	char *command;
	int fd, error;

	if (asprintf(&path, "%s/pepctl-undo-XXXXXX.json",
		     directory && *directory ? directory : "/tmp") < 0) {
		path = NULL;
		client_fail(client, "out of memory");
		return NULL;
	}
	fd = mkostemps(path, 5, O_CLOEXEC);
	error = fd < 0 ? -errno : write_file(fd, policies);
	if (error) {
		client_fail(client, "what was there before could not be kept in %s: %s", path,
			    strerror(-error));
		if (fd >= 0)
			unlink(path);
		return NULL;
	}
	word = text_shell_word(path);
	if (!word || asprintf(&command, "pepctl apply --replace %s", word) < 0)
		return NULL;
	return command;
}
