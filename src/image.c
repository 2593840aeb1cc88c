// SPDX-License-Identifier: Apache-2.0
/*
 * From rules to an image: for each ruleset, family and direction a forest of
 * up to PEP_TREES trees (tree.c says how one is cut).
 *
 * A rule that leaves an address open would be copied all over a tree that is
 * cut by that address.  So rules are grouped by which addresses they pin down
 * (EffiCuts: Vamanan, Voskuilen, Vijaykumar, 2010), and each group has a tree
 * of its own.  A lookup visits the trees in the order of their best ranks and
 * stops when what it found beats all that is left.  How long a prefix must be
 * to pin an address down depends on the rules: two lengths are tried and the
 * cheaper forest is kept.
 *
 * When replication outgrows its memory, the forest is built again with a
 * smaller budget: slower to search, never wrong.
 */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rules.h"
#include "tree.h"

#define IMAGE_BYTES_MOST (1U << 28)
#define GROUPS 3 /* source pinned; only destination; neither */
#define FEW_RULES 24 /* one tree is best */
#define COPIES_PER_RULE 6
#define COPIES_SLACK 4096
#define LARGE_SET 50000
#define LEAF_RULES 8
#define LEAF_RULES_LARGE 12 /* where a level is a cache miss */

static const double budgets[] = { 150, 20, 4, 1.5 };
static const uint8_t pinned_bits[PEP_FAMILIES][2] = { { 4, 12 }, { 16, 40 } };

/* One forest in the making. */
struct forest {
	const struct rule_list *list;
	bool ipv6;
	uint8_t pinned; /* a prefix longer than that pins an address down */
	struct box *boxes;
	uint32_t *extras;
	uint32_t *group[GROUPS];
	size_t group_count[GROUPS];
	double cost;
	uint32_t depth;
	uint32_t compares;
	struct pep_forest result;
};

int64_t image_buffer_add(struct image_buffer *buffer, size_t bytes)
{
	size_t offset = buffer->bytes, room = buffer->room;
	unsigned char *data;

	if (offset + bytes > IMAGE_BYTES_MOST)
		return -EFBIG;
	while (offset + bytes > room)
		room = room ? room * 2 : 65536;
	if (room > buffer->room) {
		data = realloc(buffer->data, room);
		if (!data)
			return -ENOMEM;
		buffer->data = data;
		buffer->room = room;
	}
	memset(buffer->data + offset, 0, bytes);
	buffer->bytes = offset + bytes;
	return (int64_t)offset;
}

/* ---- boxes: what a rule fixes of the key */

static uint32_t upper_bits(unsigned int bits)
{
	return bits ? ~0U << (32 - (bits > 32 ? 32 : bits)) : 0;
}

static void box_address(struct box *box, unsigned int word, const uint32_t *address,
			unsigned int bits)
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;

		box->value[word + i] = address[i];
		box->fixed[word + i] = upper_bits(here);
	}
}

/* A range fixes the bits that its ends have in common from the top. */
static uint32_t shared_bits(uint16_t low, uint16_t high)
{
	unsigned int same = 16;

	while (low != high) {
		low >>= 1;
		high >>= 1;
		same--;
	}
	return 0xffffU << (16 - same) & 0xffff;
}

static void box_make(const struct rule *rule, struct box *box)
{
	memset(box, 0, sizeof(*box));
	box_address(box, PEP_KEY_SRC, rule->src, rule->src_bits);
	box_address(box, PEP_KEY_DST, rule->dst, rule->dst_bits);
	box->value[PEP_KEY_PORTS] = (uint32_t)rule->sport_low << 16 | rule->dport_low;
	box->fixed[PEP_KEY_PORTS] = shared_bits(rule->sport_low, rule->sport_high) << 16 |
				    shared_bits(rule->dport_low, rule->dport_high);
	box->port_low[0] = rule->dport_low;
	box->port_high[0] = rule->dport_high;
	box->port_low[1] = rule->sport_low;
	box->port_high[1] = rule->sport_high;
	if (rule->flags & PEP_RULE_PROTOCOL) {
		box->value[PEP_KEY_PROTOCOL] = rule->protocol;
		box->fixed[PEP_KEY_PROTOCOL] = PEP_PROTOCOL_NUMBER;
	}
}

/* Rules of one policy follow each other and mostly share their extra fields. */
static int write_extras(struct forest *f, struct image_buffer *buffer)
{
	const struct rule *rules = f->list->rule;

	for (size_t i = 0; i < f->list->count; i++) {
		int64_t offset;

		if (!(rules[i].flags & PEP_RULE_EXTRA))
			continue;
		if (i > 0 && f->extras[i - 1] &&
		    !memcmp(&rules[i].extra, &rules[i - 1].extra, sizeof(rules[i].extra))) {
			f->extras[i] = f->extras[i - 1];
			continue;
		}
		offset = image_buffer_add(buffer, sizeof(struct pep_extra));
		if (offset < 0)
			return (int)offset;
		memcpy(buffer->data + offset, &rules[i].extra, sizeof(rules[i].extra));
		f->extras[i] = (uint32_t)(offset / 8);
	}
	return 0;
}

static void forest_clear(struct forest *f)
{
	free(f->boxes);
	free(f->extras);
	for (int i = 0; i < GROUPS; i++)
		free(f->group[i]);
}

static int forest_make(const struct rule_list *list, bool ipv6, struct image_buffer *buffer,
		       struct forest *ret)
{
	struct forest f = { .list = list, .ipv6 = ipv6 };
	int error = 0;

	f.boxes = calloc(list->count + 1, sizeof(*f.boxes));
	f.extras = calloc(list->count + 1, sizeof(*f.extras));
	for (int i = 0; i < GROUPS; i++) {
		f.group[i] = malloc((list->count + 1) * sizeof(*f.group[i]));
		if (!f.group[i])
			error = -ENOMEM;
	}
	if (!f.boxes || !f.extras)
		error = -ENOMEM;
	for (size_t i = 0; i < list->count && !error; i++)
		box_make(&list->rule[i], &f.boxes[i]);
	if (!error)
		error = write_extras(&f, buffer);
	if (error)
		forest_clear(&f);
	else
		*ret = f;
	return error;
}

/* ---- groups and trees */

static unsigned int group_of(const struct forest *f, const struct rule *rule)
{
	if (f->list->count <= FEW_RULES || rule->src_bits > f->pinned)
		return 0;
	return rule->dst_bits > f->pinned ? 1 : 2;
}

static void make_groups(struct forest *f, uint8_t pinned)
{
	f->pinned = pinned;
	memset(f->group_count, 0, sizeof(f->group_count));
	for (size_t i = 0; i < f->list->count; i++) {
		unsigned int g = group_of(f, &f->list->rule[i]);

		f->group[g][f->group_count[g]++] = (uint32_t)i;
	}
}

/* With ever smaller budgets of copies until it fits. */
static int build_group(struct forest *f, struct image_buffer *buffer, unsigned int group,
		       struct tree_result *ret)
{
	size_t count = f->group_count[group], start = buffer->bytes;
	int error = -E2BIG;

	for (size_t i = 0; i < ARRAY_SIZE(budgets) && error == -E2BIG; i++) {
		bool last = i + 1 == ARRAY_SIZE(budgets);
		struct tree_builder b = {
			.buffer = buffer,
			.rules = f->list->rule,
			.boxes = f->boxes,
			.extras = f->extras,
			.ipv6 = f->ipv6,
			.leaf_rules = count > LARGE_SET ? LEAF_RULES_LARGE : LEAF_RULES,
			.budget = budgets[i],
			.copies_most = last ? SIZE_MAX : COPIES_PER_RULE * count + COPIES_SLACK,
			.leaves = leaf_index_new(),
		};

		buffer->bytes = start;
		error = b.leaves ? tree_build(&b, f->group[group], count, ret) : -ENOMEM;
		leaf_index_free(&b.leaves);
		if (error)
			continue;
		f->compares += b.longest;
		f->depth = f->depth > b.depth ? f->depth : b.depth;
	}
	return error;
}

static int compare_trees(const void *a, const void *b)
{
	const struct pep_tree *x = a, *y = b;

	return x->best_rank < y->best_rank ? -1 : x->best_rank > y->best_rank;
}

static int build_trees(struct forest *f, struct image_buffer *buffer)
{
	unsigned int trees = 0;

	f->cost = 0;
	f->compares = 0;
	f->depth = 0;
	for (unsigned int i = 0; i < PEP_TREES; i++) {
		f->result.tree[i].entry = PEP_ENTRY_LEAF;
		f->result.tree[i].best_rank = UINT32_MAX;
	}
	for (unsigned int g = 0; g < GROUPS; g++) {
		struct tree_result result = { 0 };
		int error;

		if (!f->group_count[g])
			continue;
		error = build_group(f, buffer, g, &result);
		if (error)
			return error;
		f->cost += result.cost;
		f->result.tree[trees].entry = result.entry;
		f->result.tree[trees++].best_rank = f->list->rule[f->group[g][0]].rank;
	}
	qsort(f->result.tree, PEP_TREES, sizeof(f->result.tree[0]), compare_trees);
	return 0;
}

/* Tries both lengths, and builds the cheaper one again if it was not the last. */
static int build_forest(struct forest *f, struct image_buffer *buffer)
{
	const uint8_t *pinned = pinned_bits[f->ipv6 ? PEP_IPV6 : PEP_IPV4];
	size_t start = buffer->bytes;
	double first;
	int error;

	make_groups(f, pinned[1]);
	error = build_trees(f, buffer);
	if (error || f->list->count <= FEW_RULES || f->list->count > LARGE_SET)
		return error;
	first = f->cost;
	buffer->bytes = start;
	make_groups(f, pinned[0]);
	error = build_trees(f, buffer);
	if (error || f->cost <= first)
		return error;
	buffer->bytes = start;
	make_groups(f, pinned[1]);
	return build_trees(f, buffer);
}

/* ---- the whole image */

static int add_forest(const struct rule_list *list, bool ipv6, struct image_buffer *buffer,
		      struct forest *ret)
{
	struct forest f;
	int error = forest_make(list, ipv6, buffer, &f);

	if (error)
		return error;
	error = build_forest(&f, buffer);
	*ret = f;
	forest_clear(&f);
	return error;
}

static uint64_t checksum(const struct pep_image *data, size_t bytes)
{
	const unsigned char *p = (const unsigned char *)data;
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = offsetof(struct pep_image, reserved); i < bytes; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash;
}

static int add_forests(const struct rules *rules, struct image_buffer *buffer, struct image *ret)
{
	for (int i = 0; i < PEP_RULESETS * PEP_FAMILIES * PEP_DIRECTIONS; i++) {
		bool ipv6 = i / PEP_DIRECTIONS % PEP_FAMILIES == PEP_IPV6;
		struct pep_image *header;
		struct forest forest = { 0 };
		int error = add_forest(&(&rules->list[0][0][0])[i], ipv6, buffer, &forest);

		if (error)
			return error;
		header = (struct pep_image *)buffer->data;
		(&header->forest[0][0][0])[i] = forest.result;
		if (forest.compares > ret->worst_compares)
			ret->worst_compares = forest.compares;
		if (forest.depth > ret->depth)
			ret->depth = forest.depth;
	}
	return 0;
}

int image_build(const struct rules *rules, uint32_t flags, struct image *ret)
{
	struct image_buffer buffer = { 0 };
	struct image image = { 0 };
	int64_t header = image_buffer_add(&buffer, sizeof(struct pep_image));
	int error = header < 0 ? (int)header : add_forests(rules, &buffer, &image);

	if (error) {
		free(buffer.data);
		return error;
	}
	image.data = (struct pep_image *)buffer.data;
	image.bytes = buffer.bytes;
	image.data->magic = PEP_MAGIC;
	image.data->abi = PEP_ABI_VERSION;
	image.data->bytes = (uint32_t)buffer.bytes;
	image.data->flags = flags;
	image.data->checksum = checksum(image.data, image.bytes);
	*ret = image;
	return 0;
}

int image_verify(const struct pep_image *data, size_t bytes)
{
	if (bytes < sizeof(*data) || data->magic != PEP_MAGIC || data->abi != PEP_ABI_VERSION ||
	    data->bytes < sizeof(*data) || data->bytes > bytes)
		return -EBADMSG;
	return data->checksum == checksum(data, data->bytes) ? 0 : -EBADMSG;
}

void image_clear(struct image *image)
{
	free(image->data);
	memset(image, 0, sizeof(*image));
}
