/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: what lets somebody in who comes by TCP.  A token is 256 bits of
 * chance, so its plain SHA-256 is all that is stored: there is nothing to guess
 * that a slow hash or a salt would make dearer.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct problems;

#define TOKEN_NAME_MAX 64
#define TOKEN_TEXT_SIZE 72 /* "pepctl_", 64 digits and the terminator */
#define TOKEN_HASH_BYTES 32

/* From who may do the least to who may do the most. */
enum token_role {
	TOKEN_VIEWER, /* looks */
	TOKEN_OPERATOR, /* does everything */
	TOKEN_ROLES,
};

struct token {
	char name[TOKEN_NAME_MAX + 1];
	enum token_role role;
	unsigned char hash[TOKEN_HASH_BYTES];
	int64_t created_us; /* 0: not known */
};

struct tokens {
	struct token *token; /* in the order of the file */
	size_t count;
};

/** Whether it is a name: [A-Za-z0-9][A-Za-z0-9._@-]{0,63} */
bool token_name_valid(const char *name);

/** "viewer" or "operator". */
const char *token_role_name(enum token_role role);
/** Reads that; false when it is neither. */
bool token_role_parse(const char *text, enum token_role *ret);

/**
 * Makes a token's text and hash from chance; the rest of @token is the
 * caller's. Returns 0 or -errno.
 */
int token_make(struct token *token, char ret_text[TOKEN_TEXT_SIZE]);

/** The token whose text is the @size bytes at @text, in a time that says nothing of it; or NULL. */
const struct token *tokens_find(const struct tokens *tokens, const char *text, size_t size);

/** The token of a name, or NULL. */
struct token *tokens_named(const struct tokens *tokens, const char *name);

/** Appends a copy. Returns 0 or -ENOMEM. */
int tokens_add(struct tokens *tokens, const struct token *token);

/** Takes out one of them. */
void tokens_remove(struct tokens *tokens, struct token *token);

/**
 * Reads the file; one that is not there is as an empty one. All that is wrong
 * is noted, with the file's name in front of the pointers. Returns 0, -EINVAL,
 * -ENOMEM, or -errno of the file (noted, too); @ret is unchanged then.
 */
int tokens_load(const char *path, struct tokens *ret, struct problems *problems);

/** Replaces the file in one step: mode 0640, of the group pepctl if there is one. 0 or -errno. */
int tokens_save(const char *path, const struct tokens *tokens);

/** Frees them; the list is empty then. */
void tokens_clear(struct tokens *tokens);

#endif
