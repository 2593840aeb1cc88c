/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the listeners for TCP know callers by, read from its files: at the
 * start, with each reload, and when only they are asked for.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include "token.h"

struct problems;
struct settings;
struct tls;

struct credentials {
	struct tokens tokens;
	struct tls *tls; /* NULL: there is none */
};

/** Reads them. Errors as tokens_load() and tls_load(), noted; @ret is unchanged then. */
int credentials_load(const struct settings *settings, struct credentials **ret,
		     struct problems *problems);

/** Frees them. Tolerates NULL. */
void credentials_free(struct credentials **credentials);

#endif
