// SPDX-License-Identifier: Apache-2.0
#include "explain.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_dry.h"
#include "explain_view.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "problem.h"

/* ---- where a packet is */

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
static bool is_bare_ip(const struct probe_packet *probe)
{
	unsigned int type = probe->frame[12] << 8U | probe->frame[13];

	return type == 0x0800 || type == 0x86dd;
}

static struct explain_place place_at(const struct attachment *attachment,
				     enum pep_direction direction)
{
	enum datapath_program program = attachment_program(attachment, direction);
	struct explain_place place = {
		.mode = direction == PEP_EGRESS ? "tc" : attachment->mode,
		.ifindex = attachment->ifindex,
		.l3 = attachment->l3,
		.seen = program != PROGRAMS,
		/* One that is not there yet would be the same pipeline. */
		.program = program != PROGRAMS ? program
					       : attachment_program(attachment, PEP_INGRESS),
	};

	memcpy(place.name, attachment->name, sizeof(place.name));
	return place;
}

static int find_place(const struct attachments *attachments, const char *pointer,
		      struct explain_question *question, struct problems *problems)
{
	const struct probe_packet *probe = &question->probe;
	char choices[256], where[96];
	size_t attached;
	const struct attachment *found = find(attachments, probe->interface, &attached);

	question->place = (struct explain_place){ .program = PROGRAMS };
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
	question->place = place_at(found, probe->direction);
	return 0;
}

int explain_read(const struct attachments *attachments, struct json_object *packets,
		 struct explain_questions *ret, struct problems *problems)
{
	size_t count = json_object_array_length(packets);
	char pointer[32];
	int error = 0;

	ret->question = calloc(count + 1, sizeof(*ret->question));
	if (!ret->question)
		return -ENOMEM;
	for (size_t i = 0; i < count && error != -ENOMEM; i++) {
		struct explain_question *question = &ret->question[i];

		snprintf(pointer, sizeof(pointer), "/packets/%zu", i);
		error = probe_read(json_object_array_get_idx(packets, i), pointer, &question->probe,
				   problems);
		if (!error)
			error = find_place(attachments, pointer, question, problems);
	}
	ret->count = count;
	return problems->errors ? -EINVAL : error;
}

void explain_questions_clear(struct explain_questions *questions)
{
	free(questions->question);
	*questions = (struct explain_questions){ 0 };
}

/* ---- what becomes of it */

static int make_packet(const struct explain_state *state, const struct explain_question *question,
		       struct datapath_packet *ret)
{
	const struct probe_packet *probe = &question->probe;
	const struct explain_place *place = &question->place;

	*ret = (struct datapath_packet){
		.frame = probe->frame,
		.bytes = probe->bytes,
		.program = place->program,
		.ifindex = place->ifindex,
		.direction = probe->direction,
		.l3 = place->l3,
		.vlan = PEP_VLAN_NONE,
		.change = state->change,
	};
	if (!place->l3)
		return 0;
	ret->frame = probe->frame + PROBE_LINK_BYTES;
	ret->bytes -= PROBE_LINK_BYTES;
	return ret->bytes < PROBE_LINK_BYTES ? -EINVAL : 0;
}

/* What meets the packet if nothing that has decided were there. */
static int run_otherwise(const struct explain_state *state, struct datapath_packet *packet,
			 const struct pep_trace *trace, struct json_object *json)
{
	uint32_t rank = explain_view_rank(trace);
	struct pep_trace otherwise;
	int error;

	if (!rank)
		return json_add_text(json, "otherwise", NULL);
	packet->after_rank = rank;
	error = datapath_dry_run(state->datapath, packet, &otherwise);
	return error ? error : json_add(json, "otherwise", explain_view_chain(state, &otherwise));
}

static int run(const struct explain_state *state, const struct explain_question *question,
	       struct json_object *json)
{
	struct datapath_packet packet;
	struct pep_trace trace;
	int error = make_packet(state, question, &packet);

	if (!error)
		error = datapath_dry_run(state->datapath, &packet, &trace);
	if (error == -EINVAL)
		return explain_view_unknown(json);
	if (!error)
		error = explain_view_add(state, &trace, json);
	return error ? error : run_otherwise(state, &packet, &trace, json);
}

static int explain_one(const struct explain_state *state, const struct explain_question *question,
		       struct json_object *json)
{
	const struct explain_place *place = &question->place;
	bool egress = question->probe.direction == PEP_EGRESS;
	bool seen = place->program != PROGRAMS &&
		    (place->seen || (state->change && egress && state->egress));

	if (!json || json_add_text(json, "interface", *place->name ? place->name : NULL) ||
	    json_add_text(json, "direction", egress ? "egress" : "ingress") ||
	    json_add_text(json, "mode", seen ? place->mode : NULL))
		return -ENOMEM;
	return seen ? run(state, question, json) : explain_view_unseen(json);
}

int explain(const struct explain_state *state, const struct explain_questions *questions,
	    struct json_object **ret)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();
	int error = array ? 0 : -ENOMEM;

	for (size_t i = 0; i < questions->count && !error; i++) {
		struct json_object *json = json_object_new_object();

		error = json_append(array, json);
		if (!error)
			error = explain_one(state, &questions->question[i], json);
	}
	if (!error)
		*ret = TAKE_PTR(array);
	return error;
}
