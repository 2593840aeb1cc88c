// SPDX-License-Identifier: Apache-2.0
#include "credentials.h"

#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "settings.h"

int credentials_load(const struct settings *settings, struct credentials **ret,
		     struct problems *problems)
{
	CLEANUP(credentials_free) struct credentials *credentials = calloc(1, sizeof(*credentials));
	int error = credentials ? 0 : -ENOMEM;

	if (!error)
		error = tokens_load(settings->tokens_file, &credentials->tokens, problems);
	if (error)
		return error;
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
	free(freed);
}
