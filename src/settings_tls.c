// SPDX-License-Identifier: Apache-2.0
/* server.tls: an object of its own, because its members go together. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "http_json.h"
#include "json_cleanup.h"
#include "json_pointer.h"
#include "problem.h"
#include "settings_kind.h"

#define NAME_MAX_BYTES 64 /* of a subject, X.520 */

struct member {
	const char *name;
	size_t offset; /* in struct tls_settings */
};

static const struct member paths[] = {
	{ "cert", offsetof(struct tls_settings, cert) },
	{ "key", offsetof(struct tls_settings, key) },
	{ "client_ca", offsetof(struct tls_settings, client_ca) },
};

static char **path_at(struct tls_settings *tls, const struct member *member)
{
	return (char **)((char *)tls + member->offset);
}

static const struct member *find_member(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!strcmp(paths[i].name, name))
			return &paths[i];
	return NULL;
}

void tls_settings_clear(struct tls_settings *tls)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		free(*path_at(tls, &paths[i]));
	string_list_clear(&tls->operators);
	*tls = (struct tls_settings){ 0 };
}

static int read_operators(const char *pointer, struct json_object *value, struct tls_settings *tls,
			  struct problems *problems)
{
	size_t count = json_object_is_type(value, json_type_array) ? json_object_array_length(value)
								   : 0;
	int error = 0;

	if (!json_object_is_type(value, json_type_array))
		setting_refuse(problems, pointer, value, "a list of strings");
	for (size_t i = 0; i < count && !error; i++) {
		struct json_object *item = json_object_array_get_idx(value, i);
		const char *text = setting_text(item);
		char at[160];

		snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		if (!text || !*text || strlen(text) > NAME_MAX_BYTES)
			setting_refuse(problems, at, item,
				       "the common name of a certificate's subject");
		else
			error = string_list_add(&tls->operators, text);
	}
	return error;
}

static int read_member(const char *start, const char *name, struct json_object *value,
		       struct tls_settings *tls, struct problems *problems)
{
	const struct member *member = find_member(name);
	const char *text = setting_text(value);
	char pointer[128];

	snprintf(pointer, sizeof(pointer), "%s", start);
	json_pointer_append(pointer, sizeof(pointer), name);
	if (!strcmp(name, "operators"))
		return read_operators(pointer, value, tls, problems);
	if (!member)
		problem_add(problems, pointer,
			    "is unknown; known are cert, key, client_ca and operators");
	else if (!text || text[0] != '/' || strlen(text) >= PATH_MAX)
		setting_refuse(problems, pointer, value, "an absolute path");
	else
		return setting_set_text(path_at(tls, member), text);
	return 0;
}

int setting_read_tls(const struct setting_key *key, struct json_object *value,
		     struct settings *settings, struct problems *problems)
{
	struct tls_settings *tls = &settings->tls;
	size_t errors = problems->errors;

	tls_settings_clear(tls);
	if (!json_object_is_type(value, json_type_object)) {
		setting_refuse(problems, key->pointer, value, "an object with cert and key");
		return 0;
	}
	json_object_object_foreach(value, name, member) {
		int error = read_member(key->pointer, name, member, tls, problems);

		if (error)
			return error;
	}
	if (problems->errors > errors)
		return 0;
	if (!tls->cert || !tls->key)
		problem_add(problems, key->pointer, "needs both cert and key");
	else if (tls->operators.count && !tls->client_ca)
		problem_add(problems, key->pointer,
			    "has operators, who need client_ca, by which their certificates are "
			    "known");
	return 0;
}

struct json_object *setting_print_tls(const struct setting_key *key,
				      const struct settings *settings)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct tls_settings tls = settings->tls;

	(void)key;
	if (!tls.cert)
		return NULL;
	json = json_object_new_object();
	errno = ENOMEM;
	if (!json)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const char *path = *path_at(&tls, &paths[i]);

		if (path && json_add_text(json, paths[i].name, path))
			return NULL;
	}
	if (json_add(json, "operators", setting_print_strings(&tls.operators)))
		return NULL;
	errno = 0;
	return TAKE_PTR(json);
}
