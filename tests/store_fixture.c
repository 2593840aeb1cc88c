// SPDX-License-Identifier: Apache-2.0
#include "store_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_json.h"
#include "problem.h"
#include "store_state.h"

char fixture_base[PATH_MAX];
char fixture_directory[PATH_MAX + 8];

void fixture_make(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(fixture_base, sizeof(fixture_base), "%s/pepctl-store-XXXXXX",
		 base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(fixture_base));
	snprintf(fixture_directory, sizeof(fixture_directory), "%s/state", fixture_base);
}

static int fixture_remove_one(const char *path, const struct stat *status, int type,
			      struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

void fixture_remove(const char *path)
{
	ck_assert(nftw(path, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT);
}

const char *fixture_path(const char *name)
{
	static char path[PATH_MAX + 80];

	snprintf(path, sizeof(path), "%s/%s", fixture_directory, name);
	return path;
}

size_t fixture_read(const char *name, char text[FILE_MAX])
{
	FILE *file = fopen(fixture_path(name), "r");
	size_t size;

	ck_assert_msg(file != NULL, "%s is not there", name);
	size = fread(text, 1, FILE_MAX - 1, file);
	text[size] = '\0';
	fclose(file);
	return size;
}

void fixture_write(const char *name, const char *text, size_t size)
{
	FILE *file;

	ck_assert(mkdir(fixture_directory, 0700) == 0 || errno == EEXIST);
	file = fopen(fixture_path(name), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

bool fixture_exists(const char *name)
{
	return access(fixture_path(name), F_OK) == 0;
}

struct policy *fixture_policy(const char *text)
{
	const struct policy_source source = store_policy_source();
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	struct policy *policy = NULL;

	ck_assert_int_eq(json_read(text, strlen(text), 0, &json, &problems), 0);
	ck_assert_msg(policy_parse(json, NULL, &source, &policy, &problems) == 0, "%s: %s", text,
		      problems.count ? problems.list[0].detail : "");
	return policy;
}

struct policy *fixture_block(const char *id, unsigned int number)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"id\":\"%s\",\"action\":\"BLOCK\",\"description\":\"%u\"}",
		 id, number);
	return fixture_policy(text);
}

void fixture_text(const struct policyset *set, char text[TEXT_MAX])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < set->count && used < TEXT_MAX - 300; i++)
		used += (size_t)sprintf(text + used, "%s=%s ", set->policy[i]->id,
					set->policy[i]->rare->description);
}

/* ---- a series of transactions; each touches one old id, one new, and removes one */

struct fixture_transaction {
	char remove[16];
	const char *removes[1];
	struct policy *put[2];
};

static void fixture_transaction_make(unsigned int number, struct fixture_transaction *ret)
{
	char id[16];

	snprintf(id, sizeof(id), "often-%u", number % 3);
	ret->put[0] = fixture_block(id, number);
	snprintf(id, sizeof(id), "once-%u", number);
	ret->put[1] = fixture_block(id, number);
	snprintf(ret->remove, sizeof(ret->remove), "once-%u", number - 2);
	ret->removes[0] = ret->remove;
}

static void fixture_transaction_clear(struct fixture_transaction *transaction)
{
	policy_put(&transaction->put[0]);
	policy_put(&transaction->put[1]);
}

int fixture_append(struct store *store, unsigned int number)
{
	struct fixture_transaction transaction;
	int result;

	fixture_transaction_make(number, &transaction);
	result = store_append(store, transaction.removes, 1, transaction.put, 2);
	fixture_transaction_clear(&transaction);
	return result;
}

void fixture_apply(struct policyset **set, unsigned int number)
{
	struct fixture_transaction transaction;
	struct policyset_edit edit = { .remove_count = 1, .add_count = 2 };
	struct policyset *next;

	fixture_transaction_make(number, &transaction);
	edit.remove = transaction.removes;
	edit.add = transaction.put;
	ck_assert_int_eq(policyset_edit(*set, &edit, &next), 0);
	fixture_transaction_clear(&transaction);
	policyset_put(set);
	*set = next;
}

/* What is there after the transactions whose bits are set, 1 being bit 1. */
static void fixture_expect(unsigned int numbers, char text[TEXT_MAX])
{
	struct policyset *set = policyset_new();

	ck_assert_ptr_nonnull(set);
	for (unsigned int number = 1; number < 32; number++)
		if (numbers >> number & 1)
			fixture_apply(&set, number);
	fixture_text(set, text);
	policyset_put(&set);
}

unsigned int fixture_up_to(unsigned int last)
{
	return (2u << last) - 2;
}

bool fixture_is(const struct policyset *set, unsigned int numbers)
{
	char expected[TEXT_MAX], found[TEXT_MAX];

	fixture_expect(numbers, expected);
	fixture_text(set, found);
	return strcmp(expected, found) == 0;
}

void fixture_assert_set(const struct policyset *set, unsigned int numbers)
{
	char expected[TEXT_MAX], found[TEXT_MAX];

	fixture_expect(numbers, expected);
	fixture_text(set, found);
	ck_assert_str_eq(found, expected);
}
