/* SPDX-License-Identifier: Apache-2.0 */
#include "http_health.h"

#include <stddef.h>
#include <string.h>

#include "attach.h"
#include "audit.h"
#include "daemon.h"
#include "http.h"
#include "pending.h"
#include "problem.h"
#include "settings.h"
#include "store.h"

/* What one look at all interfaces brings. */
struct survey {
	size_t attached, failed;
};

static struct survey survey_interfaces(const struct daemon *daemon, struct problems *reasons);
static void note_failure(const struct attachment *attachment, struct problems *reasons);
static void note_listeners(const struct daemon *daemon, struct problems *reasons);

enum health health_of(const struct daemon *daemon, struct problems *reasons)
{
	struct problems ignored = { 0 };
	struct survey survey;
	enum health health = HEALTH_OK;

	if (!reasons)
		reasons = &ignored;
	survey = survey_interfaces(daemon, reasons);
	note_listeners(daemon, reasons);
	if (!daemon->settings->interfaces.count) {
		problem_warn(reasons, "/network/interfaces",
			     "no interface is configured: nothing is enforced");
		health = HEALTH_IDLE;
	} else if (!survey.attached) {
		problem_add(reasons, "/network/interfaces",
			    "none of the configured interfaces is attached: nothing is enforced");
		health = HEALTH_DEGRADED;
	}
	if (daemon->pending)
		problem_warn(
			reasons, "change",
			"%s is pending: it goes back in %u s, unless \"pepctl confirm %s\" comes "
			"before",
			daemon->pending->id, pending_seconds_left(daemon->pending),
			daemon->pending->id);
	if (daemon->audit && audit_error(daemon->audit))
		problem_warn(reasons, "/log/audit_file", "%s cannot be written: %s",
			     daemon->settings->audit_file, strerror(audit_error(daemon->audit)));
	if (daemon->http && !daemon->credentials)
		problem_warn(reasons, "/server/tokens_file",
			     "what callers are known by could not be read: nobody is known");
	if (daemon->degraded) {
		problem_add(reasons, "", "%s", daemon->degraded);
		health = HEALTH_DEGRADED;
	}
	if (store_error(daemon->store)) {
		problem_add(reasons, "/policy/state_dir",
			    "%s cannot be written to, so nothing can be changed by the API: %s",
			    daemon->settings->state_dir, strerror(-store_error(daemon->store)));
		health = HEALTH_DEGRADED;
	}
	if (survey.failed)
		health = HEALTH_OUT_OF_SYNC;
	problems_clear(&ignored);
	return health;
}

const char *health_name(enum health health)
{
	static const char *const names[] = {
		[HEALTH_OK] = "ok",
		[HEALTH_IDLE] = "idle",
		[HEALTH_DEGRADED] = "degraded",
		[HEALTH_OUT_OF_SYNC] = "out_of_sync",
	};

	return names[health];
}

bool health_attached(const struct attachment *attachment)
{
	bool failed = false;

	/* The last attempt on a hook says how it is there. */
	for (size_t i = 0; i < attachment->attempt_count; i++)
		if (!strcmp(attachment->attempts[i].hook, "egress"))
			failed = attachment->attempts[i].error;
	if (failed && !attachment->egress)
		return false;
	return attachment->mode || !attachment->attempt_count;
}

static struct survey survey_interfaces(const struct daemon *daemon, struct problems *reasons)
{
	struct survey survey = { 0 };
	size_t count = 0;
	const struct attachment *const *list = attachments_list(daemon->attachments, &count);

	for (size_t i = 0; i < count; i++) {
		survey.attached += list[i]->mode != NULL;
		if (!health_attached(list[i])) {
			survey.failed++;
			note_failure(list[i], reasons);
		} else if (!list[i]->mode) {
			problem_warn(reasons, list[i]->name, "is not attached: %s",
				     list[i]->refused ? list[i]->refused : "it is not there yet");
		}
	}
	return survey;
}

static void note_failure(const struct attachment *attachment, struct problems *reasons)
{
	const struct attach_attempt *last = &attachment->attempts[attachment->attempt_count - 1];
	const char *why = attachment->refused ? attachment->refused : last->detail;

	problem_add(reasons, attachment->name, "%s is not enforced: %s (%s)",
		    attachment->mode ? "egress" : "the policy", why ? why : "it cannot be attached",
		    strerror(last->error));
}

static void note_listeners(const struct daemon *daemon, struct problems *reasons)
{
	const struct http_listener_state *list;
	size_t count = 0;

	list = daemon->http ? http_listeners(daemon->http, &count) : NULL;
	for (size_t i = 0; i < count; i++)
		if (!list[i].up)
			problem_warn(reasons, list[i].address, "cannot listen: %s",
				     strerror(list[i].error));
}
