/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps this machine within reach: connections to ssh and to the API that
 * are established, the default gateways, and the resolvers.
 */
#ifndef LIFELINES_H
#define LIFELINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

struct settings;

#define LIFELINE_FRAME_BYTES 128
#define LIFELINE_ADDRESS_TEXT 46

struct lifeline {
	char what[160]; /* "the connection of 192.0.2.7:51514 to port 22" */
	uint32_t ifindex; /* that leads to the other end */
	enum pep_family family;
	unsigned char local[16], remote[16]; /* as on the wire; IPv4 uses the first 4 bytes */
	uint8_t protocol;
	uint16_t local_port, remote_port; /* 0: no ports */
};

struct lifelines {
	struct lifeline *list;
	size_t count;
};

/**
 * Finds them; those that cannot be found out are left out. Reads sockets, routes and resolv.conf.
 * Any thread. Returns 0 or -ENOMEM.
 */
int lifelines_find(const struct settings *settings, struct lifelines *ret);

/** Frees the list. */
void lifelines_clear(struct lifelines *lifelines);

/** Appends one; its interface, and its own address if that is zero, are found by the route to the
 * other end. What has no route is left out, and what is there already. Returns 0 or -ENOMEM. */
int lifelines_add(struct lifelines *lifelines, const struct lifeline *lifeline);

/**
 * A packet of it as the interface sees it in that direction, with an Ethernet header. Returns its
 * size.
 */
size_t lifeline_frame(const struct lifeline *lifeline, enum pep_direction direction,
		      unsigned char ret[LIFELINE_FRAME_BYTES]);

/* ---- lifelines_sockets.c */

#define LIFELINE_PORTS_MOST 6

struct lifeline_ports {
	uint16_t port[LIFELINE_PORTS_MOST];
	size_t count; /* >= 1 */
};

/** Appends the established TCP connections to these ports. Returns 0 or -errno. */
int lifelines_add_sockets(struct lifelines *lifelines, const struct lifeline_ports *ports);

/* ---- lifelines_route.c */

struct lifeline_route {
	uint32_t ifindex;
	bool has_gateway, has_source;
	unsigned char gateway[16], source[16];
};

/** Asks the kernel for the route to an address. Returns 0 or -errno. */
int lifeline_find_route(enum pep_family family, const unsigned char *address,
			struct lifeline_route *ret);

#endif
