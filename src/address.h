/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of IP addresses: what one member of a list may look like, and which
 * addresses a whole list stands for.
 *
 * A member is an address, a prefix, a range "low-high" or "@name", a set of
 * addresses that is kept beside the policies; with "!" in front it is taken out
 * of what the others give. Only such ones: any address but those.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"
#include "policy.h"

struct address_sets;
struct reason;

struct address_prefix {
	struct address address; /* the first one; host bits are zero */
	uint8_t bits; /* 0..32 or 0..128 */
};

struct address_interval {
	struct address low, high; /* inclusive */
};

/* "!", two addresses and what joins them. */
#define ADDRESS_TEXT_MAX 96

/* Bytes of a set's name: letters, digits, ".", "_", "-", the first a letter or digit. */
#define ADDRESS_SET_NAME_MAX 64

/** Bits of an address of @family: 32 or 128. */
unsigned int address_bits(enum pep_family family);

/** < 0, 0, > 0 as memcmp() would on addresses in network order. */
int address_compare(const struct address *a, const struct address *b);

/** Whether the text is a word for any address: "any", and the original's "0.0.0.0", "::", "0". */
bool address_is_any(const char *text);

/** Whether the text can be the name of a set of addresses. */
bool address_set_name_valid(const char *name);

/**
 * Reads one member that is no set. Returns 0; -EINVAL with the reason, @ret unchanged.
 */
int address_range_parse(const char *text, struct address_range *ret, struct reason *reason);

/** The same, also "@name", whose name address_list_clear() frees; or -ENOMEM. */
int address_member_parse(const char *text, struct address_range *ret, struct reason *reason);

/** Prints a member so that address_member_parse() gives it back. */
void address_range_print(const struct address_range *range, char ret_text[ADDRESS_TEXT_MAX]);

/**
 * Length of the shortest prefix in the cover of @range, which is no set: its own
 * length, if it is a prefix.
 */
unsigned int address_range_bits(const struct address_range *range);

/** Frees the members; the list stays usable and empty. */
void address_list_clear(struct address_list *list);

/**
 * Length of the shortest prefix among the members of @family; 0 for any, for a
 * named set and for a list of exclusions only. Returns -1 when no member is of
 * @family.
 */
int address_list_shortest(const struct address_list *list, enum pep_family family);

/** The same without the named sets, as if they were not in the list. */
int address_list_broadest(const struct address_list *list, enum pep_family family);

/** Whether the list can stand for an address of @family, named sets holding some of both. */
bool address_list_has_family(const struct address_list *list, enum pep_family family);

/** Whether the two lists have the same members in the same order. */
bool address_list_equal(const struct address_list *a, const struct address_list *b);

/** No list stands for more intervals of @family; as address_list_intervals(), and quick. */
size_t address_list_intervals_most(const struct address_list *list, const struct address_sets *sets,
				   enum pep_family family);

/** Disjoint intervals that do not touch, else as address_list_expand(). */
int address_list_intervals(const struct address_list *list, const struct address_sets *sets,
			   enum pep_family family, struct address_interval **ret,
			   size_t *ret_count);

/**
 * The minimal cover: disjoint prefixes, ascending, of all addresses of
 * @family that the list stands for. @sets is what it may name; a set that is not
 * in it (NULL: none is) counts as empty. The caller frees *ret; NULL and 0 when
 * there are none. Returns 0 or -ENOMEM.
 */
int address_list_expand(const struct address_list *list, const struct address_sets *sets,
			enum pep_family family, struct address_prefix **ret, size_t *ret_count);

/** The same of a list that names no sets. */
int address_list_prefixes(const struct address_list *list, enum pep_family family,
			  struct address_prefix **ret, size_t *ret_count);

#endif
