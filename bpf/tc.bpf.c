// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The TC programs, for both directions.
 */
#include "context_tc.h"
#include "pipeline.h"

SEC("tc")
int pep_tc_ingress(struct __sk_buff *ctx)
{
	return pipeline(ctx, PEP_INGRESS);
}

SEC("tc")
int pep_tc_egress(struct __sk_buff *ctx)
{
	return pipeline(ctx, PEP_EGRESS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
