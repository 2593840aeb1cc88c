// SPDX-License-Identifier: Apache-2.0
#include "datapath.h"
#include "datapath_counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "address_sets.h"
#include "cleanup.h"
#include "datapath_fold.h"
#include "datapath_maps.h"
#include "datapath_past.h"
#include "datapath_settle.h"
#include "datapath_slots.h"
#include "log.h"
#include "policyset.h"

/* A power of two, one for each CPU as far as it goes. */
static uint32_t count_stripes(uint32_t cpus)
{
	uint32_t stripes = 1;

	while (stripes < cpus && stripes < PEP_STRIPES_MAX)
		stripes *= 2;
	return stripes;
}

/* The nonce must not be what untouched metadata holds: zeros. */
static int draw_random(struct datapath *datapath)
{
	while (!datapath->nonce[0] || !datapath->nonce[1]) {
		if (getrandom(datapath->nonce, sizeof(datapath->nonce), 0) < 0 && errno != EINTR)
			return -errno;
	}
	if (getrandom(datapath->flow_seed, sizeof(datapath->flow_seed), 0) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(datapath->flow_seed); i++)
		datapath->flow_seed[i] |= 1;
	return 0;
}

/* The name of id 0, for packets of an interface that nobody told us of. */
static int add_nameless(struct datapath *datapath)
{
	datapath->name = calloc(PEP_INTERFACES, sizeof(*datapath->name));
	if (!datapath->name)
		return -ENOMEM;
	datapath->names = 1;
	return datapath_chunks_add_tally(datapath, PEP_INTERFACE_ANY);
}

static struct datapath *new_datapath(const struct datapath_options *options)
{
	struct datapath *datapath = calloc(1, sizeof(*datapath));
	int cpus = libbpf_num_possible_cpus();

	if (!datapath)
		return NULL;
	pthread_mutex_init(&datapath->lock, NULL);
	pthread_mutex_init(&datapath->trace_lock, NULL);
	datapath->options = *options;
	datapath->keep = options->keep;
	datapath->cpus = cpus > 0 ? (uint32_t)cpus : 1;
	datapath->stripes = count_stripes(datapath->cpus);
	datapath->image = MAP_IMAGES_A;
	datapath->strange_image = -1;
	datapath->limits.next = 1;
	datapath->wait_outer = -1;
	datapath->wait_inner = -1;
	for (int i = 0; i < MAPS; i++)
		datapath->map[i] = -1;
	for (int i = 0; i < PROGRAMS; i++)
		datapath->program[i] = -1;
	return datapath;
}

/* libbpf's own words are for whoever debugs; we say what it means for the operator. */
static int print_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text CLEANUP(cleanup_free) = NULL;
	int length = vasprintf(&text, format, arguments);

	if (length < 0) {
		text = NULL;
		return length;
	}
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	log_write(level == LIBBPF_WARN ? LOG_LEVEL_DEBUG : LOG_LEVEL_TRACE, NULL, 0, "%s", text);
	return length;
}

int datapath_open(const struct datapath_options *options, struct datapath **ret, char **ret_detail)
{
	struct datapath *datapath CLEANUP(datapath_free) = new_datapath(options);
	int error;

	if (!datapath)
		return -ENOMEM;
	libbpf_set_print(print_libbpf);
	error = draw_random(datapath);
	if (!error)
		error = datapath_past_open(datapath);
	if (!error)
		error = datapath_maps_create(datapath, ret_detail);
	if (!error)
		error = datapath_check_kernel(ret_detail);
	if (!error)
		error = add_nameless(datapath);
	if (!error && options->settle_ahead)
		error = datapath_settle_ahead(datapath);
	if (error)
		return error;
	*ret = TAKE_PTR(datapath);
	return 0;
}

void datapath_free(struct datapath **datapath)
{
	struct datapath *d = *datapath;

	if (!d)
		return;
	datapath_settle_close(d);
	datapath_fold_drop(d);
	datapath_past_close(d);
	datapath_maps_close(d);
	for (int i = 0; i < PROGRAMS; i++)
		cleanup_fd(&d->program[i]);
	datapath_base_clear(&d->base);
	older_layer_clear(&d->older);
	policyset_put(&d->overlaid);
	datapath_slots_clear(&d->policies);
	datapath_slots_clear(&d->failsafe);
	address_sets_put(&d->sets);
	free(d->free_slot);
	free(d->limits.free);
	free(d->name);
	pthread_mutex_destroy(&d->lock);
	pthread_mutex_destroy(&d->trace_lock);
	free(d);
	*datapath = NULL;
}

void datapath_cancel(struct datapath *datapath)
{
	__atomic_store_n(&datapath->cancelled, true, __ATOMIC_RELAXED);
	datapath_fold_cancel(datapath);
}

const bool *datapath_cancelled(const struct datapath *datapath)
{
	return &datapath->cancelled;
}

void datapath_on_replace(struct datapath *datapath, datapath_replace replace, void *context)
{
	datapath->replace = replace;
	datapath->replace_context = context;
}

void datapath_figures(const struct datapath *datapath, struct datapath_figures *ret)
{
	*ret = datapath->figures;
	ret->generation = datapath->defined;
	ret->image_capacity = datapath->image_bytes[datapath->image == MAP_IMAGES_B];
}

void datapath_set_event_readers(struct datapath *datapath, uint64_t readers)
{
	__atomic_store_n(&datapath->control->event_readers, readers, __ATOMIC_RELEASE);
}
