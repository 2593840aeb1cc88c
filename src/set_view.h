/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of addresses as the API shows it, without its entries.
 */
#ifndef SET_VIEW_H
#define SET_VIEW_H

struct address_set;
struct json_object;

#define SET_ETAG_SIZE 48

/**
 * Name, origin, number of entries, times and who uses it; takes @used_by over,
 * also on failure. The caller owns the result; NULL when out of memory.
 */
struct json_object *set_view(const struct address_set *set, struct json_object *used_by);

/** A quoted entity tag of what is in it: another one whenever that was changed. */
void set_etag(const struct address_set *set, char ret[SET_ETAG_SIZE]);

#endif
