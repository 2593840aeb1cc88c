/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which packets a policy matches, exactly, as sets of numbers in as many
 * dimensions as there are members; and the search for a packet that a policy
 * matches and others do not.
 *
 * What members mean depends on the family, the protocol and whether the packet
 * is a fragment: ports, an ICMP type, the least length.  So there is a space for
 * each combination, a part, and in each part a policy is one box: the product
 * of its sets.
 */
#ifndef REGION_H
#define REGION_H

#include "pep.h"
#include "span.h"

struct address_sets;
struct policy;
struct string_list;

enum region_dimension {
	REGION_DIRECTION,
	REGION_PROTOCOL,
	REGION_SRC,
	REGION_DST,
	REGION_FIRST, /* source port, or ICMP type */
	REGION_SECOND, /* destination port, or ICMP code */
	REGION_FLAGS, /* of TCP */
	REGION_INTERFACE, /* 0: one that no policy names, else its index in the names + 1 */
	REGION_VLAN,
	REGION_DSCP,
	REGION_LENGTH,
	REGION_TTL,
	REGION_DIMENSIONS
};

enum region_class {
	REGION_TCP,
	REGION_UDP,
	REGION_SCTP,
	REGION_ICMP,
	REGION_OTHER,
	REGION_CLASSES
};

#define REGION_PARTS (PEP_FAMILIES * REGION_CLASSES * 2)
#define REGION_PART(family, class, fragment) (((family)*REGION_CLASSES + (class)) * 2 + (fragment))
#define REGION_FAMILY(part) ((enum pep_family)((part) / 2 / REGION_CLASSES))
#define REGION_CLASS(part) ((enum region_class)((part) / 2 % REGION_CLASSES))
#define REGION_FRAGMENT(part) ((part) % 2)

struct region_box {
	struct spans dimension[REGION_DIMENSIONS];
};

struct region {
	bool any[REGION_PARTS]; /* whether it matches some of the part */
	struct region_box box[REGION_PARTS];
};

/* A packet, as a number in each dimension. */
struct region_point {
	int part;
	span_number value[REGION_DIMENSIONS];
};

/* What policies may name. */
struct region_names {
	const char *const *interface; /* ascending */
	size_t interfaces;
	const struct address_sets *sets; /* NULL: none is known */
	struct spans (*of_set)[PEP_FAMILIES]; /* room for as many, at first 0; NULL: none */
};

/** By strcmp(), for qsort(): the order of the names of interfaces. */
int region_compare_names(const void *a, const void *b);

/**
 * Fills in @ret, of spans that @arena keeps. Returns 0; -ENOENT when it names a set that is
 * not known; -E2BIG when its addresses are too many, or for what is left of @arena or *work;
 * -ENOMEM.
 */
int region_make(const struct policy *policy, const struct region_names *names,
		struct span_arena *arena, size_t *work, struct region *ret);

/** The bytes of the headers of a packet of a part, which has no fewer. */
unsigned int region_headers(int part);

/* Both take the spans that they look at off *work, and with none left say what claims least. */

/** Whether all of @b's packets of the family are @a's too. */
bool region_contains(const struct region *a, const struct region *b, enum pep_family family,
		     size_t *work);
/** Whether some packet of a family may be in both. */
bool region_meets(const struct region *a, const struct region *b, enum pep_family family,
		  size_t *work);

/* A search: of a packet that is in all of `in` and in none of `out`. */
struct region_search {
	const struct region *in[3];
	size_t ins;
	const struct region *const *out;
	size_t outs;
	enum pep_family family;
	span_number length; /* that is preferred; 0: the least */
	struct span_arena *arena; /* to work with; REGION_SEARCH_SPANS will do */
	size_t *work; /* how many spans may still be looked at; taken off */
};

#define REGION_SPANS (1 << 18) /* room for all regions of many policies, 8 MiB */
#define REGION_SEARCH_SPANS 100000

/** Returns 1 with a packet, 0 when there is none, -E2BIG when it gives up. */
int region_search(const struct region_search *search, struct region_point *ret);

/** Whether a packet is in it. */
bool region_has(const struct region *region, const struct region_point *point);

#endif
