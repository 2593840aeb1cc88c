/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small dense sets of random policies, of few values so that they meet.
 */
#ifndef RANDOM_POLICIES_H
#define RANDOM_POLICIES_H

#include <stdbool.h>
#include <stdint.h>

struct policyset;

#define RANDOM_JSON_BYTES 65536

/** A reproducible number below @below. */
uint32_t draw(uint32_t below);

/**
 * From now on a third of the policies expire within a few seconds of @now_s, before or after, on
 * full ones; without that few do, in 2020 or in 2090.
 */
void random_policies_expire(int64_t now_s);

/**
 * A set of @count policies, whose JSON is left in @ret_json for messages.
 * Exits when the product does not take them. The caller puts it.
 */
struct policyset *random_set(unsigned int count, bool failsafe, char ret_json[RANDOM_JSON_BYTES]);

/** As random_set(), with the numbers from @first on in the ids. */
struct policyset *random_set_from(unsigned int first, unsigned int count, bool failsafe,
				  char ret_json[RANDOM_JSON_BYTES]);

/** A set from JSON; exits with the reasons when it is not taken. */
struct policyset *parse_set(const char *json, bool failsafe);

#endif
