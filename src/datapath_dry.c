// SPDX-License-Identifier: Apache-2.0
/*
 * Dry runs: the loaded program on a packet that nobody sent.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_change.h"
#include "datapath_counters.h"
#include "datapath_dry.h"
#include "datapath_maps.h"
#include "policyset.h"

#define ETHERNET_BYTES 14 /* BPF_PROG_TEST_RUN takes no less */

static void fill_dry(const struct datapath *datapath, const struct datapath_packet *packet,
		     struct pep_dry *dry)
{
	memset(dry, 0, sizeof(*dry));
	dry->nonce[0] = datapath->nonce[0];
	dry->nonce[1] = datapath->nonce[1];
	dry->ifindex = packet->ifindex;
	dry->vlans = (uint32_t)packet->vlan << 16 | 0xffff;
	if (packet->direction == PEP_EGRESS)
		dry->flags |= PEP_DRY_EGRESS;
	if (packet->l3)
		dry->flags |= PEP_DRY_L3;
	if (packet->vlan != PEP_VLAN_NONE)
		dry->flags |= PEP_DRY_VLAN;
}

static int run_tc(const struct datapath *datapath, const struct datapath_packet *packet, int fd)
{
	struct __sk_buff context = { .tstamp = packet->time_ns };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->frame,
		    .data_size_in = (uint32_t)packet->bytes, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);
	struct pep_dry dry;

	fill_dry(datapath, packet, &dry);
	memcpy(context.cb, &dry, sizeof(dry));
	return bpf_prog_test_run_opts(fd, &options) ? -errno : 0;
}

static int run_xdp(const struct datapath *datapath, const struct datapath_packet *packet, int fd)
{
	struct xdp_md context = { .data = sizeof(struct pep_dry_metadata) };
	size_t bytes = sizeof(struct pep_dry_metadata) + packet->bytes;
	struct pep_dry_metadata *meta = malloc(bytes);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = meta, .data_size_in = (uint32_t)bytes,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
	int error;

	if (!meta)
		return -ENOMEM;
	memset(meta, 0, sizeof(*meta));
	fill_dry(datapath, packet, &meta->dry);
	meta->time_ns = packet->time_ns;
	memcpy(meta + 1, packet->frame, packet->bytes);
	context.data_end = (uint32_t)bytes;
	error = bpf_prog_test_run_opts(fd, &options) ? -errno : 0;
	free(meta);
	return error;
}

/* Programs that know an image of the change are its own, until it is promoted. */
static int program_of(struct datapath *datapath, const struct datapath_packet *packet)
{
	const struct datapath_change *change = packet->change;

	if (change && change->program[packet->program] >= 0)
		return change->program[packet->program];
	return datapath_program(datapath, packet->program, NULL);
}

/* There is one trace: the lock is held. */
static int run(struct datapath *datapath, const struct datapath_packet *packet, int fd,
	       struct pep_trace *ret)
{
	const struct datapath_change *change = packet->change;
	struct pep_trace *trace = datapath->trace;
	uint64_t runs = trace->runs;
	int error;

	memset(trace, 0, sizeof(*trace));
	trace->runs = runs;
	trace->after_rank = packet->after_rank;
	if (change)
		trace->word = PEP_WORD(change->main, change->overlay, change->generation);
	if (packet->program == PROGRAM_XDP || packet->program == PROGRAM_XDP_FRAGS)
		error = run_xdp(datapath, packet, fd);
	else
		error = run_tc(datapath, packet, fd);
	if (error)
		return error;
	if (trace->runs == runs)
		return -ENODATA;
	*ret = *trace;
	return 0;
}

int datapath_dry_run(struct datapath *datapath, const struct datapath_packet *packet,
		     struct pep_trace *ret)
{
	int fd = program_of(datapath, packet), error;

	if (fd < 0)
		return fd;
	if (packet->bytes < ETHERNET_BYTES)
		return -EINVAL;
	pthread_mutex_lock(&datapath->trace_lock);
	error = run(datapath, packet, fd, ret);
	pthread_mutex_unlock(&datapath->trace_lock);
	return error;
}

/* Of the policies that the state in force has not, or otherwise. */
static const char *fresh_policy(const struct slot_plan *plan, const struct policyset *set,
				uint32_t slot)
{
	for (size_t i = 0; i < plan->fresh_count; i++)
		if (plan->slot[plan->fresh[i]] == slot)
			return set->policy[plan->fresh[i]]->id;
	return NULL;
}

const char *datapath_dry_policy(const struct datapath *datapath,
				const struct datapath_change *change, uint32_t slot)
{
	const char *id = datapath_slot_policy(datapath, slot);

	if (!id && change)
		id = fresh_policy(&change->policies, change->set, slot);
	if (!id && change)
		id = fresh_policy(&change->failsafes, change->failsafe, slot);
	return id;
}
