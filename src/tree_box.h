/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A rule as the cuts see it: which bits of the key it fixes, and to what.  There
 * is one for every rule, and all are gone through for every cut, so they are
 * small.  Used by tree*.c and image_forest.c alone.
 */
#ifndef TREE_BOX_H
#define TREE_BOX_H

#include <stdint.h>

#include "pep.h"

struct rule;

#define BOX_COVERS (1 << 0) /* nothing but the key decides whether the rule matches */
#define BOX_BLOCK(port) (1 << (1 + (port))) /* the range is what its fixed bits say */
#define BOX_PROTOCOL (1 << 3) /* it wants a protocol */
#define BOX_PORTS (1 << 4) /* it wants ports */

struct box {
	uint32_t address[PEP_KEY_PORTS]; /* as in the key */
	uint16_t port_low[2], port_high[2]; /* destination, source */
	uint8_t bits[2]; /* prefix lengths: source, destination */
	uint8_t port_open[2]; /* lower bits of a port that the range leaves open */
	uint8_t protocol;
	uint8_t flags; /* BOX_ */
	uint32_t slot;
};

/** What a rule fixes of the key. */
void box_make(const struct rule *rule, struct box *box);

/** The bits of a word of the key that it fixes. */
static inline uint32_t box_fixed(const struct box *box, unsigned int word)
{
	if (word < PEP_KEY_PORTS) {
		unsigned int bits = box->bits[word / PEP_KEY_DST],
			     above = 32 * (word % PEP_KEY_DST);

		if (bits <= above)
			return 0;
		return bits - above >= 32 ? ~0U : ~(~0U >> (bits - above));
	}
	if (word == PEP_KEY_PORTS)
		return (0xffffU >> box->port_open[0] << box->port_open[0]) |
		       (0xffffU >> box->port_open[1] << box->port_open[1]) << 16;
	return (box->flags & BOX_PROTOCOL ? PEP_PROTOCOL_NUMBER : 0) |
	       (box->flags & BOX_PORTS ? PEP_PROTOCOL_PORTS : 0);
}

/** What it fixes them to; of bits that it does not fix, anything. */
static inline uint32_t box_value(const struct box *box, unsigned int word)
{
	if (word < PEP_KEY_PORTS)
		return box->address[word];
	if (word == PEP_KEY_PORTS)
		return box->port_low[0] | (uint32_t)box->port_low[1] << 16;
	return box->protocol | (box->flags & BOX_PORTS ? PEP_PROTOCOL_PORTS : 0);
}

#endif
