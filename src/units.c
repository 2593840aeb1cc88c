// SPDX-License-Identifier: Apache-2.0
#include "units.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "reason.h"

struct unit {
	const char *name;
	uint64_t factor; /* bits, or packets */
	bool printed; /* units_print() may choose it */
};

/* Exactly as written: "Mb" could mean either, so it is not there. */
static const struct unit byte_units[] = {
	{ "TB", 8000000000000, true },
	{ "GB", 8000000000, true },
	{ "MB", 8000000, true },
	{ "kB", 8000, true },
	{ "TiB", 8ULL << 40, true },
	{ "GiB", 8ULL << 30, true },
	{ "MiB", 8ULL << 20, true },
	{ "KiB", 8ULL << 10, true },
	{ "B", 8, true },
	{ "", 8, false },
	{ "KB", 8000, false },
	{ "Tbit", 1000000000000, false },
	{ "Gbit", 1000000000, false },
	{ "Mbit", 1000000, false },
	{ "kbit", 1000, false },
	{ "Kbit", 1000, false },
	{ "bit", 1, false },
};

static const struct unit packet_units[] = {
	{ "G", 1000000000, true }, { "M", 1000000, true },  { "k", 1000, true }, { "", 1, true },
	{ "K", 1000, false },	   { "packets", 1, false }, { "p", 1, false },
};

static const struct kind {
	const struct unit *unit;
	size_t count;
	uint64_t one; /* factor of what is counted */
	const char *examples, *rate_examples;
} kinds[] = {
	[UNITS_BYTES] = { byte_units, ARRAY_SIZE(byte_units), 8, "64KiB, 10MB or 1500",
			  "10MB/s, 100Mbit/s or 64KiB/s" },
	[UNITS_PACKETS] = { packet_units, ARRAY_SIZE(packet_units), 1, "1000, 10k or 1M",
			    "1000/s or 10k/s" },
};

/* A decimal number as digits and how many of them stand behind the point. */
struct decimal {
	uint64_t digits;
	uint64_t divisor; /* 10 to the number of digits behind the point */
};

/* Returns what follows the number, or NULL when there is none or it is too long. */
static const char *read_decimal(const char *text, struct decimal *ret)
{
	bool point = false;
	int digits = 0;

	*ret = (struct decimal){ 0, 1 };
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point && digits); text++) {
		if (*text == '.') {
			point = true;
			if (text[1] < '0' || text[1] > '9')
				return NULL;
			continue;
		}
		/* 18 digits fit into 64 bits. */
		if (++digits > 18)
			return NULL;
		ret->digits = ret->digits * 10 + (uint64_t)(*text - '0');
		ret->divisor *= point ? 10 : 1;
	}
	return digits ? text : NULL;
}

/* Takes "/s" off the end of *length bytes. */
static bool take_per_second(const char *text, size_t *length)
{
	if (*length < 2 || memcmp(text + *length - 2, "/s", 2) != 0)
		return false;
	*length -= 2;
	return true;
}

static const struct unit *find_unit(const struct kind *kind, const char *name, size_t length)
{
	for (size_t i = 0; i < kind->count; i++)
		if (strlen(kind->unit[i].name) == length &&
		    !memcmp(kind->unit[i].name, name, length))
			return &kind->unit[i];
	return NULL;
}

static int multiply(const struct decimal *number, uint64_t factor, uint64_t one, uint64_t *ret,
		    struct reason *reason)
{
	uint64_t product;

	if (__builtin_mul_overflow(number->digits, factor, &product) ||
	    product / number->divisor / one > UNITS_MAX)
		return reason_set(reason, "is more than 10^12");
	if (product % number->divisor || product / number->divisor % one)
		return reason_set(reason, "is not a whole number of %s",
				  one == 8 ? "bytes" : "packets");
	*ret = product / number->divisor / one;
	return 0;
}

int units_parse(const char *text, enum units_kind kind, bool per_second, uint64_t *ret,
		struct reason *reason)
{
	const struct kind *table = &kinds[kind];
	const char *examples = per_second ? table->rate_examples : table->examples;
	const struct unit *unit;
	struct decimal number;
	const char *name = read_decimal(text, &number);
	size_t length = name ? strlen(name) : 0;

	if (!name)
		return reason_set(reason, "is not a number with a unit, such as %s", examples);
	name += *name == ' ';
	length = strlen(name);
	if (per_second && kind == UNITS_PACKETS && !strcmp(name, "pps"))
		length = 0;
	else if (per_second && !take_per_second(name, &length) && length)
		return reason_set(reason, "is not a rate: write it as %s", examples);
	unit = find_unit(table, name, length);
	if (!unit)
		return reason_set(reason, "has an unknown unit: write it as %s", examples);
	return multiply(&number, unit->factor, table->one, ret, reason);
}

void units_print(uint64_t amount, enum units_kind kind, bool per_second,
		 char ret_text[UNITS_TEXT_MAX])
{
	const struct kind *table = &kinds[kind];
	uint64_t least = amount;
	const char *name = kind == UNITS_BYTES ? "B" : "";

	for (size_t i = 0; amount && i < table->count; i++) {
		uint64_t factor = table->unit[i].factor / table->one;

		if (!table->unit[i].printed || amount % factor || amount / factor >= least)
			continue;
		least = amount / factor;
		name = table->unit[i].name;
	}
	snprintf(ret_text, UNITS_TEXT_MAX, "%llu%s%s", (unsigned long long)least, name,
		 per_second ? "/s" : "");
}

bool units_are_bytes(const char *text)
{
	struct decimal number;
	const char *name = read_decimal(text, &number);
	size_t length;

	if (!name)
		return false;
	name += *name == ' ';
	length = strlen(name);
	take_per_second(name, &length);
	return length && find_unit(&kinds[UNITS_BYTES], name, length);
}

/* ---- durations */

static const struct {
	char letter;
	uint32_t seconds;
} periods[] = {
	{ 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 },
};

#define DURATION_DIGITS 12

static int refuse_duration(struct reason *reason)
{
	return reason_set(reason, "is not a duration such as 90s, 5m, 1h30m, 2d or 1w");
}

int duration_parse(const char *text, uint64_t *ret_seconds, struct reason *reason)
{
	uint64_t seconds = 0;
	size_t period = 0;

	if (!*text)
		return refuse_duration(reason);
	while (*text) {
		size_t digits = strspn(text, "0123456789");
		uint64_t number = 0;

		if (!digits || digits > DURATION_DIGITS)
			return refuse_duration(reason);
		for (size_t i = 0; i < digits; i++)
			number = number * 10 + (uint64_t)(*text++ - '0');
		/* A bare number is of seconds, and stands alone. */
		if (!*text && period == 0) {
			*ret_seconds = number;
			return 0;
		}
		while (period < ARRAY_SIZE(periods) && periods[period].letter != *text)
			period++;
		if (!*text || period == ARRAY_SIZE(periods))
			return refuse_duration(reason);
		seconds += number * periods[period++].seconds;
		text++;
	}
	*ret_seconds = seconds;
	return 0;
}

void duration_print(uint64_t seconds, char ret_text[UNITS_TEXT_MAX])
{
	size_t i = 0, length;

	while (i + 1 < ARRAY_SIZE(periods) && seconds < periods[i].seconds)
		i++;
	length = (size_t)snprintf(ret_text, UNITS_TEXT_MAX, "%llu%c",
				  (unsigned long long)(seconds / periods[i].seconds),
				  periods[i].letter);
	seconds %= periods[i].seconds;
	i++;
	if (i < ARRAY_SIZE(periods) && seconds / periods[i].seconds)
		snprintf(ret_text + length, UNITS_TEXT_MAX - length, "%llu%c",
			 (unsigned long long)(seconds / periods[i].seconds), periods[i].letter);
}
