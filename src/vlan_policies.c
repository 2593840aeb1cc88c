/* SPDX-License-Identifier: Apache-2.0 */
#include "vlan_policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policyset.h"

#define NAMED 5 /* the others are counted */

static bool holds_on(const struct policy *policy, const char *interface)
{
	for (size_t i = 0; i < policy->interface_count; i++)
		if (!strcmp(policy->rare->interfaces[i], interface))
			return true;
	return !policy->interface_count;
}

/* The next one from *at on, and *at is behind it; NULL: there is none. */
static const struct policy *next_on(const struct policyset *set, const char *interface, size_t *at)
{
	while (*at < set->count) {
		const struct policy *policy = set->policy[(*at)++];

		if (policy->rare->vlan.count && policy->enabled && holds_on(policy, interface))
			return policy;
	}
	return NULL;
}

bool vlan_policies_on(const struct policyset *set, const char *interface)
{
	size_t at = 0;

	return set->vlan && next_on(set, interface, &at);
}

char *vlan_policies_ids(const struct policyset *set, const char *interface)
{
	const struct policy *policy;
	char *text = NULL;
	size_t at = 0, count = 0, bytes;
	FILE *stream = open_memstream(&text, &bytes);

	if (!stream)
		return NULL;
	while ((policy = next_on(set, interface, &at)))
		if (count++ < NAMED)
			fprintf(stream, "%s%s", count > 1 ? ", " : "", policy->id);
	if (count > NAMED)
		fprintf(stream, " and %zu more", count - NAMED);
	if (fclose(stream)) {
		free(text);
		return NULL;
	}
	return text;
}
