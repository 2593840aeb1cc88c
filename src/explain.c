// SPDX-License-Identifier: Apache-2.0
#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_dry.h"
#include "explain_view.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "problem.h"

static void name_choices(const struct attachments *attachments, char *ret, size_t size)
{
	size_t count = 0, length = 0;
	const struct attachment *const *list = attachments_list(attachments, &count);

	*ret = '\0';
	for (size_t i = 0; i < count && length < size; i++)
		if (list[i]->mode)
			length += (size_t)snprintf(ret + length, size - length, "%s%s",
						   length ? ", " : "", list[i]->name);
}

static const struct attachment *find(const struct attachments *attachments, const char *name,
				     size_t *ret_attached)
{
	const struct attachment *found = NULL;
	size_t count = 0;
	const struct attachment *const *list = attachments_list(attachments, &count);

	*ret_attached = 0;
	for (size_t i = 0; i < count; i++) {
		if (!list[i]->mode)
			continue;
		++*ret_attached;
		if (!*name || !strcmp(list[i]->name, name))
			found = list[i];
	}
	return found;
}

/* Nothing stands between the addresses and IP. */
static bool is_bare_ip(const struct probe *probe)
{
	unsigned int type = probe->frame[12] << 8U | probe->frame[13];

	return type == 0x0800 || type == 0x86dd;
}

int explain_find_place(const struct attachments *attachments, const struct probe *probe,
		       const char *pointer, struct explain_place *ret, struct problems *problems)
{
	size_t attached;
	const struct attachment *found = find(attachments, probe->interface, &attached);
	char choices[256], where[96];

	*ret = (struct explain_place){ .attachment = found, .program = PROGRAMS };
	if (!attached)
		return 0;
	if (!found || (!*probe->interface && attached > 1)) {
		snprintf(where, sizeof(where), "%s/interface", pointer);
		name_choices(attachments, choices, sizeof(choices));
		problem_add(problems, where, "%s: attached are %s",
			    found ? "is missing, as there are several" : "is not attached",
			    choices);
		return -EINVAL;
	}
	if (found->l3 && !is_bare_ip(probe)) {
		problem_add(problems, pointer,
			    "%s has no Ethernet header: there are no tags nor other protocols than "
			    "IP",
			    found->name);
		return -EINVAL;
	}
	ret->program = attachment_program(found, probe->direction);
	return 0;
}

/* ---- running */

static int make_packet(const struct probe *probe, const struct explain_place *place,
		       struct datapath_packet *ret)
{
	const struct attachment *attachment = place->attachment;

	*ret = (struct datapath_packet){
		.frame = probe->frame,
		.bytes = probe->bytes,
		.program = place->program,
		.ifindex = attachment->ifindex,
		.direction = probe->direction,
		.l3 = attachment->l3,
		.vlan = PEP_VLAN_NONE,
	};
	if (!attachment->l3)
		return 0;
	ret->frame = probe->frame + PROBE_LINK_BYTES;
	ret->bytes -= PROBE_LINK_BYTES;
	return ret->bytes < PROBE_LINK_BYTES ? -EINVAL : 0;
}

/* What meets the packet if nothing that has decided were there. */
static int run_otherwise(struct datapath *datapath, struct datapath_packet *packet,
			 const struct pep_trace *trace, struct json_object *json)
{
	uint32_t rank = explain_view_rank(trace);
	struct pep_trace otherwise;
	int error;

	if (!rank)
		return json_add_text(json, "otherwise", NULL);
	packet->after_rank = rank;
	error = datapath_dry_run(datapath, packet, &otherwise);
	return error ? error
		     : json_add(json, "otherwise", explain_view_chain(datapath, &otherwise));
}

static int run(struct datapath *datapath, const struct probe *probe,
	       const struct explain_place *place, struct json_object *json)
{
	struct datapath_packet packet;
	struct pep_trace trace;
	int error = make_packet(probe, place, &packet);

	if (!error)
		error = datapath_dry_run(datapath, &packet, &trace);
	if (error == -EINVAL)
		return explain_view_unknown(json);
	if (!error)
		error = explain_view_add(datapath, &trace, json);
	return error ? error : run_otherwise(datapath, &packet, &trace, json);
}

static int add_place(struct json_object *json, const struct probe *probe,
		     const struct explain_place *place)
{
	const struct attachment *attachment = place->attachment;
	const char *mode = !attachment || place->program == PROGRAMS ? NULL
			   : probe->direction == PEP_EGRESS	     ? "tc"
								     : attachment->mode;

	if (json_add_text(json, "interface", attachment ? attachment->name : NULL) ||
	    json_add_text(json, "direction",
			  probe->direction == PEP_EGRESS ? "egress" : "ingress") ||
	    json_add_text(json, "mode", mode))
		return -ENOMEM;
	return 0;
}

int explain(struct datapath *datapath, const struct probe *probe, const struct explain_place *place,
	    struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	int error = json ? add_place(json, probe, place) : -ENOMEM;

	if (!error)
		error = place->program == PROGRAMS ? explain_view_unseen(json)
						   : run(datapath, probe, place, json);
	if (!error)
		*ret = TAKE_PTR(json);
	return error;
}
