// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The XDP programs: the same but for what the driver must be able to do.
 */
#include "context_xdp.h"
#include "pipeline.h"

SEC("xdp.frags")
int pep_xdp_frags(struct xdp_md *ctx)
{
	return pipeline(ctx, PEP_INGRESS);
}

SEC("xdp")
int pep_xdp(struct xdp_md *ctx)
{
	return pipeline(ctx, PEP_INGRESS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
