/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy in words, from its JSON: what words.h reads.
 */
#ifndef CLIENT_DESCRIBE_H
#define CLIENT_DESCRIBE_H

#include <stdio.h>

struct json_object;

/**
 * "block in proto tcp from any to any port 23": everything but id, labels and
 * description. The caller frees it; NULL: no memory.
 */
char *client_describe(struct json_object *policy);

/** Prints a value of a member: lists with commas, strings as they are, objects as JSON. */
void client_print_value(FILE *out, struct json_object *value);

#endif
