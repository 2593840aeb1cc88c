/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `pepctl check` says of sets of addresses: of their files, and of those
 * that policies name.
 */
#ifndef CLIENT_CHECK_SET_H
#define CLIENT_CHECK_SET_H

#include <stdbool.h>
#include <stddef.h>

struct address_sets;
struct json_object;
struct policy_list;
struct problems;

/** Whether a file of that name is a set in its text form. */
bool client_is_set_text(const char *path);

/** Whether it is a set in its JSON form. */
bool client_is_set_json(struct json_object *json);

/** Reads a set, from @path when @json is NULL; returns how many entries it has. */
size_t client_check_set(const char *path, struct json_object *json, struct problems *problems);

/**
 * Warns of sets that policies of the file @path name and that are not in the
 * sets.d beside it (or beside its policies.d), and notes what is wrong there.
 * The caller puts *ret, what is there; NULL: nothing that could be read.
 */
void client_check_set_names(const char *path, const struct policy_list *list,
			    struct address_sets **ret, struct problems *problems);

#endif
