// SPDX-License-Identifier: Apache-2.0
/*
 * What is cut into policies says the same as what is read as one tree: the
 * same policies, the same problems, whatever the text.
 */
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "json_scan.h"
#include "policy.h"
#include "policy_document.h"
#include "policy_text.h"
#include "problem.h"

static const struct policy_source api = { .now_us = TEST_NOW_US, .boottime_ns = TEST_BOOTTIME_NS };

/* Tests write ' for " where it is easier to read. */
static char *quoted(const char *text)
{
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static int parse_tree(const struct policy_document *document, struct policy_list *ret,
		      struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	int read = json_read(document->text, document->size, document->go_on ? JSON_GO_ON : 0,
			     &json, problems);
	int r;

	if (read < 0 && read != -EEXIST)
		return read;
	r = policy_parse_list(json, document->source, ret, problems);
	if (!r && read < 0) {
		policy_list_clear(ret);
		return -EBADMSG;
	}
	return r;
}

/* The result, the problems and the policies as a text; the caller frees it. */
static char *outcome(const struct policy_document *document,
		     int (*parse)(const struct policy_document *document, struct policy_list *ret,
				  struct problems *problems))
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	char *said = NULL;
	size_t size;
	FILE *stream = open_memstream(&said, &size);
	int r = parse(document, &list, &problems);

	ck_assert_ptr_nonnull(stream);
	ck_assert(r == 0 || (!list.policy && !list.count));
	ck_assert_int_eq(r == -EINVAL || r == -EBADMSG, problems.errors > 0);
	fprintf(stream, "%d\n", r);
	for (size_t i = 0; i < problems.count; i++)
		fprintf(stream, "%d %s: %s\n", problems.list[i].warning, problems.list[i].pointer,
			problems.list[i].detail);
	for (size_t i = 0; i < list.count; i++) {
		CLEANUP(cleanup_free) char *text = policy_text(list.policy[i]);

		fprintf(stream, "%s\n", text);
	}
	ck_assert_int_eq(fclose(stream), 0);
	return said;
}

static void both_say_the_same(const char *text, size_t size)
{
	for (int go_on = 0; go_on < 2; go_on++) {
		/* Exactly as large, so that a sanitizer sees what is read beyond it. */
		CLEANUP(cleanup_free) char *copy = malloc(size ? size : 1);
		const struct policy_document document = {
			.text = copy, .size = size, .source = &api, .go_on = go_on
		};
		CLEANUP(cleanup_free) char *cut = NULL, *tree = NULL;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text, size);
		cut = outcome(&document, policy_document_parse);
		tree = outcome(&document, parse_tree);
		ck_assert_msg(!strcmp(cut, tree), "%.*s:\n%s%s", (int)size, text, cut, tree);
	}
}

#define A "{'id':'a','action':'BLOCK'}"
#define B "{'id':'b','action':'ALLOW'}"

static const char *const texts[] = {
	"",
	" \n",
	"null",
	"5",
	"-",
	"'x'",
	"true",
	"[]",
	" [ ] ",
	"{}",
	A,
	" " A "\n",
	A A,
	"[" A "," B "]",
	"[" A " " B "]",
	"[" A "," B ",]",
	"[" A "," B "]]",
	"[" A "," B "] x",
	"[" A "," B,
	"\xef\xbb\xbf[" A "]",
	"{'policies':[" A "," B "]}",
	"{'policies' : [\n" A "\t,\r\n" B " ] }",
	"{'count':2,'policies':[" A "],'generation':{'x':[]},'policy_count':9}",
	"{'pol\\u0069cies':[" A "]}",
	"{'policies':{}}",
	"{'policies':5}",
	"{'policies':null}",
	"{'policies':'[]'}",
	"{'policies':[],'policies':[" A "]}",
	"{'policies':[" A "],'policies':[" A "," A "]}",
	"{'x':1,'policies':[" A "],'y~/\\u00e4\\n':2,'x':3}",
	"{'x':1,'policies':[5],'y':2}",
	"{'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa':1,'policies':[]}",
	"[1,-2.5e3,'x',null,true,[],{}]",
	"[[" A "]]",
	"[" A "," A "," B "," A "]",
	"[" B "," A "," B "]",
	"[" A ",{'id':'a'},{'id':'b'},5," B "]",
	"[{'id':'a','action':'BLOCK','description':'}],[{\\\\\\\"]'}," B "]",
	"[{'id':'a','action':'BLOCK','description':'\\u005d\\u007d\\\\'}," B "]",
	"[{'id':'a','action':'BLOCK','labels':{'k':'[{','l':']}'}}," B "]",
	"[{'id':'a','id':'b','action':'BLOCK'}," B "]",
	"[{'id':'a','action':'BLOCK','action':'DROP'},{'id':'c'}]",
	"[{'id':'a','action':'BLOCK','src':{'ip':'10.0.0.1','ip':'10.0.0.2'}}]",
	"[{'id':'a','action':'BLOCK','priority':12345678901234567890123}]",
	"[{'id':'a','action':'BLOCK','priority':1.5},{'id':'b','action':'BLOCK','prioriti':1}]",
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
	"[{'id':'a\\u0000','action':'BLOCK'}]",
	"[{'id':'\\ud83d\\ude00','action':'BLOCK'}]",
	"[{'id':'a','action':'BLOCK','expires_at':5}]",
	"[{'id':'a','action':'BLOCK','src':{'ip':['10.0.0.0/8','!10.1.0.0/16']}}," B "]",
	"{'id':'a','action':'BLOCK','count':1}",
	"{'next_cursor':'x','count':1,'policy_count':2}",
};

START_TEST(a_text_says_what_its_tree_says)
{
	CLEANUP(cleanup_free) char *text = quoted(texts[_i]);

	both_say_the_same(text, strlen(text));
}
END_TEST

START_TEST(a_zero_ends_nothing)
{
	both_say_the_same("[]\0", 3);
	both_say_the_same("[\0]", 3);
	both_say_the_same("\0", 1);
	both_say_the_same("[{\"id\":\"a\0\"}]", 14);
}
END_TEST

START_TEST(the_golden_files_are_read_alike)
{
	static const char *const names[] = { "tests/golden/policies.in.json",
					     "tests/golden/policies.bad.json" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEANUP(problems_clear) struct problems problems = { 0 };
		CLEANUP(cleanup_free) char *text = read_source_file(names[i]);

		ck_assert_int_eq(json_blank_comments(text, strlen(text), &problems), 0);
		both_say_the_same(text, strlen(text));
	}
}
END_TEST

/* Every beginning, and every byte another one. */
START_TEST(damaged_texts_are_read_alike)
{
	static const char line[] =
		"{'count':1, 'policies' :[{'id':'a','action':'BLOCK','src':{'ip':['10.0.0.1',\n"
		"'::1']},'description':'[\\\\\\'\\u00e4{'}, {'id':'b','priority':-1.5e1}],'x':null}";
	static const char others[] = "\"\\[]{},:x0 \n\x80";
	CLEANUP(cleanup_free) char *text = quoted(line);
	size_t size = strlen(text);

	for (size_t i = 0; i < size; i++) {
		char before = text[i];

		both_say_the_same(text, i);
		for (size_t j = 0; j < sizeof(others); j++) {
			text[i] = others[j];
			both_say_the_same(text, size);
		}
		text[i] = before;
	}
}
END_TEST

static const struct {
	const char *text;
	int result;
} pages[] = {
	{ "[" A "]", 0 },
	{ "{'policies':[" A "]}", 0 },
	{ "{'policies':[" A "],'next_cursor':null}", 0 },
	{ "{'policies':[" A "],'next_cursor':'1.a'}", -ERANGE },
	{ "{'next_cursor':'1.a','policies':[5]}", -ERANGE },
	{ "{'next_cursor':'1.a','policies':[}", -EBADMSG },
	{ "{'policies':[" A "],'count':1,'policy_count':1}", 0 },
	{ "{'policies':[" A "],'count':1,'policy_count':2}", -ERANGE },
	{ "{'policy_count':2,'count':1,'policies':[" A "]}", -ERANGE },
	{ "{'policies':[" A "],'count':'1','policy_count':2}", 0 },
	{ "{'policies':[" A "],'count':1.5,'policy_count':2}", 0 },
	{ "{'policies':[" A "],'count':[1],'policy_count':2}", 0 },
	{ "{'policies':[" A "],'count':1}", 0 },
};

START_TEST(a_page_is_not_taken_for_the_whole)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	CLEANUP(cleanup_free) char *text = quoted(pages[_i].text);
	struct policy_document document = {
		.text = text, .size = strlen(text), .source = &api, .whole = true
	};

	ck_assert_int_eq(policy_document_parse(&document, &list, &problems), pages[_i].result);
	ck_assert_uint_eq(list.count, pages[_i].result ? 0 : 1);
	ck_assert_int_eq(problems.errors > 0, pages[_i].result == -EBADMSG);
	document.whole = false;
	if (pages[_i].result == 0) {
		policy_list_clear(&list);
		ck_assert_int_eq(policy_document_parse(&document, &list, &problems), 0);
	}
}
END_TEST

/* ---- many */

#define MANY 20000

/* An array of them, ids in the order of @step. */
static char *many(size_t step, size_t *ret_size)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, ret_size);

	ck_assert_ptr_nonnull(stream);
	for (size_t i = 0; i < MANY; i++)
		fprintf(stream, "%c{\"id\":\"p%zu\",\"action\":\"BLOCK\",\"dst\":{\"port\":%zu}}\n",
			i ? ',' : '[', i * step % MANY, 1 + i);
	fputc(']', stream);
	ck_assert_int_eq(fclose(stream), 0);
	return text;
}

START_TEST(many_policies_keep_their_order)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	CLEANUP(policy_list_clear) struct policy_list list = { 0 };
	struct policy_document document = { .source = &api };
	CLEANUP(cleanup_free) char *text = many(7, &document.size);

	document.text = text;
	ck_assert_int_eq(policy_document_parse(&document, &list, &problems), 0);
	ck_assert_uint_eq(list.count, MANY);
	for (size_t i = 0; i < MANY; i++) {
		char id[16];

		snprintf(id, sizeof(id), "p%zu", i * 7 % MANY);
		ck_assert_str_eq(list.policy[i]->id, id);
		ck_assert_uint_eq(list.policy[i]->dport.range[0].low, 1 + i);
	}
	both_say_the_same(text, document.size);
}
END_TEST

/* Step 10: each id is there ten times. */
START_TEST(many_twins_are_told)
{
	size_t size;
	CLEANUP(cleanup_free) char *text = many(10, &size);

	both_say_the_same(text, size);
}
END_TEST

static void *parse_again(void *context)
{
	const struct policy_document *document = context;

	for (int i = 0; i < 5; i++) {
		CLEANUP(problems_clear) struct problems problems = { 0 };
		CLEANUP(policy_list_clear) struct policy_list list = { 0 };

		if (policy_document_parse(document, &list, &problems) || list.count != MANY)
			return context;
	}
	return NULL;
}

START_TEST(threads_do_not_disturb_each_other)
{
	struct policy_document document = { .source = &api };
	CLEANUP(cleanup_free) char *text = many(7, &document.size);
	pthread_t thread;
	void *failed;

	document.text = text;
	ck_assert_int_eq(pthread_create(&thread, NULL, parse_again, &document), 0);
	ck_assert_ptr_null(parse_again(&document));
	ck_assert_int_eq(pthread_join(thread, &failed), 0);
	ck_assert_ptr_null(failed);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("policy_document");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, a_text_says_what_its_tree_says, 0, ARRAY_SIZE(texts));
	tcase_add_test(tcase, a_zero_ends_nothing);
	tcase_add_test(tcase, the_golden_files_are_read_alike);
	tcase_add_test(tcase, damaged_texts_are_read_alike);
	tcase_add_loop_test(tcase, a_page_is_not_taken_for_the_whole, 0, ARRAY_SIZE(pages));
	tcase_add_test(tcase, many_policies_keep_their_order);
	tcase_add_test(tcase, many_twins_are_told);
	tcase_add_test(tcase, threads_do_not_disturb_each_other);
	return run_case("policy_document", tcase);
}
