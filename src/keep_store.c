/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service manager's store: it hands descriptors to the next process of the
 * service, and closes them when the service is stopped.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "cleanup.h"
#include "keep_places.h"
#include "notify.h"

/* Others than systemd listen to notifications, too, and keep nothing. */
bool keep_store_is_there(void)
{
	return getenv("NOTIFY_SOCKET") && getenv("INVOCATION_ID");
}

static int each(const char *directory, keep_found found, void *context)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names), error = 0;

	(void)directory;
	for (int i = 0; i < count; i++) {
		if (error)
			close(SD_LISTEN_FDS_START + i);
		else
			error = found(context, names[i], SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
	return error;
}

static int put(const char *directory, const char *name, int fd)
{
	(void)directory;
	return notify_store(name, fd);
}

static void drop(const char *directory, const char *name)
{
	(void)directory;
	notify_unstore(name);
}

const struct keep_place_rows keep_store = { each, put, drop };
