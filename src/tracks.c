/* SPDX-License-Identifier: Apache-2.0 */
#include "tracks.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 64 /* slots: neighbours are often hit together */

/* Empties the buckets that have passed since it was last looked at. */
static void catch_up(struct track *track, uint32_t turn)
{
	uint32_t passed = turn - track->turn;

	if (passed > TRACK_BUCKETS)
		passed = TRACK_BUCKETS;
	for (uint32_t i = 0; i < passed; i++)
		track->bucket[(turn - i) % TRACK_BUCKETS] = 0;
	track->turn = turn;
}

uint64_t track_follow(struct track *track, uint32_t turn, uint64_t counter)
{
	const uint64_t came = counter >= track->seen ? counter - track->seen : counter;
	uint32_t *bucket = &track->bucket[turn % TRACK_BUCKETS];
	uint64_t sum;

	catch_up(track, turn);
	sum = *bucket + came;
	track->seen = counter;
	*bucket = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
	return came;
}

uint64_t track_sum(const struct track *track, uint32_t turn)
{
	uint32_t passed = turn - track->turn;
	uint64_t sum = 0;

	for (uint32_t i = 0; passed + i < TRACK_BUCKETS; i++)
		sum += track->bucket[(track->turn - i) % TRACK_BUCKETS];
	return sum;
}

static struct slot_track *find(const struct tracks *tracks, uint32_t slot)
{
	struct slot_track *chunk = slot / CHUNK < tracks->chunks ? tracks->chunk[slot / CHUNK]
								 : NULL;

	return chunk ? &chunk[slot % CHUNK] : NULL;
}

const struct slot_track *tracks_find(const struct tracks *tracks, uint32_t slot, uint32_t life)
{
	const struct slot_track *track = find(tracks, slot);

	return track && track->life == life ? track : NULL;
}

/* A chunk for the slot. */
static struct slot_track *make(struct tracks *tracks, uint32_t slot)
{
	uint32_t chunks = slot / CHUNK + 1;
	struct slot_track **chunk = tracks->chunk;

	if (chunks > tracks->chunks) {
		chunks += chunks / 4;
		chunk = reallocarray(chunk, chunks, sizeof(*chunk));
		if (!chunk)
			return NULL;
		memset(chunk + tracks->chunks, 0, (chunks - tracks->chunks) * sizeof(*chunk));
		tracks->chunk = chunk;
		tracks->chunks = chunks;
	}
	if (!chunk[slot / CHUNK])
		chunk[slot / CHUNK] = calloc(CHUNK, sizeof(struct slot_track));
	return find(tracks, slot);
}

struct slot_track *tracks_make(struct tracks *tracks, uint32_t slot, uint32_t life)
{
	struct slot_track *track = find(tracks, slot);

	if (!track)
		track = make(tracks, slot);
	if (track && track->life != life)
		*track = (struct slot_track){ .life = life };
	return track;
}

uint32_t tracks_limit(const struct tracks *tracks)
{
	return tracks->chunks * CHUNK;
}

void tracks_clear(struct tracks *tracks)
{
	for (uint32_t i = 0; i < tracks->chunks; i++)
		free(tracks->chunk[i]);
	free(tracks->chunk);
	*tracks = (struct tracks){ 0 };
}
