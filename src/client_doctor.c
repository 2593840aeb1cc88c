/* SPDX-License-Identifier: Apache-2.0 */
/* pepctl doctor: what the machine and the interfaces say, and what the daemon says of them. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "client_command.h"
#include "client_doctor.h"
#include "client_json.h"
#include "client_request.h"
#include "client_text.h"
#include "directories.h"
#include "doctor.h"
#include "http_json.h"
#include "interfaces_choice.h"
#include "problem.h"

#define CONNECT_SECONDS 5

/* One run: what is there, and what is said of it. */
struct examination {
	struct client *client;
	struct json_object *health, *attached; /* of the daemon; NULL: none answers */
	struct settings *settings; /* without one: of the configuration, or defaults */
	struct choice *choices;
	size_t count;
	struct json_object *interfaces; /* that were looked at */
	size_t findings;
	bool failed; /* out of memory */
};

static void clear(struct examination *examination)
{
	json_object_put(examination->health);
	json_object_put(examination->attached);
	json_object_put(examination->interfaces);
	settings_free(&examination->settings);
	free(examination->choices);
}

/* ---- what there is */

static int ask(struct client *client, const char *target, struct json_object **ret)
{
	const struct client_request request = {
		.method = "GET",
		.target = target,
		.may_be_unwell = true,
		.ask_only = true,
	};

	return client_ask(client, &request, ret);
}

static pid_t daemon_pid(const struct client *client)
{
	CLEANUP(cleanup_fd) int fd = -1;
	struct ucred peer = { 0 };
	socklen_t length = sizeof(peer);

	if (*client->endpoint.host ||
	    client_endpoint_connect(&client->endpoint, CONNECT_SECONDS, &fd) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return 0;
	return peer.pid;
}

static void note_link(void *context, enum link_event event, const struct link *link)
{
	struct examination *examination = context;
	struct choice *choices =
		reallocarray(examination->choices, examination->count + 1, sizeof(*choices));

	(void)event;
	if (!choices) {
		examination->failed = true;
		return;
	}
	examination->choices = choices;
	choices[examination->count++] = (struct choice){ .link = *link };
}

static int read_links(struct examination *examination)
{
	struct links *links = NULL;
	int error = links_open(note_link, examination, &links);

	if (error)
		return error;
	links_each(links, note_link, examination);
	links_close(&links);
	return examination->failed ? -ENOMEM : 0;
}

static struct choice *find_link(const struct examination *examination, const char *name)
{
	for (size_t i = 0; i < examination->count; i++)
		if (!strcmp(examination->choices[i].link.name, name))
			return &examination->choices[i];
	return NULL;
}

/* What the daemon says of an interface; NULL: it is not configured there. */
static struct json_object *find_attached(const struct examination *examination, const char *name)
{
	for (size_t i = 0; i < client_length(examination->attached); i++) {
		struct json_object *entry = json_object_array_get_idx(examination->attached, i);

		if (!strcmp(client_text(entry, "name"), name))
			return entry;
	}
	return NULL;
}

/* Without a daemon it is the file that says what there should be. */
static int read_settings(struct examination *examination, struct doctor *doctor)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	int error = settings_load(CONFIG_FILE, &examination->settings, &problems);

	if (!error || error == -ENOMEM)
		return error;
	if (error == -EINVAL || error == -EBADMSG)
		doctor_say(doctor, "configuration", DOCTOR_FINDING,
			   "%zu errors: `pepctl --config " CONFIG_FILE " --check` lists them",
			   problems.errors);
	else
		doctor_say(doctor, "configuration", DOCTOR_NOTE, CONFIG_FILE " cannot be read: %s",
			   strerror(-error));
	return settings_default(&examination->settings);
}

/* ---- an interface */

/* What would be, where none does. */
static const char *say_predicted(struct examination *examination, struct doctor *doctor,
				 const struct choice *choice, const struct doctor_facts *facts)
{
	const struct settings *settings = examination->settings;
	const char *mode = doctor_predict(facts, settings ? settings->mode : ATTACH_AUTO);

	if (choice->refused_for) {
		doctor_say(doctor, "mode", DOCTOR_NOTE,
			   "it is left to %s, which sees the same packets",
			   choice->refused_for->link.name);
		return NULL;
	}
	if (examination->attached || (settings && settings->interfaces.count && !choice->wanted))
		doctor_say(doctor, "configuration", DOCTOR_NOTE,
			   "network.interfaces does not name it: nothing is enforced there");
	if (mode)
		doctor_say(doctor, "mode", DOCTOR_FINE, "%s is to be expected", mode);
	else
		doctor_say(doctor, "mode", DOCTOR_FINDING,
			   "it cannot be attached to in the mode that network.mode asks for");
	return mode;
}

static const char *examine(struct examination *examination, struct doctor *doctor, const char *name)
{
	struct json_object *entry = find_attached(examination, name);
	const struct choice *choice = find_link(examination, name);
	const char *mode = entry ? client_text(entry, "mode") : NULL;
	CLEANUP(doctor_facts_clear) struct doctor_facts facts = { 0 };
	int error;

	if (entry)
		doctor_say_attached(doctor, entry);
	if (!choice) {
		if (!entry)
			doctor_say(
				doctor, "state", DOCTOR_FINDING,
				"there is no such interface: `ip link show` lists those there are");
		return NULL;
	}
	error = doctor_facts_read(&choice->link, &facts);
	if (error) {
		doctor_say(doctor, "state", DOCTOR_NOTE, "cannot be looked at: %s",
			   strerror(-error));
		return mode && *mode ? mode : NULL;
	}
	if (!entry)
		mode = say_predicted(examination, doctor, choice, &facts);
	doctor_facts_say(doctor, &facts, !entry);
	return mode && *mode ? mode : NULL;
}

/* Takes the checks of @doctor into @json. */
static void keep(struct examination *examination, struct json_object *json, struct doctor *doctor)
{
	examination->findings += doctor->findings;
	if (json_add(json, "checks", doctor->checks) || doctor->out_of_memory)
		examination->failed = true;
}

static void examine_interface(struct examination *examination, const char *name)
{
	struct json_object *json = json_object_new_object();
	struct doctor doctor = { .checks = json_object_new_array() };
	const char *mode = examine(examination, &doctor, name);

	if (json_append(examination->interfaces, json)) {
		json_object_put(doctor.checks);
		examination->failed = true;
		return;
	}
	if (json_add_text(json, "name", name) || json_add_text(json, "mode", mode) ||
	    json_add_bool(json, "predicted", !find_attached(examination, name)))
		examination->failed = true;
	keep(examination, json, &doctor);
}

/* Those that are configured, or could be. */
static void examine_interfaces(struct examination *examination)
{
	const struct settings *settings = examination->settings;
	struct client *client = examination->client;

	if (client->argument_count) {
		examine_interface(examination, client->argument[0]);
		return;
	}
	for (size_t i = 0; i < client_length(examination->attached); i++)
		examine_interface(examination,
				  client_text(json_object_array_get_idx(examination->attached, i),
					      "name"));
	for (size_t i = 0; !client_length(examination->attached) && i < examination->count; i++) {
		const struct choice *choice = &examination->choices[i];
		bool configured = settings && settings->interfaces.count;

		if (configured ? choice->wanted : !choice->link.loopback)
			examine_interface(examination, choice->link.name);
	}
}

/* ---- printing */

static void print_checks(struct client *client, struct json_object *checks)
{
	for (size_t i = 0; i < client_length(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);
		const char *grade = client_text(check, "grade");
		bool finding = !strcmp(grade, "finding");

		fprintf(client->out, "  %-14s %s%-7s%s  ", client_text(check, "check"),
			text_color(finding ? COLOR_BAD : COLOR_NONE, client->color && finding),
			finding ? "FINDING" : grade,
			text_color(COLOR_NONE, client->color && finding));
		text_print(client->out, client_text(check, "detail"));
		fputc('\n', client->out);
	}
}

static int print(struct examination *examination, struct json_object *answer)
{
	struct client *client = examination->client;

	if (examination->failed)
		return client_fail(client, "out of memory");
	if (client->value[OPTION_JSON]) {
		client_json_print(client->out, answer);
		return examination->findings ? CLIENT_REFUSED : CLIENT_DONE;
	}
	fputs("machine\n", client->out);
	print_checks(client, client_member(answer, "checks"));
	for (size_t i = 0; i < client_length(examination->interfaces); i++) {
		struct json_object *entry = json_object_array_get_idx(examination->interfaces, i);
		const char *mode = client_text(entry, "mode");

		text_print(client->out, client_text(entry, "name"));
		fprintf(client->out, ": %s%s\n", *mode ? mode : "not attached",
			*mode && json_object_get_boolean(client_member(entry, "predicted"))
				? " (predicted)"
				: "");
		print_checks(client, client_member(entry, "checks"));
	}
	if (examination->findings)
		fprintf(client->out, "%zu finding%s\n", examination->findings,
			examination->findings == 1 ? "" : "s");
	else
		fputs("nothing is wrong\n", client->out);
	return examination->findings ? CLIENT_REFUSED : CLIENT_DONE;
}

static int examine_all(struct examination *examination, struct json_object *answer)
{
	struct client *client = examination->client;
	CLEANUP(cleanup_json) struct json_object *interfaces = NULL;
	struct doctor doctor = { .checks = json_object_new_array() };
	int status = ask(client, "/health", &examination->health);
	int error = read_links(examination);

	if (!status)
		status = ask(client, "/interfaces", &interfaces);
	examination->attached = json_object_get(client_member(interfaces, "interfaces"));
	doctor_machine(&doctor, "", status == CLIENT_NO_DAEMON ? 0 : daemon_pid(client));
	doctor_say_daemon(&doctor, client, status, examination->health);
	if (!error && status)
		error = read_settings(examination, &doctor);
	if (!error && examination->settings)
		interfaces_choose(examination->settings, examination->choices, examination->count);
	if (!error)
		examine_interfaces(examination);
	keep(examination, answer, &doctor);
	return error;
}

int client_doctor(struct client *client)
{
	CLEANUP(clear)
	struct examination examination = {
		.client = client,
		.interfaces = json_object_new_array(),
	};
	CLEANUP(cleanup_json) struct json_object *answer = json_object_new_object();
	int error = answer && examination.interfaces ? examine_all(&examination, answer) : -ENOMEM;

	if (error)
		return client_fail(client, "the interfaces cannot be listed: %s", strerror(-error));
	if (json_add(answer, "interfaces", json_object_get(examination.interfaces)) ||
	    json_add_number(answer, "findings", examination.findings))
		examination.failed = true;
	return print(&examination, answer);
}
