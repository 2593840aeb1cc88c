// SPDX-License-Identifier: Apache-2.0
#include "policy_draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

void policy_draft_start(struct policy_draft *draft)
{
	*draft = (struct policy_draft){
		.policy = {
			.references = 1,
			.enabled = true,
			.priority = POLICY_PRIORITY_DEFAULT,
			.action = PEP_ACTION_ALLOW,
			.directions = 1u << PEP_INGRESS,
			.protocol = POLICY_PROTOCOL_ANY,
			.icmp_type = -1,
			.icmp_code = -1,
			.fragment = -1,
			.rare = &draft->rare,
		},
	};
}

void policy_draft_clear(struct policy_draft *draft)
{
	struct policy *policy = &draft->policy;

	for (size_t i = 0; draft->labels && i < policy->label_count; i++) {
		free((char *)draft->labels[i].key);
		free((char *)draft->labels[i].value);
	}
	for (size_t i = 0; draft->interfaces && i < policy->interface_count; i++)
		free(draft->interfaces[i]);
	free(draft->labels);
	free(draft->interfaces);
	address_list_clear(&policy->src);
	address_list_clear(&policy->dst);
	free(policy->sport.range);
	free(policy->dport.range);
	free(draft->rare.vlan.range);
	free(draft->rare.length.range);
	free(draft->rare.ttl.range);
	free((char *)draft->rare.description);
	free((char *)policy->id);
}

/* ---- packing */

/*
 * A block that is filled from its beginning.  With a NULL block the pieces are
 * only measured, so that the same code says how large it has to be.
 */
struct packing {
	char *block;
	size_t used;
};

static void *pack(struct packing *packing, const void *data, size_t bytes, size_t align)
{
	void *place;

	if (!bytes)
		return NULL;
	packing->used = (packing->used + align - 1) / align * align;
	place = packing->block ? packing->block + packing->used : NULL;
	packing->used += bytes;
	return place ? memcpy(place, data, bytes) : NULL;
}

static const char *pack_text(struct packing *packing, const char *text)
{
	return text ? pack(packing, text, strlen(text) + 1, 1) : NULL;
}

static void pack_numbers(struct packing *packing, struct number_list *list)
{
	list->range = pack(packing, list->range, list->count * sizeof(*list->range),
			   _Alignof(struct number_range));
}

static void pack_addresses(struct packing *packing, struct address_list *list)
{
	const struct address_range *range = list->range;
	struct address_range *packed =
		pack(packing, range, list->count * sizeof(*range), _Alignof(struct address_range));

	for (size_t i = 0; i < list->count; i++) {
		const char *set = range[i].family == ADDRESS_SET ? pack_text(packing, range[i].set)
								 : NULL;

		if (packed && set)
			packed[i].set = (char *)set;
	}
	list->range = packed;
}

static void pack_labels(struct packing *packing, struct policy_rare *rare, size_t count)
{
	struct label *labels =
		pack(packing, rare->labels, count * sizeof(*labels), _Alignof(struct label));

	for (size_t i = 0; i < count; i++) {
		const char *key = pack_text(packing, rare->labels[i].key);
		const char *value = pack_text(packing, rare->labels[i].value);

		if (labels)
			labels[i] = (struct label){ key, value };
	}
	rare->labels = labels;
}

static void pack_interfaces(struct packing *packing, struct policy_rare *rare, size_t count)
{
	const char **names =
		pack(packing, rare->interfaces, count * sizeof(*names), _Alignof(const char *));

	for (size_t i = 0; i < count; i++) {
		const char *name = pack_text(packing, rare->interfaces[i]);

		if (names)
			names[i] = name;
	}
	rare->interfaces = names;
}

static bool says_nothing(const struct policy_draft *draft)
{
	const struct policy_rare *rare = &draft->rare;

	return !rare->description && !draft->policy.label_count && !draft->policy.interface_count &&
	       !rare->vlan.count && !rare->length.count && !rare->ttl.count && !rare->dscp &&
	       !rare->bytes.per_second && !rare->bytes.burst && !rare->packets.per_second &&
	       !rare->packets.burst;
}

static struct policy_rare *pack_rare(struct packing *packing, const struct policy_draft *draft)
{
	struct policy_rare rare = draft->rare;
	struct policy_rare *packed =
		pack(packing, &rare, sizeof(rare), _Alignof(struct policy_rare));

	pack_labels(packing, &rare, draft->policy.label_count);
	pack_interfaces(packing, &rare, draft->policy.interface_count);
	pack_numbers(packing, &rare.vlan);
	pack_numbers(packing, &rare.length);
	pack_numbers(packing, &rare.ttl);
	rare.description = pack_text(packing, rare.description);
	if (packed)
		*packed = rare;
	return packed;
}

static void pack_policy(struct packing *packing, const struct policy_draft *draft)
{
	struct policy policy = draft->policy;
	struct policy *packed = pack(packing, &policy, sizeof(policy), _Alignof(struct policy));

	pack_addresses(packing, &policy.src);
	pack_addresses(packing, &policy.dst);
	pack_numbers(packing, &policy.sport);
	pack_numbers(packing, &policy.dport);
	policy.rare = says_nothing(draft) ? &policy_rare_none : pack_rare(packing, draft);
	policy.id = pack_text(packing, policy.id);
	if (packed)
		*packed = policy;
}

int policy_draft_finish(const struct policy_draft *draft, struct policy **ret)
{
	struct packing packing = { .block = NULL };

	pack_policy(&packing, draft);
	packing.block = malloc(packing.used);
	if (!packing.block)
		return -ENOMEM;
	packing.used = 0;
	pack_policy(&packing, draft);
	*ret = (struct policy *)(void *)packing.block;
	return 0;
}
