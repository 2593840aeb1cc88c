/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic on struct address: 128 bits in four words, portable to compilers
 * without a type of that size. An IPv4 address is in the first word, so what
 * counts or carries starts from the last word of its family.
 */
#ifndef ADDRESS_MATH_H
#define ADDRESS_MATH_H

#include <stdbool.h>

#include "pep.h"
#include "policy.h"

/** The first address of the prefix of @bits that @address lies in. */
struct address address_first(const struct address *address, unsigned int bits);

/** The last one. */
struct address address_last(const struct address *address, unsigned int bits,
			    enum pep_family family);

/** Adds one; false when it was the family's last. */
bool address_increment(struct address *address, enum pep_family family);

/** Subtracts one; false when it was the first. */
bool address_decrement(struct address *address, enum pep_family family);

/** Length of the largest prefix that begins at @low and ends no later than @high. */
unsigned int address_largest_prefix(const struct address *low, const struct address *high,
				    enum pep_family family);

#endif
