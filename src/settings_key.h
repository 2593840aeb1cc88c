/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of config.json, one row each: what pepctl-config(5) documents, what
 * is checked against it, and what says whether a change needs a restart.
 */
#ifndef SETTINGS_KEY_H
#define SETTINGS_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct problems;
struct settings;

enum setting_kind {
	SETTING_FLAG, /* true or false */
	SETTING_NUMBER, /* low..high */
	SETTING_BYTES, /* low..high, also as text with a unit */
	SETTING_POWER_OF_TWO, /* low..high */
	SETTING_CHOICE, /* one of `words` */
	SETTING_FIXED, /* one of `words`, and there is nothing to set */
	SETTING_PATH, /* absolute */
	SETTING_TARGETS, /* one of `words`, or a list of them */
	SETTING_LISTEN, /* list of listeners */
	SETTING_METRICS_PORT, /* low..high, one more listener */
	SETTING_HOSTS, /* list of host names */
	SETTING_TLS, /* an object of paths and names */
	SETTING_INTERFACES, /* list of names and globs */
	SETTING_INTERFACE, /* one name or glob, added to the list */
	SETTING_POLICIES_FILE, /* absolute */
	SETTING_FAILSAFE, /* one of `words`, or a list of policies */
	SETTING_LATER, /* refused: this version does not have it */
	SETTING_REPLACED, /* of the original: ignored with a warning that says `instead` */
	SETTING_KINDS
};

struct setting_key {
	const char *pointer; /* "/log/level" */
	enum setting_kind kind;
	bool restart; /* a change is in force only after a restart, else after a reload */
	uint16_t size; /* of the member of struct settings, for simple kinds */
	size_t offset; /* where it is */
	uint64_t low, high;
	const char *const *words; /* NULL-terminated; the index is the value */
	const char *const *later; /* words that a later version will take; NULL: none */
	const char *standard; /* the default as JSON text; NULL: none, or made of other keys */
	const char *instead; /* of SETTING_REPLACED */
};

extern const struct setting_key setting_keys[];
extern const size_t setting_key_count;

/** The row of a pointer, or NULL. */
const struct setting_key *setting_key_find(const char *pointer);

/** Whether @section ("log") is an object that holds keys. */
bool setting_key_is_section(const char *section);

/** The pointer of the key or section probably meant by @pointer ("/log/levle"), or NULL. */
const char *setting_key_near(const char *pointer);

/**
 * Warns in @problems of every key that is different in @wanted and needs a
 * restart, with both values. Returns 0 or -ENOMEM.
 */
int settings_note_restarts(const struct settings *in_force, const struct settings *wanted,
			   struct problems *problems);

/**
 * The settings as a document that settings_parse() reads back as the same; it
 * holds what the environment has overridden too. The caller owns it. NULL when
 * out of memory.
 */
struct json_object *settings_to_json(const struct settings *settings);

#endif
