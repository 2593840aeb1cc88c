/* SPDX-License-Identifier: Apache-2.0 */
#include "client_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_request.h"
#include "client_text.h"
#include "json_walk.h"

int client_backup_read(struct client *client, struct client_backup *ret)
{
	return client_get_text(client, "/policies?origin=api&fields=definition", &ret->text,
			       &ret->size);
}

bool client_backup_is_empty(const struct client_backup *backup)
{
	struct json_part whole = json_part(backup->text, backup->size), policies;
	struct json_walk walk;

	if (!json_part_member(&whole, "policies", &policies) || !json_part_is(&policies, '['))
		return true;
	walk = json_walk(&policies);
	return !json_walk_next(&walk);
}

void client_backup_clear(struct client_backup *backup)
{
	free(backup->text);
	*backup = (struct client_backup){ 0 };
}

static int write_file(int fd, const struct client_backup *backup)
{
	FILE *file = fdopen(fd, "w");
	int error = 0;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	fwrite(backup->text, 1, backup->size, file);
	if (fflush(file) || ferror(file))
		error = errno ? -errno : -EIO;
	if (fclose(file) && !error)
		error = -errno;
	return error;
}

char *client_backup_keep(struct client *client, const struct client_backup *backup)
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
	error = fd < 0 ? -errno : write_file(fd, backup);
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
