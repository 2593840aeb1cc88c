// SPDX-License-Identifier: Apache-2.0
/*
 * A tree is built from the bottom, and leaves lie between the tables: a lookup
 * goes from one end of a subtree to the other.  Most of the memory are leaves,
 * of which a lookup needs one, and most of the steps are tables; so the tables
 * come first, each in front of those below it, where caches hold them all.
 * Records do not cross cache lines.
 */
#include "image_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define LINE 64 /* bytes of a cache line */
#define MOVED_MOST (1U << 27) /* bytes: it takes as much memory again, and half of that */

struct layout {
	const unsigned char *from; /* the image as it was built */
	size_t start; /* where its trees begin */
	uint32_t *moved; /* new offset / 8 by old offset / 8 from the start; 0: not met yet */
	unsigned char *copied; /* a bit each */
	size_t record;
	size_t tables, leaves; /* where the next ones go */
	unsigned char *to; /* the image, from its new start on */
	size_t base; /* offset of that */
};

static uint32_t *moved_at(const struct layout *l, uint64_t entry)
{
	return &l->moved[(PEP_ENTRY_OFFSET(entry) - l->start) / 8];
}

static uint32_t table_entries(uint64_t entry)
{
	return PEP_ENTRY_BITS(entry) ? 1U << PEP_ENTRY_BITS(entry) : 2;
}

static size_t round_up(size_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static uint64_t child_at(const struct layout *l, uint64_t entry, uint32_t child)
{
	uint64_t ret;

	memcpy(&ret, l->from + PEP_ENTRY_OFFSET(entry) + 8ULL * child, sizeof(ret));
	return ret;
}

static bool is_empty(uint64_t entry)
{
	return entry & PEP_ENTRY_LEAF && !PEP_ENTRY_RULES(entry);
}

/* Finds a place for what is not met yet; leaves' places are within all leaves. */
static void place(struct layout *l, uint64_t entry)
{
	size_t bytes;

	if (is_empty(entry) || *moved_at(l, entry))
		return;
	if (entry & PEP_ENTRY_LEAF) {
		*moved_at(l, entry) = (uint32_t)(l->leaves / 8);
		l->leaves += PEP_ENTRY_RULES(entry) * l->record;
		return;
	}
	bytes = 8ULL * table_entries(entry);
	l->tables = round_up(l->tables, bytes < LINE ? bytes : LINE);
	*moved_at(l, entry) = (uint32_t)(l->tables / 8);
	l->tables += bytes;
	for (uint32_t i = 0; i < table_entries(entry); i++)
		place(l, child_at(l, entry, i));
}

static uint64_t moved_entry(const struct layout *l, uint64_t entry)
{
	uint64_t offset;

	if (is_empty(entry))
		return entry;
	offset = 8ULL * *moved_at(l, entry);
	if (entry & PEP_ENTRY_LEAF)
		offset += l->tables - LINE;
	return (entry & ~(uint64_t)UINT32_MAX) | offset;
}

/* Once for each. */
static bool is_due(const struct layout *l, uint64_t entry)
{
	uint32_t at = (PEP_ENTRY_OFFSET(entry) - (uint32_t)l->start) / 8;
	bool due = !(l->copied[at / 8] >> at % 8 & 1);

	l->copied[at / 8] |= (unsigned char)(1U << at % 8);
	return due;
}

/* Copies to where place() said. */
static void copy(const struct layout *l, uint64_t entry)
{
	uint64_t child;
	unsigned char *to;

	if (is_empty(entry) || !is_due(l, entry))
		return;
	to = l->to + PEP_ENTRY_OFFSET(moved_entry(l, entry)) - l->base;
	if (entry & PEP_ENTRY_LEAF) {
		memcpy(to, l->from + PEP_ENTRY_OFFSET(entry), PEP_ENTRY_RULES(entry) * l->record);
		return;
	}
	for (uint32_t i = 0; i < table_entries(entry); i++) {
		child = moved_entry(l, child_at(l, entry, i));
		memcpy(to + 8ULL * i, &child, sizeof(child));
	}
	for (uint32_t i = 0; i < table_entries(entry); i++)
		copy(l, child_at(l, entry, i));
}

static int move(struct layout *l, struct image_buffer *buffer, struct pep_forest *forest)
{
	unsigned char *trees CLEANUP(cleanup_free) = NULL;
	size_t bytes, before = buffer->bytes;
	int64_t offset;

	l->base = l->tables = round_up(l->start, LINE);
	for (int i = 0; i < PEP_TREES; i++)
		place(l, forest->tree[i].entry);
	l->tables = round_up(l->tables, LINE);
	bytes = l->tables + l->leaves - LINE - l->base;
	trees = calloc(1, bytes + 1);
	if (!trees)
		return -ENOMEM;
	l->to = trees;
	for (int i = 0; i < PEP_TREES; i++)
		copy(l, forest->tree[i].entry);
	buffer->bytes = l->start;
	offset = image_buffer_add(buffer, l->base - l->start + bytes);
	if (offset < 0) {
		buffer->bytes = before;
		return (int)offset;
	}
	for (int i = 0; i < PEP_TREES; i++)
		forest->tree[i].entry = moved_entry(l, forest->tree[i].entry);
	memcpy(buffer->data + l->base, trees, bytes);
	return 0;
}

int image_layout(struct image_buffer *buffer, size_t start, struct pep_forest *forest, bool ipv6)
{
	size_t words = (buffer->bytes - start) / 8 + 1;
	uint32_t *moved CLEANUP(cleanup_free) = NULL;
	unsigned char *copied CLEANUP(cleanup_free) = NULL;
	struct layout layout = {
		.from = buffer->data,
		.start = start,
		.record = ipv6 ? sizeof(struct pep_rule6) : sizeof(struct pep_rule4),
		.leaves = LINE, /* no place is 0 */
	};

	if (words > MOVED_MOST / 8)
		return -EFBIG;
	layout.moved = moved = calloc(words, sizeof(*moved));
	layout.copied = copied = calloc(words / 8 + 1, 1);
	return moved && copied ? move(&layout, buffer, forest) : -ENOMEM;
}
