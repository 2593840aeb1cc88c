/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the client reads: policies and configurations.
 */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct client;
struct json_object;
struct policy_list;
struct policy_source;
struct problems;

/**
 * Reads JSON with comments from @path, which may be a pipe; "-" is the input.
 * @flags and result as json_read(), and -errno of the file, which is not noted.
 */
int client_file_read(const char *path, unsigned int flags, struct json_object **ret,
		     struct problems *problems);

/**
 * Reads all of @path, which may be a pipe; "-" is the input. The caller frees
 * *ret, which is not terminated. Returns 0 or -errno.
 */
int client_file_text(const char *path, char **ret, size_t *ret_bytes);

/**
 * Reads and parses policies. What is wrong is said on client->err. Returns
 * the exit status, CLIENT_REFUSED when anything is wrong.
 */
int client_file_policies(struct client *client, const char *path, struct policy_list *ret);

/** A source as of now; of the administrator's files if @file. */
struct policy_source client_source(bool file);

/** Prints one line each: "NAME: /pointer: warning: detail". */
void client_print_problems(FILE *out, const char *name, const struct problems *problems);

#endif
