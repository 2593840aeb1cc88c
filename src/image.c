// SPDX-License-Identifier: Apache-2.0
/*
 * From rules to an image: for each ruleset, family and direction a forest of
 * up to PEP_TREES trees (image_forest.c says which, tree.c how one is cut).
 */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "image_forest.h"
#include "image_trees.h"
#include "rules.h"
#include "tree.h"

#define BYTES_MOST (PEP_IMAGE_BYTES_MOST - PEP_IMAGE_SLACK)
#define SMALL 1000 /* rules: more than a few milliseconds are not worth it */

int64_t image_buffer_add(struct image_buffer *buffer, size_t bytes)
{
	size_t offset = buffer->bytes, room = buffer->room;
	unsigned char *data;

	if (offset + bytes > buffer->most)
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

static uint64_t checksum(const struct pep_image *data, size_t bytes)
{
	const unsigned char *p = (const unsigned char *)data;
	uint64_t hash = 0xcbf29ce484222325ULL, word;

	for (size_t i = offsetof(struct pep_image, reserved); i < bytes; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3ULL;
		hash ^= hash >> 32;
	}
	return hash;
}

/* An image is as slow as its slowest forest. */
static void note_cost(const struct forest *forest, struct image *image)
{
	if (forest->depth > image->depth)
		image->depth = forest->depth;
	if (forest->worst_compares > image->worst_compares)
		image->worst_compares = forest->worst_compares;
	if (forest->probe.compares + forest->probe.nodes >
	    image->expected_compares + image->expected_nodes) {
		image->expected_compares = forest->probe.compares;
		image->expected_nodes = forest->probe.nodes;
	}
	if (forest->worst_live <= image->worst_live)
		return;
	image->worst_live = forest->worst_live;
	memcpy(image->costliest, forest->costliest, sizeof(image->costliest));
}

/* A lookup goes through the trees of both, at worst through both worst ones. */
static void note_older(const struct image *older, struct image *image)
{
	image->depth = older->depth > image->depth ? older->depth : image->depth;
	image->worst_compares += older->worst_compares;
	image->worst_live += older->worst_live;
	image->expected_compares += older->expected_compares;
	image->expected_nodes += older->expected_nodes;
}

static int add_forests(const struct rules *rules, const struct image_options *options,
		       struct image_buffer *buffer, struct image *ret)
{
	for (int i = 0; i < PEP_RULESETS * PEP_FAMILIES * PEP_DIRECTIONS; i++) {
		bool ipv6 = i / PEP_DIRECTIONS % PEP_FAMILIES == PEP_IPV6;
		struct pep_image *header = (struct pep_image *)buffer->data;
		struct forest forest = { .trees = (&header->forest[0][0][0])[i] };
		int error =
			forest_build(&(&rules->list[0][0][0])[i], ipv6, options, buffer, &forest);

		if (error)
			return error;
		header = (struct pep_image *)buffer->data;
		(&header->forest[0][0][0])[i] = forest.trees;
		note_cost(&forest, ret);
	}
	return 0;
}

/* The header, without trees, or all of another image. */
static int begin(struct image_buffer *buffer, const struct image *onto)
{
	int64_t at = image_buffer_add(buffer, onto ? onto->bytes : sizeof(struct pep_image));
	struct pep_image *header = (struct pep_image *)buffer->data;

	if (at < 0)
		return (int)at;
	if (onto)
		memcpy(header, onto->data, onto->bytes);
	for (int i = 0; i < PEP_RULESETS * PEP_FAMILIES * PEP_DIRECTIONS && !onto; i++)
		(&header->forest[0][0][0])[i] = trees_none;
	return 0;
}

int image_build_with(const struct rules *rules, const struct image_options *options,
		     struct image *ret)
{
	size_t most = options->bytes_most ? options->bytes_most : BYTES_MOST;
	struct image_buffer buffer = { .most = most < BYTES_MOST ? most : BYTES_MOST };
	struct image image = { 0 };
	int error = begin(&buffer, options->onto);

	for (int i = 0; i < IMAGE_COSTLIEST; i++)
		image.costliest[i] = PEP_SLOT_NONE;
	if (!error)
		error = add_forests(rules, options, &buffer, &image);
	if (error) {
		free(buffer.data);
		return error;
	}
	if (options->onto)
		note_older(options->onto, &image);
	image.data = (struct pep_image *)buffer.data;
	image.bytes = buffer.bytes;
	image.data->magic = PEP_MAGIC;
	image.data->abi = PEP_ABI_VERSION;
	image.data->bytes = (uint32_t)buffer.bytes;
	image.data->flags = options->flags;
	image.data->checksum = checksum(image.data, image.bytes);
	*ret = image;
	return 0;
}

int image_build(const struct rules *rules, uint32_t flags, struct image *ret)
{
	const struct image_options options = {
		.flags = flags,
		.effort = rules->count > SMALL ? IMAGE_BEST : IMAGE_FIRST,
		.work_most = IMAGE_WORK_USUAL,
	};

	return image_build_with(rules, &options, ret);
}

size_t image_costliest(const struct image *image, uint32_t ret_slots[IMAGE_COSTLIEST])
{
	size_t count = 0;

	while (count < IMAGE_COSTLIEST && image->costliest[count] != PEP_SLOT_NONE) {
		ret_slots[count] = image->costliest[count];
		count++;
	}
	return count;
}

int image_verify(const struct pep_image *data, size_t bytes)
{
	if (bytes < sizeof(*data) || data->magic != PEP_MAGIC || data->abi != PEP_ABI_VERSION ||
	    data->bytes < sizeof(*data) || data->bytes > bytes || data->bytes % 8)
		return -EBADMSG;
	return data->checksum == checksum(data, data->bytes) ? 0 : -EBADMSG;
}

void image_clear(struct image *image)
{
	free(image->data);
	memset(image, 0, sizeof(*image));
}
