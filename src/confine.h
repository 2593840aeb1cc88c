/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon gives up before it reads anything that others wrote, so that
 * code that got into it cannot have it either.
 */
#ifndef CONFINE_H
#define CONFINE_H

/**
 * From now on no program is executed, of whatever kind of file, by this thread
 * and those it makes.  Returns 0 or -errno: -EINVAL when the kernel has no
 * filters of system calls.
 */
int confine_to_this_program(void);

#endif
