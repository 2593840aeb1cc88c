// SPDX-License-Identifier: Apache-2.0
#include "store.h"

#include <errno.h>

#include "cleanup.h"
#include "policyset.h"
#include "store_state.h"
#include "store_text.h"

#define JOURNAL_LEAST_BYTES ((size_t)1 << 20)

struct snapshot {
	const struct store *store;
	const struct policyset *set;
	uint64_t sequence;
};

static void add_snapshot(void *context, struct store_writer *writer)
{
	const struct snapshot *snapshot = context;

	store_writer_print(writer, ",\"sequence\":%llu", (unsigned long long)snapshot->sequence);
	store_add_policies(snapshot->store, writer, snapshot->set, ORIGIN_API);
}

/*
 * All that the journal holds is in the snapshot now.  Nothing waits for the disk
 * here: should the old content come back, its numbers tell that it is old, and
 * what is appended waits for both.
 */
static int empty_journal(struct store *store)
{
	int error;

	if (store->journal_bad) {
		error = store_keep_aside(store, STORE_JOURNAL);
		if (error && error != -ENOENT)
			return error;
		store->journal_bad = false;
		cleanup_fd(&store->journal);
	}
	if (store->journal < 0)
		return store_open_journal(store, 0);
	if (store->io->truncate(store->journal, 0) < 0)
		return -errno;
	store->journal_bytes = 0;
	store->last_bytes = 0;
	return 0;
}

int store_write_snapshot(struct store *store, const struct policyset *set)
{
	struct snapshot snapshot = { .store = store, .set = set, .sequence = store->sequence };
	int error;

	if (store->snapshot_bad) {
		error = store_keep_copy(store, STORE_SNAPSHOT);
		if (error)
			return error;
		store->snapshot_bad = false;
	}
	/* A transaction that failed may be in the journal nevertheless: count it as seen. */
	if (store->broken)
		snapshot.sequence++;
	error = store_replace_file(store, STORE_SNAPSHOT, add_snapshot, &snapshot,
				   &store->snapshot_bytes);
	if (error)
		return error;
	store->sequence = snapshot.sequence;
	error = empty_journal(store);
	if (!error)
		__atomic_store_n(&store->broken, 0, __ATOMIC_RELAXED);
	return error;
}

int store_error(const struct store *store)
{
	return __atomic_load_n(&store->broken, __ATOMIC_RELAXED);
}

bool store_wants_compact(const struct store *store)
{
	size_t limit = 2 * __atomic_load_n(&store->snapshot_bytes, __ATOMIC_RELAXED);

	if (limit < JOURNAL_LEAST_BYTES)
		limit = JOURNAL_LEAST_BYTES;
	return store_error(store) ||
	       __atomic_load_n(&store->journal_bytes, __ATOMIC_RELAXED) > limit;
}

int store_compact(struct store *store, const struct policyset *set)
{
	return store_wants_compact(store) ? store_write_snapshot(store, set) : 0;
}
