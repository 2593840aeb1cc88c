/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon knows, as checks of the doctor.
 */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

struct client;
struct doctor;
struct json_object;

/** Adds whether one answers, by the exit status of asking for /health, and what it says there. */
void doctor_say_daemon(struct doctor *doctor, const struct client *client, int status,
		       struct json_object *health);

/** Adds what an entry of /interfaces says of attaching. */
void doctor_say_attached(struct doctor *doctor, struct json_object *entry);

#endif
