// SPDX-License-Identifier: Apache-2.0
#include "image_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "image.h"

struct search {
	const unsigned char *image;
	unsigned char *met; /* a bit for each 8 bytes: the table or leaf that begins there */
	size_t record, rule; /* bytes of a record, and where the rule is in it */
	struct image_records found;
	size_t room;
};

static int add(struct search *s, uint32_t slot, uint64_t offset)
{
	struct image_records *found = &s->found;
	struct image_record *record;

	if (found->count == s->room) {
		s->room = s->room ? 2 * s->room : 1024;
		record = reallocarray(found->record, s->room, sizeof(*record));
		if (!record)
			return -ENOMEM;
		found->record = record;
	}
	found->record[found->count++] = (struct image_record){ slot, (uint32_t)offset };
	return 0;
}

static int search_leaf(struct search *s, uint64_t entry)
{
	int error = 0;

	for (uint32_t i = 0; i < PEP_ENTRY_RULES(entry) && !error; i++) {
		uint64_t offset = PEP_ENTRY_OFFSET(entry) + i * s->record + s->rule;
		struct pep_rule rule;

		memcpy(&rule, s->image + offset, sizeof(rule));
		error = add(s, rule.slot, offset);
	}
	return error;
}

/* Tables share what is below them. */
static int search_entry(struct search *s, uint64_t entry)
{
	uint32_t at = PEP_ENTRY_OFFSET(entry) / 8;
	uint32_t children = PEP_ENTRY_BITS(entry) ? 1U << PEP_ENTRY_BITS(entry) : 2;
	int error = 0;

	if (entry & PEP_ENTRY_LEAF && !PEP_ENTRY_RULES(entry))
		return 0;
	if (s->met[at / 8] >> at % 8 & 1)
		return 0;
	s->met[at / 8] |= (unsigned char)(1U << at % 8);
	if (entry & PEP_ENTRY_LEAF)
		return search_leaf(s, entry);
	for (uint32_t i = 0; i < children && !error; i++) {
		uint64_t child;

		memcpy(&child, s->image + 8ULL * (at + i), sizeof(child));
		error = search_entry(s, child);
	}
	return error;
}

static int search_forest(struct search *s, const struct pep_forest *forest, bool ipv6)
{
	int error = 0;

	s->record = ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4);
	s->rule = ipv6 ? offsetof(struct pep_rule6, rule) : offsetof(struct pep_rule4, rule);
	for (int i = 0; i < PEP_TREES && !error; i++)
		error = search_entry(s, forest->tree[i].entry);
	return error;
}

static int compare_records(const void *a, const void *b)
{
	const struct image_record *x = a, *y = b;

	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

int image_records_make(const struct image *image, struct image_records *ret)
{
	unsigned char *met CLEANUP(cleanup_free) = calloc(image->bytes / 64 + 1, 1);
	struct search s = { .image = (const unsigned char *)image->data, .met = met };
	int error = met ? 0 : -ENOMEM;

	for (int i = 0; i < PEP_RULESETS * PEP_FAMILIES * PEP_DIRECTIONS && !error; i++)
		error = search_forest(&s, &(&image->data->forest[0][0][0])[i],
				      i / PEP_DIRECTIONS % PEP_FAMILIES == PEP_IPV6);
	if (error) {
		image_records_clear(&s.found);
		return error;
	}
	if (s.found.count)
		qsort(s.found.record, s.found.count, sizeof(*s.found.record), compare_records);
	*ret = s.found;
	return 0;
}

void image_records_hide(const struct image_records *records, uint32_t slot, struct image *copy)
{
	size_t low = 0, high = records->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (records->record[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	copy->worst_live = copy->worst_compares;
	for (; low < records->count && records->record[low].slot == slot; low++) {
		struct pep_rule *rule = (struct pep_rule *)((unsigned char *)copy->data +
							    records->record[low].offset);

		/* Its rank stays: the leaf's are in order. */
		rule->sport_low = 1;
		rule->sport_high = 0;
	}
}

void image_records_clear(struct image_records *records)
{
	free(records->record);
	memset(records, 0, sizeof(*records));
}
