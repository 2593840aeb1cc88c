/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl detach: takes off what a daemon left that is not there any more. */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "attach.h"
#include "cleanup.h"
#include "client_command.h"
#include "client_json.h"
#include "client_request.h"
#include "directories.h"
#include "json_cleanup.h"

static bool daemon_is_there(struct client *client)
{
	CLEANUP(cleanup_json) struct json_object *answer = NULL;
	const struct client_request request = {
		.method = "GET",
		.target = "/health",
		.may_be_unwell = true,
		.ask_only = true,
	};

	return client_ask(client, &request, &answer) != CLIENT_NO_DAEMON;
}

static int tell(struct client *client, size_t count)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;

	if (!client->value[OPTION_JSON]) {
		fprintf(client->out, count ? "detached %zu programs\n" : "nothing is attached\n",
			count);
		return CLIENT_DONE;
	}
	json = json_object_new_object();
	if (json)
		json_object_object_add(json, "detached", json_object_new_int64((int64_t)count));
	client_json_print(client->out, json);
	return CLIENT_DONE;
}

int client_detach(struct client *client)
{
	const char *directory = client->argument_count ? client->argument[0] : PIN_DIRECTORY;
	size_t count = 0;
	int error;

	if (daemon_is_there(client))
		return client_fail(client,
				   "the daemon runs, and would attach again: stop it first");
	error = attach_detach_left(directory, &count);
	if (!error)
		return tell(client, count);
	client_fail(client, "%s: %s%s", directory, strerror(-error),
		    error == -EACCES ? ": be root or the user of the daemon" : "");
	return error == -EACCES ? CLIENT_NOT_PERMITTED : CLIENT_REFUSED;
}
