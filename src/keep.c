/* SPDX-License-Identifier: Apache-2.0 */
#include "keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "keep_places.h"
#include "log.h"
#include "notify.h"

struct kept {
	char name[KEEP_NAME_BYTES];
	enum keep_place place;
	int fd; /* of what was found; -1: put by this process */
};

struct keep {
	char *directory;
	enum keep_place place;
	struct kept *kept;
	size_t count;
};

/* Where something is found, and told to which place it belongs. */
struct finding {
	struct keep *keep;
	enum keep_place place;
};

static const struct keep_place_rows *const places[] = {
	[KEEP_NOWHERE] = NULL,
	[KEEP_IN_STORE] = &keep_store,
	[KEEP_AS_PINS] = &keep_pins,
};

static void choose(struct keep *keep, enum keep_choice choice);
static int find_all(struct keep *keep);
static int note(void *context, const char *name, int fd);
static struct kept *find(const struct keep *keep, const char *name);
static int put(const struct keep *keep, const char *name, int fd);
static void drop_from(const struct keep *keep, const struct kept *kept);

int keep_open(enum keep_choice choice, const char *directory, struct keep **ret)
{
	CLEANUP(keep_close) struct keep *keep = calloc(1, sizeof(*keep));
	int error;

	if (keep)
		keep->directory = strdup(directory);
	if (!keep || !keep->directory)
		return -ENOMEM;
	choose(keep, choice);
	error = find_all(keep);
	if (!error)
		*ret = TAKE_PTR(keep);
	return error;
}

enum keep_place keep_place(const struct keep *keep)
{
	return keep ? keep->place : KEEP_NOWHERE;
}

int keep_find(const struct keep *keep, const char *name)
{
	const struct kept *kept = keep ? find(keep, name) : NULL;

	return kept ? kept->fd : -1;
}

const char *keep_name(const struct keep *keep, size_t index)
{
	return keep && index < keep->count ? keep->kept[index].name : NULL;
}

int keep_put(struct keep *keep, const char *name, int fd)
{
	struct kept *kept = keep ? find(keep, name) : NULL;
	int error;

	if (!keep || (kept && kept->place == keep->place))
		return 0;
	error = put(keep, name, fd);
	if (error)
		return error;
	if (!kept)
		return note(&(struct finding){ keep, keep->place }, name, -1);
	drop_from(keep, kept);
	kept->place = keep->place;
	return 0;
}

void keep_drop(struct keep *keep, const char *name)
{
	struct kept *kept = keep ? find(keep, name) : NULL;

	if (!kept)
		return;
	drop_from(keep, kept);
	cleanup_fd(&kept->fd);
	*kept = keep->kept[--keep->count];
}

void keep_wait(const struct keep *keep)
{
	if (keep_place(keep) == KEEP_IN_STORE)
		notify_barrier();
}

void keep_close(struct keep **keep)
{
	if (!*keep)
		return;
	for (size_t i = 0; i < (*keep)->count; i++)
		cleanup_fd(&(*keep)->kept[i].fd);
	free((*keep)->kept);
	free((*keep)->directory);
	free(*keep);
	*keep = NULL;
}

static void choose(struct keep *keep, enum keep_choice choice)
{
	int error;

	if (choice == KEEP_NOTHING)
		return;
	if (choice == KEEP_AUTO && keep_store_is_there()) {
		keep->place = KEEP_IN_STORE;
		return;
	}
	error = keep_pins_prepare(keep->directory);
	if (!error) {
		keep->place = KEEP_AS_PINS;
		return;
	}
	log_warn("nothing will be enforced between the end of this process and the next start: "
		 "there is no bpffs at %s, and none can be mounted there (%s); mount one, or set "
		 "\"datapath.pin\" to \"never\"",
		 keep->directory, strerror(-error));
}

/* In both places: the configuration may have chosen the other one before. */
static int find_all(struct keep *keep)
{
	int error = 0;

	for (size_t i = KEEP_IN_STORE; i < ARRAY_SIZE(places) && !error; i++) {
		struct finding finding = { keep, (enum keep_place)i };

		error = places[i]->each(keep->directory, note, &finding);
	}
	return error;
}

/* Takes @fd. */
static int note(void *context, const char *name, int fd)
{
	const struct finding *finding = context;
	struct keep *keep = finding->keep;
	struct kept *grown;

	if (strlen(name) >= sizeof(grown->name) || find(keep, name)) {
		cleanup_fd(&fd);
		return 0;
	}
	grown = reallocarray(keep->kept, keep->count + 1, sizeof(*grown));
	if (!grown) {
		cleanup_fd(&fd);
		return -ENOMEM;
	}
	keep->kept = grown;
	grown += keep->count++;
	*grown = (struct kept){ .place = finding->place, .fd = fd };
	snprintf(grown->name, sizeof(grown->name), "%s", name);
	return 0;
}

static struct kept *find(const struct keep *keep, const char *name)
{
	for (size_t i = 0; i < keep->count; i++) {
		if (!strcmp(keep->kept[i].name, name))
			return &keep->kept[i];
	}
	return NULL;
}

static int put(const struct keep *keep, const char *name, int fd)
{
	const struct keep_place_rows *place = places[keep->place];

	return place ? place->put(keep->directory, name, fd) : 0;
}

static void drop_from(const struct keep *keep, const struct kept *kept)
{
	if (places[kept->place])
		places[kept->place]->drop(keep->directory, kept->name);
}
