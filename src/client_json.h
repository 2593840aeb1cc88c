/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the daemon's answers, which may lack what an older or newer one says.
 */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "json_cleanup.h"

struct json_object;

/** The member at "a.b.c", borrowed; NULL when it is absent or null. */
struct json_object *client_member(struct json_object *json, const char *path);

/** It as text, borrowed: strings as they are, numbers and the rest printed; "" when absent. */
const char *client_text(struct json_object *json, const char *path);

/** It as a number; 0 when it is absent or none. */
uint64_t client_number(struct json_object *json, const char *path);

/** How many elements an array has; 0 for anything else. */
size_t client_length(struct json_object *array);

/** Prints a document as people and programs like to read it, with a newline. */
void client_json_print(FILE *out, struct json_object *json);

/** Prints it on one line. */
void client_json_print_line(FILE *out, struct json_object *json);

#endif
