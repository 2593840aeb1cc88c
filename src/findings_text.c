// SPDX-License-Identifier: Apache-2.0
#include "findings_text.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "policy.h"
#include "policyset.h"
#include "problem.h"

static const struct {
	const char *name;
	const char *detail, *cure; /* %1 %2: the policy and its action, %3 %4: the other, %5: why */
} texts[FINDINGS] = {
	[FINDING_IMPOSSIBLE] = { "impossible",
				 "\"%1\" matches no packet: no length and VLAN are so",
				 "delete it, or mend its \"length\" or \"vlan\"" },
	[FINDING_SHADOWED] = { "shadowed",
			       "\"%1\" (%2) decides nothing: others decide all of its packets "
			       "before, such as \"%3\" (%4)",
			       "give \"%1\" a \"priority\" of a lower number than they have, or "
			       "delete it" },
	[FINDING_CONTRADICTORY] = { "contradictory",
				    "\"%1\" (%2) decides nothing: \"%3\" (%4) matches the "
				    "same packets and comes before",
				    "delete one of the two" },
	[FINDING_REDUNDANT] = { "redundant",
				"\"%1\" (%2) changes nothing: without it \"%3\" does the same "
				"with its packets",
				"delete it" },
	[FINDING_PARTLY_SHADOWED] = { "partly-shadowed",
				      "\"%3\" (%4) decides some packets of \"%1\" (%2) before "
				      "it, and neither matches all of the other's",
				      "say by \"priority\" which of the two such packets are for" },
	[FINDING_LIMIT_PASSES] = { "limit-passes",
				   "what is within the limit of \"%3\" passes, although \"%1\" "
				   "(%2) behind it matches too",
				   "say \"conform\": \"continue\" in \"%3\"" },
	[FINDING_ORDER] = { "order",
			    "\"%1\" (%2) is evaluated before \"%3\" (%4), which comes earlier "
			    "in the file, because %5; packets that match both meet it first",
			    "give \"%3\" a \"priority\" of a lower number, or move it behind "
			    "\"%1\"" },
	[FINDING_OVERRIDDEN] = { "overridden-by-failsafe",
				 "the failsafe policy \"%3\" lets pass some of what \"%1\" (%2) "
				 "would drop, as its source is broad",
				 "narrow its \"src\", or \"policy.failsafe\" in the configuration" },
	[FINDING_INTERFACE] = { "interface",
				"\"%1\" matches nothing on this host now: none of the interfaces that "
				"it names is attached",
				"name one of those of `pepctl interfaces`, or add it to "
				"\"network.interfaces\"" },
	[FINDING_BURST] = { "burst",
			    "\"%1\" (%2) has a burst that holds less than one packet: behind each it "
			    "drops until that is paid for",
			    "give it a \"burst_bytes\" of some packets at least" },
};

const char *finding_name(enum finding_kind kind)
{
	return texts[kind].name;
}

/* ---- sentences */

static const char *why_first(const struct policy *first, const struct policy *second)
{
	struct policy alike = *first;

	if (first->priority != second->priority)
		return "its priority is a lower number";
	alike.action = second->action;
	alike.id = second->id;
	for (int family = 0; family < PEP_FAMILIES; family++)
		if (policy_compare(&alike, second, family) < 0)
			return "it is more specific";
	if (first->action != second->action)
		return "that is the order of actions where nothing else differs";
	return "its id sorts first and nothing else differs";
}

static const struct policy *other_of(const struct findings_question *question,
				     const struct finding *finding)
{
	if (finding->other == FINDING_NONE)
		return question->policy[finding->policy];
	if (finding->kind == FINDING_OVERRIDDEN)
		return question->failsafe->policy[finding->other];
	return question->policy[finding->other];
}

/* Of a text of the table; the caller frees it. NULL: out of memory. */
static char *sentence(const struct findings_question *question, const struct finding *finding,
		      const char *pattern)
{
	const struct policy *policy = question->policy[finding->policy];
	const struct policy *other = other_of(question, finding);
	const char *const parts[] = { policy->id, policy_action_name(policy->action), other->id,
				      policy_action_name(other->action), why_first(policy, other) };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (const char *c = pattern; *c; c++) {
		if (*c == '%')
			fputs(parts[*++c - '1'], out);
		else
			fputc(*c, out);
	}
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

static int warn(const struct findings_question *question, const struct findings *findings,
		const struct finding *finding, const char *pointer, struct problems *problems)
{
	CLEANUP(cleanup_free)
	char *detail = sentence(question, finding, texts[finding->kind].detail);
	CLEANUP(cleanup_free) char *cure = sentence(question, finding, texts[finding->kind].cure);
	CLEANUP(cleanup_free) char *words = NULL;

	if (finding->kind != FINDING_IMPOSSIBLE)
		words = finding_words(findings, &finding->packet);
	if (!detail || !cure || (!words && finding->kind != FINDING_IMPOSSIBLE))
		return -ENOMEM;
	problem_warn(problems, pointer, "%s; cure: %s%s%s", detail, cure,
		     words ? "; a packet: " : "", words ? words : "");
	return 0;
}

static void warn_of_rest(const struct findings_question *question, const struct findings *findings,
			 const char *prefix, struct problems *problems)
{
	for (int kind = 0; kind < FINDINGS; kind++)
		if (findings->more[kind])
			problem_warn(problems, prefix,
				     "up to %zu more pairs of policies are like those of the kind "
				     "%s that are listed",
				     findings->more[kind], texts[kind].name);
	if (findings->unknown)
		problem_warn(problems, prefix,
			     "%zu policies were not compared with the others: what they match is "
			     "not known, or too intricate",
			     findings->unknown);
	if (question->count > FINDINGS_POLICIES)
		problem_warn(problems, prefix,
			     "only the first %d policies were compared with each other",
			     FINDINGS_POLICIES);
}

int findings_warn(const struct findings_question *question, const struct findings *findings,
		  const char *prefix, struct problems *problems)
{
	char pointer[128];
	int error = 0;

	for (size_t i = 0; i < findings->count && !error; i++) {
		const struct finding *finding = &findings->finding[i];

		snprintf(pointer, sizeof(pointer), "%s/%zu", prefix, finding->policy);
		error = warn(question, findings, finding, pointer, problems);
	}
	warn_of_rest(question, findings, prefix, problems);
	return error;
}

/* ---- JSON */

static int add_sentence(struct json_object *json, const char *key,
			const struct findings_question *question, const struct finding *finding,
			const char *format)
{
	CLEANUP(cleanup_free) char *text = sentence(question, finding, format);

	return text ? json_add_text(json, key, text) : -ENOMEM;
}

static int add_packet(struct json_object *json, const struct findings *findings,
		      const struct finding *finding)
{
	CLEANUP(cleanup_free) char *words = NULL;

	if (finding->kind == FINDING_IMPOSSIBLE)
		return 0;
	words = finding_words(findings, &finding->packet);
	if (!words || json_add_text(json, "words", words))
		return -ENOMEM;
	return json_add(json, "packet", finding_packet_json(findings, &finding->packet));
}

static struct json_object *finding_json(const struct findings_question *question,
					const struct findings *findings,
					const struct finding *finding, const char *prefix)
{
	CLEANUP(cleanup_json) struct json_object *json = json_object_new_object();
	bool alone = finding->other == FINDING_NONE;

	if (!json || json_add_text(json, "kind", texts[finding->kind].name) ||
	    json_add_format(json, "pointer", "%s/%zu", prefix, finding->policy) ||
	    json_add_text(json, "policy", question->policy[finding->policy]->id) ||
	    json_add_text(json, "other", alone ? NULL : other_of(question, finding)->id) ||
	    add_sentence(json, "detail", question, finding, texts[finding->kind].detail) ||
	    add_sentence(json, "cure", question, finding, texts[finding->kind].cure) ||
	    add_packet(json, findings, finding))
		return NULL;
	return TAKE_PTR(json);
}

struct json_object *findings_json(const struct findings_question *question,
				  const struct findings *findings, const char *prefix)
{
	CLEANUP(cleanup_json) struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < findings->count; i++)
		if (json_append(array,
				finding_json(question, findings, &findings->finding[i], prefix)))
			return NULL;
	return TAKE_PTR(array);
}
