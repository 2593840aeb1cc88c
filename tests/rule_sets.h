/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules to build images of without a daemon: ClassBench files, lists of
 * prefixes, and sets made to be hard.
 */
#ifndef RULE_SETS_H
#define RULE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pep_key;
struct rules;
struct rule_list;

/** A pseudo-random number below @below; the same sequence in every run. */
uint32_t rule_sets_draw(uint32_t below);

/**
 * Reads a file, gzipped or not: ClassBench rules, or prefixes one a line,
 * which become rules by source; each is a policy of its own.
 * Ends the process when it cannot.
 */
void rule_sets_read(const char *path, struct rules *ret);

/** The name of the n-th set that can be made, or NULL. */
const char *rule_sets_name(size_t n);

/** Makes a set by its name; false: there is none of this name. */
bool rule_sets_make(const char *name, struct rules *ret);

/** The list of ingress policies that has rules, and its family. */
const struct rule_list *rule_sets_list(const struct rules *rules, bool *ret_ipv6);

/**
 * The rank of the first rule that matches, ~0 for none. If @dead is not 0,
 * slots n with n % @dead == 1 match nothing.
 */
uint32_t rule_sets_search(const struct rule_list *list, const struct pep_key *key, uint32_t dead);

#endif
