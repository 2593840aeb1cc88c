// SPDX-License-Identifier: Apache-2.0
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "address_math.h"
#include "cleanup.h"
#include "reason.h"

static bool quick_ipv4(const char *text, uint32_t *ret);
static int parse_plain(const char *text, struct address_range *ret, struct reason *reason);
static int parse_prefix(const char *text, const char *slash, struct address_range *ret,
			struct reason *reason);
static int parse_span(const char *text, const char *dash, struct address_range *ret,
		      struct reason *reason);
static bool same_addresses(const struct address_range *a, const struct address_range *b);
static void print_address(const struct address *address, enum pep_family family,
			  char ret_text[INET6_ADDRSTRLEN]);

static const char *const any_words[] = { "any", "0.0.0.0", "::", "0" };

bool address_is_any(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(any_words); i++)
		if (!strcasecmp(text, any_words[i]))
			return true;
	return false;
}

int address_range_parse(const char *text, struct address_range *ret, struct reason *reason)
{
	struct address_range range = { .excluded = text[0] == '!' };
	const char *name = text + range.excluded;
	const char *slash, *dash;
	int r;

	if (name[0] == '@')
		return reason_set(reason, "names a set of addresses, which cannot be meant here");
	if (strchr("a:0A", name[0]) && address_is_any(name))
		return reason_set(
			reason,
			range.excluded
				? "excludes every address; one address is written with its "
				  "length, as in \"!0.0.0.0/32\""
				: "stands for any address and cannot be a member beside others; "
				  "the address itself is \"0.0.0.0/32\" or \"::/128\"");
	if (quick_ipv4(name, &range.low.word[0])) {
		range.high = range.low;
		range.prefix_bits = 32;
		*ret = range;
		return 0;
	}
	slash = strchr(name, '/');
	dash = strchr(name, '-');
	if (dash)
		r = parse_span(name, dash, &range, reason);
	else if (slash)
		r = parse_prefix(name, slash, &range, reason);
	else
		r = parse_plain(name, &range, reason);
	if (r < 0)
		return r;
	*ret = range;
	return 0;
}

bool address_set_name_valid(const char *name)
{
	static const char allowed[] =
		"._-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t length = strspn(name, allowed);

	return length && !name[length] && length <= ADDRESS_SET_NAME_MAX && !strchr("._-", *name);
}

int address_member_parse(const char *text, struct address_range *ret, struct reason *reason)
{
	const bool excluded = text[0] == '!';
	const char *name = text + excluded;
	char *set;

	if (name[0] != '@')
		return address_range_parse(text, ret, reason);
	if (!address_set_name_valid(name + 1))
		return reason_set(reason,
				  "names no set of addresses: behind the \"@\" there are 1 to "
				  "%d letters, digits and \"._-\", the first a letter or digit",
				  ADDRESS_SET_NAME_MAX);
	set = strdup(name + 1);
	if (!set)
		return -ENOMEM;
	*ret = (struct address_range){
		.set = set, .prefix_bits = -1, .family = ADDRESS_SET, .excluded = excluded
	};
	return 0;
}

void address_list_clear(struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->range[i].family == ADDRESS_SET)
			free(list->range[i].set);
	free(list->range);
	*list = (struct address_list){ 0 };
}

void address_range_print(const struct address_range *range, char ret_text[ADDRESS_TEXT_MAX])
{
	const char *mark = range->excluded ? "!" : "";
	char low[INET6_ADDRSTRLEN], high[INET6_ADDRSTRLEN];
	struct address none = { 0 };

	if (range->family == ADDRESS_SET) {
		snprintf(ret_text, ADDRESS_TEXT_MAX, "%s@%s", mark, range->set);
		return;
	}
	print_address(&range->low, range->family, low);
	print_address(&range->high, range->family, high);
	if (range->prefix_bits < 0)
		snprintf(ret_text, ADDRESS_TEXT_MAX, "%s%s-%s", mark, low, high);
	else if ((unsigned int)range->prefix_bits < address_bits(range->family) ||
		 !address_compare(&range->low, &none))
		/* An all-zero address without a length would read as any. */
		snprintf(ret_text, ADDRESS_TEXT_MAX, "%s%s/%d", mark, low, range->prefix_bits);
	else
		snprintf(ret_text, ADDRESS_TEXT_MAX, "%s%s", mark, low);
}

bool address_list_equal(const struct address_list *a, const struct address_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct address_range *x = &a->range[i], *y = &b->range[i];

		if (x->family != y->family || x->excluded != y->excluded ||
		    x->prefix_bits != y->prefix_bits || !same_addresses(x, y))
			return false;
	}
	return true;
}

static bool same_addresses(const struct address_range *a, const struct address_range *b)
{
	if (a->family == ADDRESS_SET)
		return !strcmp(a->set, b->set);
	return !address_compare(&a->low, &b->low) && !address_compare(&a->high, &b->high);
}

/* ---- reading */

/* A plain IPv4 address, of which lists may have millions; false: anything else, right or wrong. */
static bool quick_ipv4(const char *text, uint32_t *ret)
{
	uint32_t address = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t byte = 0;
		int digits = 0;

		for (; *text >= '0' && *text <= '9' && digits < 4; digits++)
			byte = byte * 10 + (uint32_t)(*text++ - '0');
		if (!digits || byte > 255 || (digits > 1 && text[-digits] == '0') ||
		    *text++ != "...\0"[i])
			return false;
		address = address << 8 | byte;
	}
	*ret = address;
	return true;
}

/* Refuses what inet_pton() takes and we do not, or explains what it did not. */
static int explain(const char *text, struct reason *reason)
{
	if (strspn(text, "0123456789.") == strlen(text) && *text)
		return reason_set(reason, "is not an IPv4 address: four numbers from 0 to 255 "
					  "without leading zeros, joined by dots");
	if (strchr(text, '%'))
		return reason_set(reason, "has a zone (\"%%...\"): name the interface in "
					  "\"interface\" instead");
	return reason_set(reason, "is not an address, a prefix, a range \"low-high\" or \"any\"");
}

static int read_address(const char *text, struct address *ret, uint8_t *ret_family,
			struct reason *reason)
{
	struct address address = { 0 };
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		address.word[0] = ntohl(v4.s_addr);
		*ret = address;
		*ret_family = PEP_IPV4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) != 1)
		return explain(text, reason);
	if (IN6_IS_ADDR_V4MAPPED(&v6))
		return reason_set(reason,
				  "is an IPv4-mapped address, which no packet carries: "
				  "write %u.%u.%u.%u",
				  v6.s6_addr[12], v6.s6_addr[13], v6.s6_addr[14], v6.s6_addr[15]);
	for (int i = 0; i < 4; i++) {
		uint32_t word;

		memcpy(&word, &v6.s6_addr[i * 4], sizeof(word));
		address.word[i] = ntohl(word);
	}
	*ret = address;
	*ret_family = PEP_IPV6;
	return 0;
}

/* As read_address(), of the first @length bytes of @text. */
static int read_part(const char *text, size_t length, struct address *ret, uint8_t *ret_family,
		     struct reason *reason)
{
	char part[INET6_ADDRSTRLEN + 1];

	if (length >= sizeof(part))
		return explain("", reason);
	memcpy(part, text, length);
	part[length] = '\0';
	return read_address(part, ret, ret_family, reason);
}

static int parse_plain(const char *text, struct address_range *ret, struct reason *reason)
{
	int r = read_address(text, &ret->low, &ret->family, reason);

	if (r < 0)
		return r;
	ret->high = ret->low;
	ret->prefix_bits = (int16_t)address_bits(ret->family);
	return 0;
}

static int refuse_host_bits(const struct address_range *range, const struct address *written,
			    struct reason *reason)
{
	char low[INET6_ADDRSTRLEN], address[INET6_ADDRSTRLEN];

	print_address(&range->low, range->family, low);
	print_address(written, range->family, address);
	return reason_set(reason, "has host bits set: the prefix is %s/%d, the address alone %s/%u",
			  low, range->prefix_bits, address, address_bits(range->family));
}

static int parse_prefix(const char *text, const char *slash, struct address_range *ret,
			struct reason *reason)
{
	const char *digits = slash + 1;
	size_t length = strlen(digits);
	struct address written;
	unsigned int bits = 0;
	int r;

	r = read_part(text, (size_t)(slash - text), &written, &ret->family, reason);
	if (r < 0)
		return r;
	for (size_t i = 0; i < length && i < 3; i++)
		bits = bits * 10 + (unsigned int)(digits[i] - '0');
	if (!length || length > 3 || strspn(digits, "0123456789") != length ||
	    (digits[0] == '0' && length > 1) || bits > address_bits(ret->family))
		return reason_set(reason,
				  "has no valid prefix length: a number from 0 to %u "
				  "behind the \"/\"",
				  address_bits(ret->family));
	ret->prefix_bits = (int16_t)bits;
	ret->low = address_first(&written, bits);
	ret->high = address_last(&written, bits, ret->family);
	if (address_compare(&ret->low, &written))
		return refuse_host_bits(ret, &written, reason);
	return 0;
}

static int parse_span(const char *text, const char *dash, struct address_range *ret,
		      struct reason *reason)
{
	uint8_t family = ret->family;
	int r;

	r = read_part(text, (size_t)(dash - text), &ret->low, &ret->family, reason);
	if (r < 0)
		return r;
	r = read_address(dash + 1, &ret->high, &family, reason);
	if (r < 0)
		return r;
	if (family != ret->family)
		return reason_set(reason, "is a range from one family into the other");
	if (address_compare(&ret->low, &ret->high) > 0)
		return reason_set(reason, "is a range that ends before it begins");
	ret->prefix_bits = -1;
	return 0;
}

static void print_address(const struct address *address, enum pep_family family,
			  char ret_text[INET6_ADDRSTRLEN])
{
	uint32_t words[4];

	for (int i = 0; i < 4; i++)
		words[i] = htonl(address->word[i]);
	if (!inet_ntop(family == PEP_IPV4 ? AF_INET : AF_INET6, words, ret_text, INET6_ADDRSTRLEN))
		ret_text[0] = '\0';
}
