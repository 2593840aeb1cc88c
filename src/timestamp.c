// SPDX-License-Identifier: Apache-2.0
#include "timestamp.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "reason.h"

#define SECOND_US 1000000

/* "d" stands for a digit. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; text++, form++)
		if (*form == 'd' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return true;
}

static int number(const char *digits, int count)
{
	int value = 0;

	while (count-- > 0)
		value = value * 10 + *digits++ - '0';
	return value;
}

/* The calendar's opinion: a day that it does not have comes back as another. */
static bool to_seconds(const char *text, int64_t *ret)
{
	struct tm wanted = {
		.tm_year = number(text, 4) - 1900,
		.tm_mon = number(text + 5, 2) - 1,
		.tm_mday = number(text + 8, 2),
		.tm_hour = number(text + 11, 2),
		.tm_min = number(text + 14, 2),
		.tm_sec = number(text + 17, 2),
	};
	struct tm given = wanted;

	*ret = timegm(&given);
	return wanted.tm_year >= 70 && given.tm_year == wanted.tm_year &&
	       given.tm_mon == wanted.tm_mon && given.tm_mday == wanted.tm_mday &&
	       given.tm_hour == wanted.tm_hour && given.tm_min == wanted.tm_min &&
	       given.tm_sec == wanted.tm_sec;
}

/* Digits behind the point, as microseconds; *text moves behind them. */
static int fraction(const char **text)
{
	int us = 0, digits;

	for (digits = 0; has_form(*text, "d"); digits++, (*text)++)
		if (digits < 6)
			us = us * 10 + **text - '0';
	if (!digits || digits > 9)
		return -1;
	for (; digits < 6; digits++)
		us *= 10;
	return us;
}

int timestamp_parse(const char *text, int64_t *ret_us, struct reason *reason)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	const char *behind = text + strlen(form);
	int64_t seconds;
	int us = 0;

	if (!has_form(text, form))
		return reason_set(reason,
				  "is not a time as in RFC 3339: 2026-01-31T23:59:59Z, in UTC");
	if (*behind == '.') {
		behind++;
		us = fraction(&behind);
	}
	if (us < 0)
		return reason_set(reason, "has no valid fraction of a second: 1 to 9 digits");
	if (strcmp(behind, "Z") != 0)
		return reason_set(reason, "is not in UTC: a time ends with \"Z\"");
	if (!to_seconds(text, &seconds))
		return reason_set(reason, "names a day or time that the calendar from 1970 to "
					  "9999 does not have");
	*ret_us = seconds * SECOND_US + us;
	return 0;
}

void timestamp_print(int64_t us, char ret_text[TIMESTAMP_TEXT_MAX])
{
	time_t seconds = (time_t)(us / SECOND_US);
	int rest = (int)(us % SECOND_US);
	struct tm tm;
	size_t length;

	ret_text[0] = '\0';
	if (us < 0 || us > TIMESTAMP_MAX_US || !gmtime_r(&seconds, &tm))
		return;
	length = strftime(ret_text, TIMESTAMP_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest)
		snprintf(ret_text + length, TIMESTAMP_TEXT_MAX - length, ".%06dZ", rest);
	else
		snprintf(ret_text + length, TIMESTAMP_TEXT_MAX - length, "Z");
}
