// SPDX-License-Identifier: Apache-2.0
/*
 * Dry runs: the loaded program on a packet that nobody sent.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "cleanup.h"
#include "datapath_dry.h"
#include "datapath_maps.h"

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

int datapath_dry_run(struct datapath *datapath, const struct datapath_packet *packet,
		     struct pep_trace *ret)
{
	int fd = datapath_program(datapath, packet->program, NULL), error;
	uint64_t runs = datapath->trace->runs;

	if (fd < 0)
		return fd;
	if (packet->bytes < ETHERNET_BYTES)
		return -EINVAL;
	memset(datapath->trace, 0, sizeof(*datapath->trace));
	datapath->trace->runs = runs;
	datapath->trace->after_rank = packet->after_rank;
	if (packet->program == PROGRAM_XDP || packet->program == PROGRAM_XDP_FRAGS)
		error = run_xdp(datapath, packet, fd);
	else
		error = run_tc(datapath, packet, fd);
	if (error)
		return error;
	if (datapath->trace->runs == runs)
		return -ENODATA;
	*ret = *datapath->trace;
	return 0;
}
