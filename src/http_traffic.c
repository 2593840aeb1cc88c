/* SPDX-License-Identifier: Apache-2.0 */
#include "http_traffic.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "cleanup.h"
#include "daemon.h"
#include "datapath.h"
#include "datapath_counters.h"
#include "http_json.h"
#include "http_server.h"
#include "json_cleanup.h"
#include "outcome.h"

static int add_verdict(struct json_object *json, const struct pep_tally outcome[PEP_OUTCOME_MAX],
		       enum pep_verdict verdict);
static int add_reason(struct json_object *reasons, const char *label,
		      const struct pep_tally *tally);

static int note(struct http *http, const char *name)
{
	char(*names)[16] = http->interface_names, (*longer)[16];
	size_t place = 0;

	while (place < http->interface_count && strcmp(names[place], name) < 0)
		place++;
	if (place < http->interface_count && !strcmp(names[place], name))
		return 0;
	longer = reallocarray(names, http->interface_count + 1, sizeof(*names));
	if (!longer)
		return -ENOMEM;
	http->interface_names = names = longer;
	memmove(names + place + 1, names + place, (http->interface_count - place) * sizeof(*names));
	snprintf(names[place], sizeof(*names), "%s", name);
	http->interface_count++;
	return 0;
}

int http_note_interfaces(struct http *http)
{
	size_t count = 0, id = 0;
	const struct attachment *const *list = attachments_list(http->daemon->attachments, &count);
	const char *name;
	int error = 0;

	for (size_t i = 0; i < count && !error; i++)
		error = note(http, list[i]->name);
	while (!error && (name = datapath_next_counted(http->daemon->datapath, &id)))
		error = note(http, name);
	return error;
}

int http_traffic(struct http *http, struct http_traffic *ret)
{
	*ret = (struct http_traffic){ 0 };
	if (http_note_interfaces(http))
		return -ENOMEM;
	for (size_t i = 0; i < http->interface_count * PEP_DIRECTIONS; i++) {
		struct pep_tally outcome[PEP_OUTCOME_MAX];

		datapath_interface_tally(http->daemon->datapath,
					 http->interface_names[i / PEP_DIRECTIONS],
					 (enum pep_direction)(i % PEP_DIRECTIONS), outcome);
		for (size_t j = 0; j < PEP_OUTCOME_MAX; j++) {
			ret->outcome[j].packets += outcome[j].packets;
			ret->outcome[j].bytes += outcome[j].bytes;
		}
	}
	ret->allowed = http_verdict_tally(ret->outcome, PEP_PASS).packets;
	ret->rate_limited = ret->outcome[PEP_OUTCOME_LIMIT_EXCEED].packets;
	ret->blocked = http_verdict_tally(ret->outcome, PEP_DROP).packets - ret->rate_limited;
	ret->packets = ret->allowed + ret->blocked + ret->rate_limited;
	ret->bytes = http_verdict_tally(ret->outcome, PEP_PASS).bytes +
		     http_verdict_tally(ret->outcome, PEP_DROP).bytes;
	return 0;
}

struct pep_tally http_verdict_tally(const struct pep_tally outcome[PEP_OUTCOME_MAX],
				    enum pep_verdict verdict)
{
	struct pep_tally sum = { 0 };

	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++) {
		if (outcome_find(i)->verdict != verdict)
			continue;
		sum.packets += outcome[i].packets;
		sum.bytes += outcome[i].bytes;
	}
	return sum;
}

struct json_object *http_traffic_json(const struct pep_tally outcome[PEP_OUTCOME_MAX])
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();

	if (!json || add_verdict(json, outcome, PEP_PASS) || add_verdict(json, outcome, PEP_DROP))
		return NULL;
	return TAKE_PTR(json);
}

static int add_verdict(struct json_object *json, const struct pep_tally outcome[PEP_OUTCOME_MAX],
		       enum pep_verdict verdict)
{
	struct pep_tally sum = http_verdict_tally(outcome, verdict);
	struct json_object *part = json_object_new_object();
	struct json_object *reasons = json_object_new_object();

	if (json_add(json, verdict == PEP_DROP ? "drop" : "pass", part)) {
		json_object_put(reasons);
		return -ENOMEM;
	}
	if (json_add(part, "reasons", reasons) || json_add_number(part, "packets", sum.packets) ||
	    json_add_number(part, "bytes", sum.bytes))
		return -ENOMEM;
	for (unsigned int i = 0; i < PEP_OUTCOME_COUNT; i++)
		if (outcome[i].packets && outcome_find(i)->verdict == verdict &&
		    add_reason(reasons, outcome_find(i)->label, &outcome[i]))
			return -ENOMEM;
	return 0;
}

static int add_reason(struct json_object *reasons, const char *label, const struct pep_tally *tally)
{
	struct json_object *reason = json_object_new_object();

	if (json_add(reasons, label, reason) ||
	    json_add_number(reason, "packets", tally->packets) ||
	    json_add_number(reason, "bytes", tally->bytes))
		return -ENOMEM;
	return 0;
}
