/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of addresses as text and as JSON, in both directions.
 *
 * Text: one entry a line, an address, a prefix or a range; behind it
 * "ttl=SECONDS" or "expires=TIME" where it ends; "#" begins a comment.
 * JSON: {"entries": ["192.0.2.0/24", {"address": "...", "expires_at": "..."}]}.
 */
#ifndef ADDRESS_SET_TEXT_H
#define ADDRESS_SET_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "timestamp.h"

struct address_entry;
struct address_set;
struct json_object;
struct problems;

#define ADDRESS_ENTRY_TEXT_MAX (ADDRESS_TEXT_MAX + TIMESTAMP_TEXT_MAX + 32)

/* Bad entries that are named one by one; more are only counted. */
#define ADDRESS_SET_PROBLEMS_MAX 100

/* What is read, and from where. */
struct address_set_source {
	const char *name; /* of the set */
	const char *path; /* of the file; NULL: by API, else there is no "ttl"; "" unnamed */
	int64_t now_us; /* CLOCK_REALTIME: what has ended is left out, with a warning */
};

/**
 * Reads the text form. Every bad line is named in @problems, up to
 * ADDRESS_SET_PROBLEMS_MAX. Returns 0, -EINVAL when there was one, -ENOMEM. The
 * caller puts *ret.
 */
int address_set_parse_text(const struct address_set_source *source, const char *text, size_t size,
			   struct address_set **ret, struct problems *problems);

/** Reads the JSON form. As address_set_parse_text(). */
int address_set_parse_json(const struct address_set_source *source, struct json_object *json,
			   struct address_set **ret, struct problems *problems);

/**
 * Reads {"add": [...], "remove": [...]}, either of which may be absent: two
 * sets for address_set_edit(). As address_set_parse_text().
 */
int address_set_parse_patch(const struct address_set_source *source, struct json_object *json,
			    struct address_set **ret_add, struct address_set **ret_remove,
			    struct problems *problems);

/** Prints an entry without its end: the shortest text of what it covers. */
void address_entry_print(const struct address_entry *entry, enum pep_family family,
			 char ret_text[ADDRESS_TEXT_MAX]);

/** Prints it as a line of the text form, without a newline. */
void address_entry_print_line(const struct address_entry *entry, enum pep_family family,
			      char ret_text[ADDRESS_ENTRY_TEXT_MAX]);

/** Prints it as JSON. */
void address_entry_print_json(const struct address_entry *entry, enum pep_family family,
			      char ret_text[ADDRESS_ENTRY_TEXT_MAX]);

#endif
