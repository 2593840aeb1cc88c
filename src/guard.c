// SPDX-License-Identifier: Apache-2.0
#include "guard.h"

#include <errno.h>
#include <string.h>

#include "attach.h"
#include "daemon.h"
#include "daemon_state.h"
#include "datapath_dry.h"
#include "lifelines.h"
#include "outcome.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"

#define NAMED_MOST 8 /* more are counted */
#define LINK_BYTES 14

/* What is looked at. */
struct guard {
	const struct daemon *daemon;
	const struct daemon_next *next;
	const struct datapath_change *change;
	struct problems *problems;
	size_t cut;
};

static const struct attachment *find_attachment(const struct daemon *daemon, uint32_t ifindex)
{
	size_t count = 0;
	const struct attachment *const *list;

	list = daemon->attachments ? attachments_list(daemon->attachments, &count) : NULL;

	for (size_t i = 0; i < count; i++)
		if (list[i]->ifindex == ifindex && list[i]->mode)
			return list[i];
	return NULL;
}

/* The program that would see it: the one that does, or that of a hook that comes with the state. */
static enum datapath_program program_after(const struct guard *guard,
					   const struct attachment *attachment,
					   enum pep_direction direction)
{
	if (direction == PEP_INGRESS)
		return attachment_program(attachment, direction);
	return guard->next->settings->egress || guard->next->set->egress ? PROGRAM_TC_EGRESS
									 : PROGRAMS;
}

static int run(const struct guard *guard, const struct datapath_packet *packet,
	       struct pep_trace *ret, bool *ret_drops)
{
	const struct outcome *outcome;
	int error = datapath_dry_run(guard->daemon->datapath, packet, ret);

	if (error)
		return error;
	outcome = outcome_find(ret->outcome);
	*ret_drops = outcome && outcome->verdict == PEP_DROP &&
		     ret->outcome != PEP_OUTCOME_NO_STATE;
	/* A program that does not know the new image can say nothing of it. */
	return packet->change && ret->outcome == PEP_OUTCOME_NO_STATE ? -ENOENT : 0;
}

static void name_cut(struct guard *guard, const struct lifeline *lifeline,
		     const struct attachment *attachment, enum pep_direction direction,
		     const struct pep_trace *trace)
{
	const char *way = direction == PEP_EGRESS ? "egress" : "ingress";
	const char *id = datapath_dry_policy(guard->daemon->datapath, guard->change, trace->slot);
	const struct outcome *outcome = outcome_find(trace->outcome);

	if (guard->cut++ >= NAMED_MOST)
		return;
	problem_add(
		guard->problems, "",
		"this would cut %s (%s of %s) by %s%s%s: try it for a time with confirm_seconds "
		"(pepctl --confirm SECONDS), or insist with force=true (pepctl --force)",
		lifeline->what, way, attachment->name, id ? "the policy \"" : "",
		id ? id : outcome->text, id ? "\"" : "");
}

static int check(struct guard *guard, const struct lifeline *lifeline,
		 const struct attachment *attachment, enum pep_direction direction)
{
	unsigned char frame[LIFELINE_FRAME_BYTES];
	const size_t skip = attachment->l3 ? LINK_BYTES : 0;
	struct datapath_packet packet = {
		.frame = frame + skip,
		.bytes = lifeline_frame(lifeline, direction, frame) - skip,
		.program = attachment_program(attachment, direction),
		.ifindex = attachment->ifindex,
		.direction = direction,
		.l3 = attachment->l3,
		.vlan = PEP_VLAN_NONE,
	};
	struct pep_trace trace;
	bool dropped = false, drops = false;
	int error = packet.program == PROGRAMS ? 0 : run(guard, &packet, &trace, &dropped);

	if (error || dropped)
		return error;
	packet.program = program_after(guard, attachment, direction);
	packet.change = guard->change;
	error = packet.program == PROGRAMS ? 0 : run(guard, &packet, &trace, &drops);
	if (!error && drops)
		name_cut(guard, lifeline, attachment, direction, &trace);
	return error;
}

int guard_check(const struct daemon *daemon, const struct daemon_next *next,
		const struct datapath_change *change, const struct lifelines *lifelines,
		struct problems *problems)
{
	struct guard guard = { daemon, next, change, problems, 0 };

	for (size_t i = 0; i < lifelines->count; i++) {
		const struct lifeline *lifeline = &lifelines->list[i];
		const struct attachment *attachment = find_attachment(daemon, lifeline->ifindex);
		int error = attachment ? check(&guard, lifeline, attachment, PEP_INGRESS) : 0;

		if (!error && attachment)
			error = check(&guard, lifeline, attachment, PEP_EGRESS);
		if (error) {
			problem_add(problems, "", "whether this cuts %s cannot be found out: %s",
				    lifeline->what, strerror(-error));
			return error;
		}
	}
	if (guard.cut > NAMED_MOST)
		problem_add(problems, "", "%zu more would be cut", guard.cut - NAMED_MOST);
	return guard.cut ? -EHOSTUNREACH : 0;
}
