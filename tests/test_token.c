// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "policy_text.h"
#include "problem.h"
#include "token.h"

/* SHA-256 of "abc", which is no token that is ever made. */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static char directory[] = "/tmp/pepctl-token-XXXXXX";
static char path[64];
static struct tokens tokens;
static struct problems found;

static void begin(void)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/tokens.json", directory);
}

static void end(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0); /* nothing else is left */
	tokens_clear(&tokens);
	problems_clear(&found);
}

static int load(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0640), 0);
	return tokens_load(path, &tokens, &found);
}

START_TEST(a_token_is_found_by_its_text_alone)
{
	struct token one = { .name = "one", .role = TOKEN_OPERATOR }, two = { .name = "two" };
	char first[TOKEN_TEXT_SIZE], second[TOKEN_TEXT_SIZE];
	size_t length;

	ck_assert_int_eq(token_make(&one, first), 0);
	ck_assert_int_eq(token_make(&two, second), 0);
	ck_assert_str_ne(first, second);
	length = strlen(first);
	ck_assert_uint_eq(length, TOKEN_TEXT_SIZE - 1);
	ck_assert_int_eq(tokens_add(&tokens, &one), 0);
	ck_assert_int_eq(tokens_add(&tokens, &two), 0);
	ck_assert_str_eq(tokens_find(&tokens, first, length)->name, "one");
	ck_assert_str_eq(tokens_find(&tokens, second, length)->name, "two");
	ck_assert_ptr_null(tokens_find(&tokens, first, length - 1));
	ck_assert_ptr_null(tokens_find(&tokens, "", 0));
	for (size_t i = 0; i < length; i++) {
		first[i] ^= 1;
		ck_assert_ptr_null(tokens_find(&tokens, first, length));
		first[i] ^= 1;
	}
	tokens_remove(&tokens, tokens_named(&tokens, "one"));
	ck_assert_ptr_null(tokens_find(&tokens, first, length));
	ck_assert_str_eq(tokens_find(&tokens, second, length)->name, "two");
}
END_TEST

START_TEST(a_hash_of_the_file_is_sha_256_of_the_text)
{
	ck_assert_int_eq(load("// by hand\n{\"format\":1,\"tokens\":[{\"name\":\"a\","
			      "\"role\":\"viewer\",\"sha256\":\"" ABC "\"}]}"),
			 0);
	ck_assert_str_eq(tokens_find(&tokens, "abc", 3)->name, "a");
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
	struct token token = { .role = TOKEN_OPERATOR, .created_us = 1000000 };
	struct tokens written = { 0 };
	char text[TOKEN_TEXT_SIZE];
	struct stat status;

	for (int i = 0; i < 50; i++) {
		snprintf(token.name, sizeof(token.name), "name-%d", i);
		ck_assert_int_eq(token_make(&token, text), 0);
		ck_assert_int_eq(tokens_add(&written, &token), 0);
	}
	ck_assert_int_eq(tokens_save(path, &written), 0);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
	ck_assert_int_eq(tokens_load(path, &tokens, &found), 0);
	ck_assert_uint_eq(tokens.count, 50);
	ck_assert_mem_eq(tokens.token, written.token, 50 * sizeof(token));
	ck_assert_str_eq(tokens_find(&tokens, text, strlen(text))->name, "name-49");
	tokens_clear(&written);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_empty)
{
	ck_assert_int_eq(tokens_load(path, &tokens, &found), 0);
	ck_assert_uint_eq(tokens.count, 0);
	ck_assert_uint_eq(found.count, 0);
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
	ck_assert_int_eq(load("{\"format\":1,\"tokens\":[]}"), 0);
	ck_assert_int_eq(chmod(path, 0660), 0);
	ck_assert_int_eq(tokens_load(path, &tokens, &found), -EINVAL);
	ck_assert_ptr_nonnull(strstr(found.list[0].detail, "chmod 0640"));
}
END_TEST

#define ONE(members) "{\"format\":1,\"tokens\":[{" members "}]}"

static const struct {
	const char *text, *pointer, *word;
} wrong[] = {
	{ "", "", "" },
	{ "[]", "", "object" },
	{ "{", "", "line 1" },
	{ "{\"tokens\":[]}", "/format", "must be 1" },
	{ "{\"format\":2,\"tokens\":[]}", "/format", "must be 1" },
	{ "{\"format\":1}", "/tokens", "list" },
	{ "{\"format\":1,\"tokens\":[],\"tokens\":[]}", "/tokens", "twice" },
	{ "{\"format\":1,\"tokens\":[],\"more\":1}", "/more", "unknown" },
	{ "{\"format\":1,\"tokens\":[7]}", "/tokens/0", "object" },
	{ ONE("\"role\":\"viewer\",\"sha256\":\"" ABC "\""), "/tokens/0/name", "name" },
	{ ONE("\"name\":\"a b\",\"role\":\"viewer\",\"sha256\":\"" ABC "\""), "/tokens/0/name",
	  "name" },
	{ ONE("\"name\":\"a\",\"role\":\"root\",\"sha256\":\"" ABC "\""), "/tokens/0/role",
	  "operator" },
	{ ONE("\"name\":\"a\",\"role\":\"viewer\",\"sha256\":\"ab\""), "/tokens/0/sha256", "64" },
	{ ONE("\"name\":\"a\",\"role\":\"viewer\",\"sha256\":\"" ABC "\",\"key\":1"),
	  "/tokens/0/key", "unknown" },
	{ ONE("\"name\":\"a\",\"role\":\"viewer\",\"sha256\":\"" ABC "\",\"created_at\":\"x\""),
	  "/tokens/0/created_at", "time" },
	{ ONE("\"name\":\"a\",\"role\":\"viewer\",\"sha256\":\"" ABC
	      "\"},{\"name\":\"a\",\"role\":\"viewer\",\"sha256\":\"" ABC "\""),
	  "/tokens/1/name", "twice" },
};

START_TEST(what_is_wrong_is_named_and_nothing_is_taken)
{
	char pointer[128];

	snprintf(pointer, sizeof(pointer), "%s%s", path, wrong[_i].pointer);
	ck_assert_int_lt(load(wrong[_i].text), 0);
	ck_assert_uint_ge(found.errors, 1);
	ck_assert_msg(!strcmp(found.list[0].pointer, pointer) &&
			      strstr(found.list[0].detail, wrong[_i].word),
		      "%s: %s: %s", wrong[_i].text, found.list[0].pointer, found.list[0].detail);
	ck_assert_uint_eq(tokens.count, 0);
}
END_TEST

START_TEST(names)
{
	char longest[TOKEN_NAME_MAX + 2];

	memset(longest, 'a', sizeof(longest));
	longest[TOKEN_NAME_MAX + 1] = '\0';
	ck_assert(!token_name_valid(longest));
	longest[TOKEN_NAME_MAX] = '\0';
	ck_assert(token_name_valid(longest));
	ck_assert(token_name_valid("ci@host.example-1_2"));
	ck_assert(!token_name_valid(""));
	ck_assert(!token_name_valid("-a"));
	ck_assert(!token_name_valid("a/b"));
	ck_assert(!token_name_valid("a\n"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("token");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_token_is_found_by_its_text_alone);
	tcase_add_test(tcase, a_hash_of_the_file_is_sha_256_of_the_text);
	tcase_add_test(tcase, what_is_written_is_read_back);
	tcase_add_test(tcase, a_file_that_is_not_there_is_empty);
	tcase_add_test(tcase, a_file_that_others_can_write_is_refused);
	tcase_add_loop_test(tcase, what_is_wrong_is_named_and_nothing_is_taken, 0,
			    ARRAY_SIZE(wrong));
	tcase_add_test(tcase, names);
	return run_case("token", tcase);
}
