/* SPDX-License-Identifier: Apache-2.0 */
/* What a list of addresses consists of; what one can do with it is address.h. */
#ifndef ADDRESS_LIST_H
#define ADDRESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pep.h"

/* Either family in 128 bits, first word first; IPv4 in word 0 with the rest zero. */
struct address {
	uint32_t word[4];
};

/* The family of a member that names a set of addresses, which may be of both. */
#define ADDRESS_SET PEP_FAMILIES

/* One member of a list of addresses: low..high inclusive. `prefix_bits` is
 * the prefix length if it was written as an address or prefix, else -1. */
struct address_range {
	union {
		struct {
			struct address low, high;
		};
		char *set; /* of ADDRESS_SET: what is behind "@", owned by the list */
	};
	int16_t prefix_bits;
	uint8_t family; /* enum pep_family or ADDRESS_SET */
	bool excluded; /* written with "!" */
};

/* Empty: any address of either family. */
struct address_list {
	struct address_range *range;
	size_t count;
};

#endif
