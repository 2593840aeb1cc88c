/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which interfaces must show the tags of VLANs, because of which policies.
 */
#ifndef VLAN_POLICIES_H
#define VLAN_POLICIES_H

#include <stdbool.h>

struct policyset;

/** Whether an enabled policy of @set that holds on @interface matches on a VLAN. */
bool vlan_policies_on(const struct policyset *set, const char *interface);

/** Their ids, for a sentence: "a, b and 3 more". The caller frees it; NULL: no memory. */
char *vlan_policies_ids(const struct policyset *set, const char *interface);

#endif
