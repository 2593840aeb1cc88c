// SPDX-License-Identifier: Apache-2.0
#include "credentials.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "problem.h"
#include "settings.h"
#include "settings_kind.h"
#include "tls.h"

static void warn_of_locked_out(const struct settings *settings, const struct tokens *tokens,
			       struct problems *problems);

int credentials_load(const struct settings *settings, struct credentials **ret,
		     struct problems *problems)
{
	CLEANUP(credentials_free) struct credentials *credentials = calloc(1, sizeof(*credentials));
	int error = credentials ? 0 : -ENOMEM;

	if (!error)
		error = tokens_load(settings->tokens_file, &credentials->tokens, problems);
	if (!error && settings->tls.cert)
		error = tls_load(&settings->tls, &credentials->tls, problems);
	if (error)
		return error;
	warn_of_locked_out(settings, &credentials->tokens, problems);
	credentials_free(ret);
	*ret = TAKE_PTR(credentials);
	return 0;
}

void credentials_free(struct credentials **credentials)
{
	struct credentials *freed = TAKE_PTR(*credentials);

	if (!freed)
		return;
	tokens_clear(&freed->tokens);
	tls_free(&freed->tls);
	free(freed);
}

static void warn_of_locked_out(const struct settings *settings, const struct tokens *tokens,
			       struct problems *problems)
{
	if (tokens->count || settings->tls.client_ca)
		return;
	for (size_t i = 0; i < settings->listen.count; i++)
		if (settings_listener_is_open(settings->listen.string[i]))
			problem_warn(problems, "/server/listen",
				     "nobody is let in at %s: there is neither a token (pepctl "
				     "token create) nor server.tls.client_ca",
				     settings->listen.string[i]);
}
