/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of others at the hooks where we are.
 */
#ifndef ATTACH_FOREIGN_H
#define ATTACH_FOREIGN_H

#include <stddef.h>
#include <stdint.h>

struct anchor;
struct attach_foreign;

/* Where to look, and what is ours there. */
struct foreign_view {
	uint32_t ifindex;
	const struct anchor *ingress; /* may be empty */
	const struct anchor *egress;
};

/**
 * Lists XDP programs on the interface, and TCX programs and filters in the
 * directions in which something of ours is attached, in the order in which
 * they run. The caller frees @ret. Returns 0 or -errno.
 */
int attach_foreign_list(const struct foreign_view *view, struct attach_foreign **ret,
			size_t *ret_count);

#endif
