/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TC where the kernel has no TCX: a BPF filter with direct action in the clsact
 * qdisc, at the lowest free priority.  Unlike a link a filter outlives its
 * process, so what an earlier one left behind is taken over in place.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "attach_anchor.h"
#include "attach_gate.h"
#include "cleanup.h"
#include "tc_filters.h"

#define PRIORITY_LAST 0xffff

/* The names of our TC programs, which libbpf also gives the filters, with ":[id]" behind. */
static const struct {
	const char *program;
	enum bpf_tc_attach_point point;
} hooks[PROGRAMS] = {
	[PROGRAM_TC_INGRESS] = { "pep_tc_ingress", BPF_TC_INGRESS },
	[PROGRAM_TC_EGRESS] = { "pep_tc_egress", BPF_TC_EGRESS },
};

/* Filters of one hook, for as long as a decision about them takes. */
struct hook_filters {
	struct tc_filter *filter;
	size_t count;
};

static void hook_filters_free(struct hook_filters *filters)
{
	free(filters->filter);
}

static int hook_filters_get(uint32_t ifindex, enum datapath_program program,
			    struct hook_filters *ret)
{
	return tc_filters_list(ifindex, program == PROGRAM_TC_EGRESS, &ret->filter, &ret->count);
}

static bool filter_is_ours(const struct tc_filter *filter, enum datapath_program program)
{
	size_t length = strlen(hooks[program].program);

	return filter->program_id && !strncmp(filter->name, hooks[program].program, length) &&
	       (filter->name[length] == '\0' || filter->name[length] == ':');
}

/* The first filter of ours, the anchor's own excepted; NULL: none. */
static const struct tc_filter *find_stale(const struct hook_filters *filters,
					  enum datapath_program program,
					  const struct anchor *except)
{
	const struct tc_filter *filter;
	size_t i;

	for (i = 0; i < filters->count; i++) {
		filter = &filters->filter[i];
		if (except && filter->priority == except->priority &&
		    filter->handle == except->handle)
			continue;
		if (filter_is_ours(filter, program))
			return filter;
	}
	return NULL;
}

/* The lowest priority that no one uses; 0: all are taken. */
static uint32_t free_priority(const struct hook_filters *filters)
{
	uint32_t priority;
	size_t i;

	for (priority = 1; priority <= PRIORITY_LAST; priority++) {
		for (i = 0; i < filters->count; i++)
			if (!filters->filter[i].chain && filters->filter[i].priority == priority)
				break;
		if (i == filters->count)
			return priority;
	}
	return 0;
}

static void remove_filter(uint32_t ifindex, enum datapath_program program, uint32_t priority,
			  uint32_t handle)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = hooks[program].point);
	LIBBPF_OPTS(bpf_tc_opts, options, .priority = priority, .handle = handle);

	/* If it is gone meanwhile, then that is what was wanted. */
	(void)bpf_tc_detach(&hook, &options);
}

void attach_remove_leftovers(uint32_t ifindex, enum datapath_program program,
			     const struct anchor *except)
{
	CLEANUP(hook_filters_free) struct hook_filters filters = { 0 };
	const struct tc_filter *stale;

	if (hook_filters_get(ifindex, program, &filters))
		return;
	while ((stale = find_stale(&filters, program, except))) {
		remove_filter(ifindex, program, stale->priority, stale->handle);
		filters.filter[stale - filters.filter].program_id = 0;
	}
}

void attach_remove_stale(uint32_t ifindex)
{
	attach_remove_leftovers(ifindex, PROGRAM_TC_INGRESS, NULL);
	attach_remove_leftovers(ifindex, PROGRAM_TC_EGRESS, NULL);
}

static int set_filter(struct anchor *anchor, int program_fd, uint32_t flags)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)anchor->ifindex,
		    .attach_point = hooks[anchor->program].point);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program_fd, .flags = flags,
		    .priority = anchor->priority, .handle = anchor->handle);
	uint32_t program_id;
	int err = attach_program_id(program_fd, &program_id);

	if (!err)
		err = bpf_tc_attach(&hook, &options);
	if (!err)
		anchor->program_id = program_id;
	return err;
}

/* What is to hang in the filter, so that it calls the program. Returns it or -errno. */
static int pass_gate(const struct anchor *anchor, int program_fd)
{
	return anchor->gates ? attach_gate_put(anchor->gates, anchor->program, program_fd)
			     : program_fd;
}

/* Makes sure that there is a qdisc to hang a filter in. */
static int prepare_qdisc(struct anchor *anchor, char **ret_words)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)anchor->ifindex,
		    .attach_point = hooks[anchor->program].point);
	char kind[16];
	int err = tc_filters_qdisc(anchor->ifindex, kind);

	if (err)
		return err;
	if (!strcmp(kind, "clsact"))
		return 0;
	if (!kind[0]) {
		err = bpf_tc_hook_create(&hook);
		anchor->made_qdisc = !err;
		return err;
	}
	if (anchor->program != PROGRAM_TC_EGRESS)
		return 0;
	*ret_words = strdup("the interface has the qdisc \"ingress\", which knows no egress");
	return -EBUSY;
}

static int clsact_attach(struct anchor *anchor, int program_fd, char **ret_words)
{
	CLEANUP(hook_filters_free) struct hook_filters filters = { 0 };
	const struct tc_filter *stale;
	int err = prepare_qdisc(anchor, ret_words);

	if (!err)
		err = hook_filters_get(anchor->ifindex, anchor->program, &filters);
	if (err)
		return err;
	program_fd = pass_gate(anchor, program_fd);
	if (program_fd < 0)
		return program_fd;
	stale = find_stale(&filters, anchor->program, NULL);
	anchor->priority = stale ? stale->priority : free_priority(&filters);
	anchor->handle = stale ? stale->handle : 1;
	err = set_filter(anchor, program_fd, stale ? BPF_TC_F_REPLACE : 0);
	if (err) {
		if (anchor->made_qdisc && attach_remove_qdisc(anchor->ifindex))
			anchor->made_qdisc = false;
		return err;
	}
	anchor->mechanism = &attach_clsact;
	anchor->old = stale;
	return 0;
}

static int clsact_verify(const struct anchor *anchor, char **ret_words)
{
	CLEANUP(hook_filters_free) struct hook_filters filters = { 0 };
	const struct tc_filter *filter;
	size_t i;
	int err = hook_filters_get(anchor->ifindex, anchor->program, &filters);

	if (err)
		return err;
	for (i = 0; i < filters.count; i++) {
		filter = &filters.filter[i];
		if (filter->priority == anchor->priority && filter->handle == anchor->handle &&
		    filter->program_id == anchor->program_id)
			return 0;
	}
	*ret_words = strdup("the filter is not there");
	return -ENOLINK;
}

static int clsact_replace(struct anchor *anchor, int program_fd)
{
	CLEANUP(cleanup_free) char *words = NULL;
	char name[IF_NAMESIZE];
	int err = clsact_verify(anchor, &words);

	if (err == -ENOLINK && !if_indextoname(anchor->ifindex, name))
		return 0; /* the message that says the interface is gone is on its way */
	if (err)
		return err;
	if (anchor->gates) {
		program_fd = pass_gate(anchor, program_fd);
		return program_fd < 0 ? program_fd : 0;
	}
	return set_filter(anchor, program_fd, BPF_TC_F_REPLACE);
}

static void clsact_detach(struct anchor *anchor)
{
	CLEANUP(cleanup_free) char *words = NULL;

	if (!clsact_verify(anchor, &words))
		remove_filter(anchor->ifindex, anchor->program, anchor->priority, anchor->handle);
}

bool attach_remove_qdisc(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	CLEANUP(hook_filters_free) struct hook_filters ingress = { 0 };
	CLEANUP(hook_filters_free) struct hook_filters egress = { 0 };
	char kind[16];

	if (tc_filters_qdisc(ifindex, kind))
		return false;
	if (strcmp(kind, "clsact"))
		return true;
	if (hook_filters_get(ifindex, PROGRAM_TC_INGRESS, &ingress) || ingress.count ||
	    hook_filters_get(ifindex, PROGRAM_TC_EGRESS, &egress) || egress.count)
		return false;
	return !bpf_tc_hook_destroy(&hook);
}

const struct attach_mechanism attach_clsact = {
	.name = "clsact",
	.attach = clsact_attach,
	.verify = clsact_verify,
	.replace = clsact_replace,
	.detach = clsact_detach,
};
