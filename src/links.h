/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of the interfaces, kept by libnl from rtnetlink messages.  The
 * only file that knows libnl is links.c.
 */
#ifndef LINKS_H
#define LINKS_H

#include <stdbool.h>
#include <stdint.h>

struct links;

struct link {
	uint32_t ifindex;
	char name[16];
	char kind[16]; /* "veth", "vlan" ...; "" for hardware */
	uint32_t mtu;
	uint32_t master; /* ifindex of bond or bridge; 0: none */
	uint32_t parent; /* ifindex of the link below, e.g. of a VLAN; 0: none here */
	bool loopback;
	bool l3; /* no Ethernet header: tun, wireguard, ip tunnels */
	bool alien; /* neither Ethernet nor bare IP (InfiniBand, CAN ...): cannot be parsed */
	bool up;
};

enum link_event { LINK_NEW, LINK_CHANGED, LINK_GONE };

typedef void (*links_callback)(void *context, enum link_event event, const struct link *link);

/**
 * Opens the cache and fills it. @callback is called from links_read() for
 * every later change. Returns 0 or -errno.
 */
int links_open(links_callback callback, void *context, struct links **ret);

/** The fd to poll for reading. */
int links_fd(const struct links *links);

/** Takes in what has arrived and calls back. Returns 0 or -errno. */
int links_read(struct links *links);

/** Calls @callback with LINK_NEW for each interface there is. */
void links_each(const struct links *links, links_callback callback, void *context);

/** Fills @ret; -ENODEV when there is none. */
int links_find(const struct links *links, uint32_t ifindex, struct link *ret);

/** Closes the cache. Tolerates NULL. */
void links_close(struct links **links);

#endif
