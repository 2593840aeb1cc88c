/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ethtool knows about an interface that matters for attaching.
 */
#ifndef ATTACH_DEVICE_H
#define ATTACH_DEVICE_H

#define DEVICE_DRIVER_BYTES 32

/** The driver's name, "" when the interface does not say. */
void device_driver(const char *interface, char ret[DEVICE_DRIVER_BYTES]);

/**
 * Whether the receiving side takes VLAN tags out of the frame, so that XDP
 * cannot see them; what does not say does not. @ret_off gets the arguments of
 * `ethtool -K` that end it (static), NULL when tags stay. Returns 0 or -errno.
 */
int device_strips_vlan(const char *interface, const char **ret_off);

#endif
