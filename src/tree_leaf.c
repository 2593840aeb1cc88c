// SPDX-License-Identifier: Apache-2.0
/*
 * Leaves: the rules themselves, as the programs read them.  Equal leaves are
 * written once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "tree.h"

struct leaf {
	uint64_t hash;
	uint32_t offset;
	uint32_t bytes; /* 0: free */
};

struct leaf_index {
	struct leaf *leaf; /* open addressing, a power of two */
	size_t room;
	size_t count;
};

struct leaf_index *leaf_index_new(void)
{
	struct leaf_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	index->room = 1024;
	index->leaf = calloc(index->room, sizeof(*index->leaf));
	if (!index->leaf) {
		free(index);
		return NULL;
	}
	return index;
}

void leaf_index_free(struct leaf_index **index)
{
	if (*index)
		free((*index)->leaf);
	free(*index);
	*index = NULL;
}

static void insert(struct leaf_index *index, const struct leaf *leaf)
{
	size_t at = leaf->hash & (index->room - 1);

	while (index->leaf[at].bytes)
		at = (at + 1) & (index->room - 1);
	index->leaf[at] = *leaf;
	index->count++;
}

static int grow(struct leaf_index *index)
{
	struct leaf_index larger = { .room = index->room * 2 };

	if (index->count * 2 < index->room)
		return 0;
	larger.leaf = calloc(larger.room, sizeof(*larger.leaf));
	if (!larger.leaf)
		return -ENOMEM;
	for (size_t i = 0; i < index->room; i++) {
		if (index->leaf[i].bytes)
			insert(&larger, &index->leaf[i]);
	}
	free(index->leaf);
	*index = larger;
	return 0;
}

static uint64_t content_hash(const unsigned char *data, size_t bytes)
{
	uint64_t hash = bytes, word;

	for (size_t i = 0; i < bytes; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 31;
	}
	return hash;
}

static const struct leaf *find(const struct leaf_index *index, const unsigned char *data,
			       const struct leaf *wanted)
{
	size_t at = wanted->hash & (index->room - 1);

	for (; index->leaf[at].bytes; at = (at + 1) & (index->room - 1)) {
		const struct leaf *leaf = &index->leaf[at];

		if (leaf->hash == wanted->hash && leaf->bytes == wanted->bytes &&
		    !memcmp(data + leaf->offset, data + wanted->offset, wanted->bytes))
			return leaf;
	}
	return NULL;
}

static void fill_rule(const struct rule *rule, uint32_t extra, struct pep_rule *ret)
{
	ret->sport_low = rule->sport_low;
	ret->sport_high = rule->sport_high;
	ret->dport_low = rule->dport_low;
	ret->dport_high = rule->dport_high;
	ret->src_bits = rule->src_bits;
	ret->dst_bits = rule->dst_bits;
	ret->protocol = rule->protocol;
	ret->flags = rule->flags;
	ret->rank = rule->rank;
	ret->slot = rule->slot;
	ret->extra = extra;
}

static void fill_open(unsigned int bits, __u8 ret[2])
{
	ret[0] = (__u8)(bits < 64 ? 64 - bits : 0);
	ret[1] = (__u8)(bits < 64 ? 64 : 128 - bits);
}

static void fill_record(const struct tree_builder *b, uint32_t index, void *ret)
{
	const struct rule *rule = &b->rules[index];

	if (b->ipv6) {
		struct pep_rule6 *record = ret;

		memcpy(record->src, rule->src, sizeof(record->src));
		memcpy(record->dst, rule->dst, sizeof(record->dst));
		fill_open(rule->src_bits, record->src_open);
		fill_open(rule->dst_bits, record->dst_open);
		fill_rule(rule, b->extras[index], &record->rule);
	} else {
		struct pep_rule4 *record = ret;

		record->src = rule->src[0];
		record->dst = rule->dst[0];
		fill_rule(rule, b->extras[index], &record->rule);
	}
}

int64_t leaf_write(struct tree_builder *b, const uint32_t *list, size_t count)
{
	size_t record = record_bytes(b);
	int64_t offset = image_buffer_add(b->buffer, count * record);
	const struct leaf *same;
	struct leaf leaf;

	if (offset < 0)
		return offset;
	for (size_t i = 0; i < count; i++)
		fill_record(b, list[i], b->buffer->data + offset + i * record);
	leaf.offset = (uint32_t)offset;
	leaf.bytes = (uint32_t)(count * record);
	leaf.hash = content_hash(b->buffer->data + offset, leaf.bytes);
	same = find(b->leaves, b->buffer->data, &leaf);
	if (same) {
		b->buffer->bytes = (size_t)offset;
		return same->offset;
	}
	if (grow(b->leaves))
		return -ENOMEM;
	insert(b->leaves, &leaf);
	return offset;
}
