/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of the client in a test: what it was given, what it said, and what it
 * asked of the daemon.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "client_server.h"

struct client_session {
	struct client_server server;
	char *out, *err; /* of the last run */
	char *asked; /* all requests of the last session_ask() */
	char file[64]; /* a temporary one */
};

extern struct client_session session;

void session_set_up(void);
void session_tear_down(void);

/** Replaces what is in session.file. */
void session_write_file(const char *text);

/**
 * Runs `pepctl @line` and returns its exit status. Words are separated by one
 * space; "~" is a space within a word, and a space at the end an empty word.
 * There is no daemon, except in session_ask() one that gives @answers.
 */
int session_run(const char *line);
int session_ask(const char *line, const struct canned *answers, size_t count);

bool contains(const char *text, const char *part);

#define NOT_THERE ANSWER_PROBLEM("404 Not Found") "{\"detail\":\"there is no policy\"}"
#define TELNET                                                                                     \
	"{\"id\":\"no-telnet\",\"description\":\"it's old\",\"action\":\"BLOCK\","                 \
	"\"protocol\":\"tcp\",\"dst\":{\"port\":23}}"

#endif
