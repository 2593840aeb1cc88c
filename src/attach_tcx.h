/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCX through bpf(2): the chain of programs at an interface's TC hooks.
 */
#ifndef ATTACH_TCX_H
#define ATTACH_TCX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCX_PROGRAMS 64 /* the kernel's limit for one chain */

/**
 * The ids of the programs in the chain, in the order in which they run.
 * Returns 0, -ENODEV, -EPERM, or -EINVAL when the kernel has no TCX.
 */
int tcx_query(uint32_t ifindex, bool egress, uint32_t ret_ids[TCX_PROGRAMS], size_t *ret_count);

#endif
