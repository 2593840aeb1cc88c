/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath_events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "datapath.h"
#include "datapath_counters.h"

struct datapath_events {
	struct ring_buffer *buffer;
	datapath_event callback;
	void *context;
	unsigned int count, max; /* of the read that is under way */
};

static int on_sample(void *context, void *data, size_t size);

int datapath_events_open(const struct datapath *datapath, datapath_event callback, void *context,
			 struct datapath_events **ret)
{
	CLEANUP(datapath_events_close) struct datapath_events *events = calloc(1, sizeof(*events));
	int map = datapath_map(datapath, "events");

	if (!events)
		return -ENOMEM;
	if (map < 0)
		return map;
	events->callback = callback;
	events->context = context;
	events->buffer = ring_buffer__new(map, on_sample, events, NULL);
	if (!events->buffer)
		return errno ? -errno : -ENOMEM;
	*ret = TAKE_PTR(events);
	return 0;
}

int datapath_events_fd(const struct datapath_events *events)
{
	return ring_buffer__epoll_fd(events->buffer);
}

int datapath_events_read(struct datapath_events *events, unsigned int max)
{
	int r;

	events->count = 0;
	events->max = max;
	r = ring_buffer__consume(events->buffer);
	return r < 0 && r != -ENOSPC ? r : (int)events->count;
}

void datapath_events_close(struct datapath_events **events)
{
	if (!*events)
		return;
	ring_buffer__free((*events)->buffer);
	free(*events);
	*events = NULL;
}

/* libbpf stops at an error, after it has taken note that this sample was read. */
static int on_sample(void *context, void *data, size_t size)
{
	struct datapath_events *events = context;

	if (size >= sizeof(struct pep_event))
		events->callback(events->context, data);
	return ++events->count < events->max ? 0 : -ENOSPC;
}
