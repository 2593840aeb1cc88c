/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each kind of key is read from JSON and printed.  A reader notes what is
 * wrong in the problems and leaves the member as it was; it returns 0 or
 * -ENOMEM.  A printer returns NULL for a key that has nothing to print, with
 * errno ENOMEM when that is why.
 */
#ifndef SETTINGS_KIND_H
#define SETTINGS_KIND_H

#include "settings.h"
#include "settings_key.h"

/** Reads a key's value, whatever its kind. */
int setting_read(const struct setting_key *key, struct json_object *value,
		 struct settings *settings, struct problems *problems);

/** Prints a key's value, whatever its kind. The caller owns the result. */
struct json_object *setting_print(const struct setting_key *key, const struct settings *settings);

/** Notes that @value at @pointer is not what is @allowed ("a number from 1 to 5"). */
void setting_refuse(struct problems *problems, const char *pointer, struct json_object *value,
		    const char *allowed, ...) __attribute__((format(printf, 4, 5)));

/** The text of a JSON string without NUL bytes, borrowed; NULL for anything else. */
const char *setting_text(struct json_object *value);

/** Index of @value in the key's words; -1 and noted when it is none. */
int setting_word(const struct setting_key *key, const char *pointer, struct json_object *value,
		 struct problems *problems);

/** Replaces *where by a copy of @text. Returns 0 or -ENOMEM. */
int setting_set_text(char **where, const char *text);

/** @{ */
/** The kinds that are lists, settings_list.c: rows of the table in settings_kind.c. */
int setting_read_targets(const struct setting_key *key, struct json_object *value,
			 struct settings *settings, struct problems *problems);
struct json_object *setting_print_targets(const struct setting_key *key,
					  const struct settings *settings);
int setting_read_hosts(const struct setting_key *key, struct json_object *value,
		       struct settings *settings, struct problems *problems);
struct json_object *setting_print_hosts(const struct setting_key *key,
					const struct settings *settings);
int setting_read_interfaces(const struct setting_key *key, struct json_object *value,
			    struct settings *settings, struct problems *problems);
struct json_object *setting_print_interfaces(const struct setting_key *key,
					     const struct settings *settings);
int setting_read_interface(const struct setting_key *key, struct json_object *value,
			   struct settings *settings, struct problems *problems);
/** @} */

/** Reads the items of an array. @read_item: as a reader, with the item's pointer. */
typedef int (*setting_item_reader)(const char *pointer, struct json_object *item,
				   struct settings *settings, struct problems *problems);
/** Reads each item of a list. Returns 0, or what @read_item returned. */
int setting_read_items(const struct setting_key *key, struct json_object *value,
		       setting_item_reader read_item, struct settings *settings,
		       struct problems *problems);

/** Prints a list of strings. */
struct json_object *setting_print_strings(const struct string_list *list);

/** Says what is wrong with the name or glob of an interface; NULL: nothing. */
const char *interface_name_fault(const char *name);

/** @{ */
/** Listeners, settings_listen.c. */
int setting_read_listen(const struct setting_key *key, struct json_object *value,
			struct settings *settings, struct problems *problems);
struct json_object *setting_print_listen(const struct setting_key *key,
					 const struct settings *settings);
int setting_read_metrics_port(const struct setting_key *key, struct json_object *value,
			      struct settings *settings, struct problems *problems);
/** @} */

/** Refuses listeners that others could reach without TLS. */
void settings_check_listeners(const struct settings *settings, struct problems *problems);

/** Whether an address of server.listen is one that others can reach. */
bool settings_listener_is_open(const char *address);

/** @{ */
/** TLS, settings_tls.c. */
int setting_read_tls(const struct setting_key *key, struct json_object *value,
		     struct settings *settings, struct problems *problems);
struct json_object *setting_print_tls(const struct setting_key *key,
				      const struct settings *settings);
void tls_settings_clear(struct tls_settings *tls);
/** @} */

/** @{ */
/** Failsafe policies, settings_failsafe.c. */
int setting_read_failsafe(const struct setting_key *key, struct json_object *value,
			  struct settings *settings, struct problems *problems);
struct json_object *setting_print_failsafe(const struct setting_key *key,
					   const struct settings *settings);
/** @} */

#endif
