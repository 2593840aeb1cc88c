/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What rules ask for beyond the five-tuple.
 */
#ifndef PEP_EXTRA_H
#define PEP_EXTRA_H

#include "packet.h"

static __always_inline bool between(__u32 low, __u32 value, __u32 high)
{
	return low <= value && value <= high;
}

static __always_inline bool extra_numbers_match(const struct packet *p,
						const struct pep_extra *extra)
{
	if (extra->fields & PEP_EXTRA_DSCP && !(extra->dscp >> (p->dscp & 63) & 1))
		return false;
	if (extra->fields & PEP_EXTRA_LENGTH &&
	    !between(extra->length_low, p->segment, extra->length_high))
		return false;
	if (extra->fields & PEP_EXTRA_TTL && !between(extra->ttl_low, p->ttl, extra->ttl_high))
		return false;
	return !(extra->fields & PEP_EXTRA_FRAGMENT) ||
	       !!(p->flags & PACKET_FRAGMENT) == extra->fragment;
}

static __always_inline bool extra_matches(const struct packet *p, const struct pep_extra *extra)
{
	if (extra->fields & PEP_EXTRA_INTERFACE && extra->interface != p->interface)
		return false;
	if (extra->fields & PEP_EXTRA_VLAN &&
	    !between(extra->vlan_low, p->vlans >> 16, extra->vlan_high))
		return false;
	if (extra->fields & PEP_EXTRA_TCP_FLAGS &&
	    (p->tcp_flags & extra->tcp_flags_mask) != extra->tcp_flags)
		return false;
	return extra_numbers_match(p, extra);
}

#endif
