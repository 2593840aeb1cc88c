/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel must have, asked before anything is loaded.
 */
#ifndef DATAPATH_KERNEL_H
#define DATAPATH_KERNEL_H

/** 0 if the kernel has what programs call, else -EOPNOTSUPP and what it lacks in @ret_detail. */
int datapath_check_kernel(char **ret_detail);

#endif
