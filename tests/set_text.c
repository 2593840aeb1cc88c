// SPDX-License-Identifier: Apache-2.0
#include "set_text.h"

#include <stdlib.h>
#include <string.h>

#include "address_set.h"
#include "address_set_text.h"
#include "address_sets.h"
#include "cleanup.h"
#include "problem.h"

struct address_set *set_from(const char *name, const char *text)
{
	const struct address_set_source source = { .name = name, .now_us = SET_NOW_US };
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_free) char *lines = strdup(text);
	struct address_set *set = NULL;

	ck_assert_ptr_nonnull(lines);
	/* "_" stands for the space within a line. */
	for (char *c = lines; *c; c++)
		*c = *c == ' ' ? '\n' : *c == '_' ? ' ' : *c;
	ck_assert_msg(!address_set_parse_text(&source, lines, strlen(lines), &set, &problems),
		      "%s: %s", text, problems.count ? problems.list[0].detail : "");
	set->origin = ORIGIN_API;
	return set;
}

const char *set_text(const struct address_set *set)
{
	static char text[8192];
	size_t length = 0;

	text[0] = '\0';
	for (int family = 0; family < PEP_FAMILIES; family++) {
		for (size_t i = 0; i < set->list[family].count; i++) {
			char line[ADDRESS_ENTRY_TEXT_MAX];

			address_entry_print_line(&set->list[family].entry[i],
						 (enum pep_family)family, line);
			length +=
				(size_t)snprintf(text + length, sizeof(text) - length, "%s ", line);
			ck_assert_uint_lt(length, sizeof(text));
		}
	}
	return text;
}

struct address_sets *sets_with(struct address_sets *sets, struct address_set *set)
{
	struct address_sets *more = NULL;

	ck_assert_ptr_nonnull(sets);
	ck_assert_int_eq(address_sets_with(sets, set, &more), 0);
	address_sets_put(&sets);
	address_set_put(&set);
	return more;
}
