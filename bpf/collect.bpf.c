// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads the maps inside of an outer map.  User space can get at those of an
 * earlier process only by their ids, for which it would need CAP_SYS_ADMIN; a
 * program needs no more than the outer one.
 */
#include "maps.h"

#define WORDS_MOST 16 /* of a value */

/* The daemon puts the one to be read in its place: values of `words` words each. */
OUTER_MAP(outer, __u64, PEP_CHUNK, 1);

const volatile __u32 words;

__u32 entry; /* which of the inner maps */
__u32 values; /* so many it has, at most PEP_CHUNK; 0: there is none */
__u64 value[PEP_CHUNK * WORDS_MOST];

static int collect(__u32 index, void *context)
{
	__u64 *from = outer_lookup(&outer, entry, index);
	__u64 at = (__u64)index * words;

	(void)context;
	/* Linux 6.1 does not see that the product has bounds. */
	opaque(at);
	if (!from || index >= PEP_CHUNK || at > (PEP_CHUNK - 1) * WORDS_MOST)
		return 1;
	for (__u32 i = 0; i < WORDS_MOST; i++) {
		if (i < words)
			value[at + i] = from[i];
	}
	values = index + 1;
	return 0;
}

SEC("xdp")
int pep_collect(struct xdp_md *ctx)
{
	(void)ctx;
	values = 0;
	bpf_loop(PEP_CHUNK, collect, NULL, 0);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
