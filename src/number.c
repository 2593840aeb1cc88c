// SPDX-License-Identifier: Apache-2.0
#include "number.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "reason.h"

int number_parse(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t number = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	if (strspn(text, "0123456789") != strlen(text))
		return -EINVAL;
	for (; *text; text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (number > (max - digit) / 10 || max < digit)
			return -ERANGE;
		number = number * 10 + digit;
	}
	*ret = number;
	return 0;
}

int number_range_parse(const char *text, uint16_t max, struct number_range *ret,
		       struct reason *reason)
{
	const char *dash = strchr(text, '-');
	size_t length = dash ? (size_t)(dash - text) : strlen(text);
	char first[NUMBER_TEXT_MAX] = "";
	uint64_t low = 0, high = 0;
	int r = -EINVAL;

	if (length < sizeof(first)) {
		snprintf(first, sizeof(first), "%.*s", (int)length, text);
		r = number_parse(first, max, &low);
	}
	if (!r) {
		high = low;
		if (dash)
			r = number_parse(dash + 1, max, &high);
	}
	if (r < 0)
		return reason_set(reason,
				  "is not a number from 0 to %u nor a range \"low-high\" "
				  "of them",
				  max);
	if (low > high)
		return reason_set(reason, "is a range that ends before it begins");
	*ret = (struct number_range){ (uint16_t)low, (uint16_t)high };
	return 0;
}

void number_range_print(const struct number_range *range, char ret_text[NUMBER_TEXT_MAX])
{
	if (range->low == range->high)
		snprintf(ret_text, NUMBER_TEXT_MAX, "%u", range->low);
	else
		snprintf(ret_text, NUMBER_TEXT_MAX, "%u-%u", range->low, range->high);
}

bool number_list_equal(const struct number_list *a, const struct number_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->range[i].low != b->range[i].low || a->range[i].high != b->range[i].high)
			return false;
	return true;
}

/* The lowest number >= @from that is in the list and, behind it, the end of its range. */
static bool next_range(const struct number_list *list, uint32_t from, uint32_t *ret_low,
		       uint32_t *ret_high)
{
	bool found = false;

	for (size_t i = 0; i < list->count; i++) {
		uint32_t low = list->range[i].low > from ? list->range[i].low : from;

		if (list->range[i].high < from || (found && low > *ret_low))
			continue;
		if (!found || low < *ret_low || list->range[i].high > *ret_high)
			*ret_high = list->range[i].high;
		*ret_low = low;
		found = true;
	}
	return found;
}

uint32_t number_list_span(const struct number_list *list)
{
	uint32_t span = 0, from = 0, low = 0, high = 0;

	if (!list->count)
		return 65536;
	while (next_range(list, from, &low, &high)) {
		span += high - low + 1;
		from = high + 1;
	}
	return span;
}
