/* SPDX-License-Identifier: Apache-2.0 */
#include <json-c/json.h>
#include <string.h>

#include "client_command.h"
#include "client_doctor.h"
#include "client_json.h"
#include "doctor.h"

static void say_reasons(struct doctor *doctor, struct json_object *reasons, enum doctor_grade grade)
{
	for (size_t i = 0; i < client_length(reasons); i++) {
		struct json_object *reason = json_object_array_get_idx(reasons, i);
		const char *of = client_text(reason, "of");

		doctor_say(doctor, "daemon", grade, "%s%s%s", of, *of ? ": " : "",
			   client_text(reason, "detail"));
	}
}

void doctor_say_daemon(struct doctor *doctor, const struct client *client, int status,
		       struct json_object *health)
{
	const char *where = *client->endpoint.host ? client->endpoint.host
						   : client->endpoint.socket;

	if (status == CLIENT_NO_DAEMON)
		doctor_say(doctor, "daemon", DOCTOR_NOTE,
			   "none answers at %s: `systemctl start pepctl`", where);
	else if (status)
		doctor_say(doctor, "daemon", DOCTOR_NOTE,
			   "the one at %s may not be asked: root and the group pepctl may", where);
	else
		doctor_say(doctor, "daemon", DOCTOR_FINE, "%s answers: %s",
			   client_text(health, "version"), client_text(health, "status"));
	say_reasons(doctor, client_member(health, "reasons"), DOCTOR_FINDING);
	say_reasons(doctor, client_member(health, "warnings"), DOCTOR_NOTE);
}

static void say_attempts(struct doctor *doctor, struct json_object *entry)
{
	bool attached = client_member(entry, "mode");
	size_t before = doctor->findings;
	struct json_object *attempts = client_member(entry, "attempts");

	for (size_t i = 0; i < client_length(attempts); i++) {
		struct json_object *attempt = json_object_array_get_idx(attempts, i);
		const char *why = client_text(attempt, "detail");

		if (!client_number(attempt, "errno"))
			continue;
		why = *why ? why : client_text(attempt, "error");
		doctor_say(doctor, client_text(attempt, "mode"),
			   attached && !doctor_has_command(why) ? DOCTOR_NOTE : DOCTOR_FINDING,
			   "%s: %s", client_text(attempt, "hook"), why);
	}
	if (attached && doctor->findings > before)
		doctor_say(doctor, "mode", DOCTOR_NOTE,
			   "what is in force stays when that is cured, until network.mode asks for "
			   "the other one at a `pepctl reload`, or the interface comes anew");
}

static void say_foreign(struct doctor *doctor, struct json_object *entry)
{
	struct json_object *foreign = client_member(entry, "foreign");

	for (size_t i = 0; i < client_length(foreign); i++) {
		struct json_object *program = json_object_array_get_idx(foreign, i);
		const char *name = client_text(program, "name");

		doctor_say(doctor, "foreign", DOCTOR_NOTE, "%s%s%s, program %s, is %s ours", name,
			   *name ? " at " : "", client_text(program, "hook"),
			   client_text(program, "program_id"), client_text(program, "position"));
	}
}

void doctor_say_attached(struct doctor *doctor, struct json_object *entry)
{
	const char *refused = client_text(entry, "refused");
	bool present = json_object_get_boolean(client_member(entry, "present"));

	if (client_member(entry, "mode"))
		doctor_say(doctor, "mode", DOCTOR_FINE, "%s by %s is in force",
			   client_text(entry, "mode"), client_text(entry, "mechanism"));
	else
		doctor_say(doctor, "mode", present ? DOCTOR_FINDING : DOCTOR_NOTE,
			   "it is not attached%s%s", *refused ? ": " : "",
			   *refused  ? refused
			   : present ? ""
				     : ": there is no such interface yet");
	say_attempts(doctor, entry);
	say_foreign(doctor, entry);
}
