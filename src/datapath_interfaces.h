/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces as the programs know them.
 */
#ifndef DATAPATH_INTERFACES_H
#define DATAPATH_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

struct datapath;

/**
 * Tells the programs about an interface, before it is attached. An id belongs
 * to a name while an interface that is attached or a policy has it. Returns 0, -ENOSPC,
 * -ENOMEM or -errno.
 */
int datapath_interface_add(struct datapath *datapath, uint32_t ifindex, const char *name, bool l3);
/** Forgets an interface; its id stays the name's. */
void datapath_interface_remove(struct datapath *datapath, uint32_t ifindex);

/** The id of a name, made when it is new. Returns it or -errno. */
int datapath_interface_id(struct datapath *datapath, const char *name);

#endif
