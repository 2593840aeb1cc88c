/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver of an interface can do with XDP, as the kernel says of it.
 */
#ifndef XDP_FEATURES_H
#define XDP_FEATURES_H

#include <stdint.h>

#define XDP_FEATURE_BASIC (1U << 0) /* it runs programs */
#define XDP_FEATURE_FRAGS (1U << 5) /* also on packets in several buffers */

/** A bit each. Returns 0, -EOPNOTSUPP when this kernel does not say (before 6.3), or -errno. */
int xdp_features(uint32_t ifindex, uint64_t *ret);

#endif
