// SPDX-License-Identifier: Apache-2.0
#include "token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cleanup.h"

#define PREFIX "pepctl_" /* by which leaked ones are found */
#define SECRET_BYTES 32

static const char *const role_names[TOKEN_ROLES] = {
	[TOKEN_VIEWER] = "viewer",
	[TOKEN_OPERATOR] = "operator",
};

static int hash(const char *text, size_t size, unsigned char ret[TOKEN_HASH_BYTES])
{
	return EVP_Digest(text, size, ret, NULL, EVP_sha256(), NULL) ? 0 : -ENOMEM;
}

bool token_name_valid(const char *name)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ._@-";

	return *name && !strchr("._@-", *name) && !name[strspn(name, letters)] &&
	       strlen(name) <= TOKEN_NAME_MAX;
}

const char *token_role_name(enum token_role role)
{
	return role_names[role];
}

bool token_role_parse(const char *text, enum token_role *ret)
{
	for (int role = 0; role < TOKEN_ROLES; role++) {
		if (strcmp(role_names[role], text) != 0)
			continue;
		*ret = (enum token_role)role;
		return true;
	}
	return false;
}

int token_make(struct token *token, char ret_text[TOKEN_TEXT_SIZE])
{
	unsigned char secret[SECRET_BYTES];
	ssize_t got = getrandom(secret, sizeof(secret), 0);

	/* So few bytes come as a whole or not at all. */
	if (got != (ssize_t)sizeof(secret))
		return got < 0 ? -errno : -EIO;
	strcpy(ret_text, PREFIX);
	for (size_t i = 0; i < sizeof(secret); i++)
		sprintf(ret_text + strlen(PREFIX) + 2 * i, "%02x", secret[i]);
	OPENSSL_cleanse(secret, sizeof(secret));
	return hash(ret_text, strlen(ret_text), token->hash);
}

const struct token *tokens_find(const struct tokens *tokens, const char *text, size_t size)
{
	const struct token *found = NULL;
	unsigned char hashed[TOKEN_HASH_BYTES];

	if (hash(text, size, hashed))
		return NULL;
	for (size_t i = 0; i < tokens->count; i++)
		if (!CRYPTO_memcmp(tokens->token[i].hash, hashed, sizeof(hashed)))
			found = &tokens->token[i];
	return found;
}

struct token *tokens_named(const struct tokens *tokens, const char *name)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (!strcmp(tokens->token[i].name, name))
			return &tokens->token[i];
	return NULL;
}

int tokens_add(struct tokens *tokens, const struct token *token)
{
	struct token *grown = reallocarray(tokens->token, tokens->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	tokens->token = grown;
	grown[tokens->count++] = *token;
	return 0;
}

void tokens_remove(struct tokens *tokens, struct token *token)
{
	size_t behind = tokens->count - (size_t)(token - tokens->token) - 1;

	memmove(token, token + 1, behind * sizeof(*token));
	tokens->count--;
}

void tokens_clear(struct tokens *tokens)
{
	free(tokens->token);
	*tokens = (struct tokens){ 0 };
}
