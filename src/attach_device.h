/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ethtool knows about an interface that matters for attaching.
 */
#ifndef ATTACH_DEVICE_H
#define ATTACH_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#define DEVICE_DRIVER_BYTES 32

/* Queues in use and how many there could be: `ethtool -l`. */
struct device_queues {
	uint32_t rx, rx_max;
	uint32_t tx, tx_max;
	uint32_t combined, combined_max;
};

/** The driver's name, "" when the interface does not say. */
void device_driver(const char *interface, char ret[DEVICE_DRIVER_BYTES]);

/**
 * Whether the receiving side takes VLAN tags out of the frame, so that XDP
 * cannot see them; what does not say does not. @ret_off gets the arguments of
 * `ethtool -K` that end it (static), NULL when tags stay. Returns 0 or -errno.
 */
int device_strips_vlan(const char *interface, const char **ret_off);

/** Whether a feature of `ethtool -k` is on, by the kernel's name: "rx-lro". False where it does not say. */
bool device_feature_is_on(const char *interface, const char *name);

/** Returns 0, or -EOPNOTSUPP when it does not say. */
int device_queues(const char *interface, struct device_queues *ret);

#endif
