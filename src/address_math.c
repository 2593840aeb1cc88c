// SPDX-License-Identifier: Apache-2.0
#include "address_math.h"

#include "address.h"

/* The network mask of word @i for a prefix of @bits. */
static uint32_t mask(unsigned int bits, unsigned int i)
{
	if (bits <= i * 32)
		return 0;
	if (bits >= (i + 1) * 32)
		return UINT32_MAX;
	return UINT32_MAX << (32 - bits % 32);
}

static unsigned int words(enum pep_family family)
{
	return family == PEP_IPV4 ? 1 : 4;
}

unsigned int address_bits(enum pep_family family)
{
	return words(family) * 32;
}

int address_compare(const struct address *a, const struct address *b)
{
	for (int i = 0; i < 4; i++)
		if (a->word[i] != b->word[i])
			return a->word[i] < b->word[i] ? -1 : 1;
	return 0;
}

struct address address_first(const struct address *address, unsigned int bits)
{
	struct address first;

	for (unsigned int i = 0; i < 4; i++)
		first.word[i] = address->word[i] & mask(bits, i);
	return first;
}

struct address address_last(const struct address *address, unsigned int bits,
			    enum pep_family family)
{
	struct address last = { 0 };

	for (unsigned int i = 0; i < words(family); i++)
		last.word[i] = address->word[i] | ~mask(bits, i);
	return last;
}

bool address_increment(struct address *address, enum pep_family family)
{
	for (unsigned int i = words(family); i-- > 0;)
		if (++address->word[i])
			return true;
	return false;
}

bool address_decrement(struct address *address, enum pep_family family)
{
	for (unsigned int i = words(family); i-- > 0;)
		if (address->word[i]--)
			return true;
	return false;
}

/* The shortest prefix that an address can be the first of. */
static unsigned int aligned_bits(const struct address *address, enum pep_family family)
{
	for (unsigned int i = words(family); i-- > 0;)
		if (address->word[i])
			return 32 * (i + 1) - (unsigned int)__builtin_ctz(address->word[i]);
	return 0;
}

/* Shorter prefixes from @low end later: a binary search finds the one that ends in time. */
unsigned int address_largest_prefix(const struct address *low, const struct address *high,
				    enum pep_family family)
{
	unsigned int shortest = aligned_bits(low, family), longest = address_bits(family);

	while (shortest < longest) {
		unsigned int middle = (shortest + longest) / 2;
		struct address last = address_last(low, middle, family);

		if (address_compare(&last, high) > 0)
			shortest = middle + 1;
		else
			longest = middle;
	}
	return shortest;
}
