/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies as they are given on the command line: words, JSON, or a file.
 */
#ifndef CLIENT_INPUT_H
#define CLIENT_INPUT_H

#include <stdbool.h>

struct client;
struct json_object;

/** Whether @text is JSON and not a word. */
bool client_is_json(const char *text);

/** Reads JSON given as an argument. What is wrong is said. Returns the exit status. */
int client_input_json(struct client *client, const char *text, struct json_object **ret);

/** Makes a definition of the arguments from @first on, which are words. As above. */
int client_input_words(struct client *client, unsigned int first, struct json_object **ret);

/** The same of a packet: all arguments say it. */
int client_input_packet(struct client *client, struct json_object **ret);

/**
 * The policies that the arguments of `add` stand for, as an array; those
 * without an id have got one made of their content. As above.
 */
int client_input_policies(struct client *client, struct json_object **ret);

/** Whether both definitions mean the same; false when one of them is invalid. */
bool client_same_policy(struct json_object *a, struct json_object *b);

/**
 * Whether they mean the same but for when they end, and the id is one made of
 * the content: @policy is @there once more, to last until another time.
 */
bool client_renews_policy(struct json_object *there, struct json_object *policy);

#endif
