/* SPDX-License-Identifier: Apache-2.0 */
/* From links and policies to what is attached, and when relative to publishing. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "daemon.h"
#include "daemon_state.h"
#include "interfaces_watch.h"
#include "links.h"
#include "policy_text.h"
#include "policyset.h"
#include "problem.h"
#include "settings.h"
#include "stubs.h"

#define MAX 4

/* ---- links that are there because a test says so */

static struct link there[MAX];
static size_t there_count;
static links_callback on_link;
static void *on_link_context;
static int wake[2];

int links_open(links_callback callback, void *context, struct links **ret)
{
	on_link = callback;
	on_link_context = context;
	*ret = (struct links *)there;
	return pipe(wake);
}

int links_fd(const struct links *links)
{
	(void)links;
	return wake[0];
}

int links_read(struct links *links)
{
	char byte;

	(void)links;
	return read(wake[0], &byte, 1) == 1 ? 0 : -EIO;
}

void links_each(const struct links *links, links_callback callback, void *context)
{
	(void)links;
	for (size_t i = 0; i < there_count; i++)
		callback(context, LINK_NEW, &there[i]);
}

int links_find(const struct links *links, uint32_t ifindex, struct link *ret)
{
	(void)links;
	(void)ifindex;
	(void)ret;
	return -ENODEV;
}

void links_close(struct links **links)
{
	*links = NULL;
	close(wake[0]);
	close(wake[1]);
}

/* ---- attachments that only take note */

static struct attachment list[MAX];
static const struct attachment *sorted[MAX];
static size_t list_count;
static int attach_error;

static struct attachment *entry(uint32_t ifindex, const char *name)
{
	for (size_t i = 0; i < list_count; i++) {
		if (ifindex ? list[i].ifindex == ifindex : !strcmp(list[i].name, name))
			return &list[i];
	}
	return NULL;
}

static struct attachment *make_entry(uint32_t ifindex, const char *name)
{
	struct attachment *attachment = entry(ifindex, name);

	if (!attachment) {
		ck_assert_uint_lt(list_count, MAX);
		attachment = &list[list_count++];
		*attachment = (struct attachment){ .ifindex = ifindex, .mtu = 1500 };
	}
	snprintf(attachment->name, sizeof(attachment->name), "%s", name);
	return attachment;
}

static void note_call(const char *what, const char *name)
{
	size_t used = strlen(stubs.calls);

	snprintf(stubs.calls + used, sizeof(stubs.calls) - used, "%s:%s ", what, name);
}

struct attachments *attachments_new(struct datapath *datapath)
{
	(void)datapath;
	return NULL;
}

int attach_interface(struct attachments *attachments, const struct link *link,
		     const struct attach_wanted *wanted)
{
	struct attachment *attachment = make_entry(link->ifindex, link->name);
	char what[32];

	(void)attachments;
	snprintf(what, sizeof(what), "attach%s%s", wanted->egress ? "+egress" : "",
		 wanted->vlan ? "+vlan" : "");
	note_call(what, link->name);
	if (attach_error)
		return attach_error;
	attachment->mode = wanted->vlan ? "tc" : "native";
	attachment->egress = wanted->egress;
	return 0;
}

static uint32_t lost; /* ifindex of what somebody took away */

int attach_verify(const struct attachments *attachments, uint32_t ifindex, char **ret_words)
{
	(void)attachments;
	*ret_words = ifindex == lost ? strdup("taken away") : NULL;
	return ifindex == lost ? -ENOLINK : 0;
}

int attach_refuse(struct attachments *attachments, uint32_t ifindex, const char *name,
		  const char *reason)
{
	(void)attachments;
	note_call(reason ? "refuse" : "forget", name);
	if (reason)
		make_entry(ifindex, name)->mode = NULL;
	return 0;
}

int attach_check(const struct attachments *attachments, uint32_t ifindex,
		 const struct attach_wanted *wanted, char **ret_detail)
{
	(void)attachments;
	(void)ifindex;
	if (!wanted->vlan || wanted->mode != ATTACH_NATIVE)
		return 0;
	*ret_detail = strdup("no tags there");
	return -EOPNOTSUPP;
}

void attach_forget(struct attachments *attachments, uint32_t ifindex)
{
	struct attachment *attachment = entry(ifindex, "");

	(void)attachments;
	ck_assert_ptr_nonnull(attachment);
	note_call("detach", attachment->name);
	*attachment = list[--list_count];
}

void attach_rename(struct attachments *attachments, uint32_t ifindex, const char *name)
{
	(void)attachments;
	note_call("rename", name);
	make_entry(ifindex, name);
}

const struct attachment *const *attachments_list(const struct attachments *attachments,
						 size_t *ret_count)
{
	(void)attachments;
	for (size_t i = 0; i < list_count; i++)
		sorted[i] = &list[i];
	*ret_count = list_count;
	return sorted;
}

const struct attachment *attachments_find(const struct attachments *attachments, uint32_t ifindex)
{
	(void)attachments;
	return entry(ifindex, "");
}

/* ---- the tests */

static struct daemon under_test;

static void link_up(uint32_t ifindex, const char *name)
{
	struct link *link = &there[there_count++];

	ck_assert_uint_le(there_count, MAX);
	*link = (struct link){ .ifindex = ifindex, .mtu = 1500, .up = true };
	snprintf(link->name, sizeof(link->name), "%s", name);
}

static void want(const char *name)
{
	struct string_list *interfaces = &under_test.settings->interfaces;

	interfaces->string = realloc(interfaces->string,
				     (interfaces->count + 1) * sizeof(interfaces->string[0]));
	interfaces->string[interfaces->count++] = strdup(name);
}

/* What the kernel's messages lead to. */
static void turn(void)
{
	stubs.calls[0] = '\0';
	ck_assert_int_eq(write(wake[1], "x", 1), 1);
	event_base_loop(under_test.base, EVLOOP_ONCE);
}

static void setup(void)
{
	stubs_reset();
	there_count = list_count = 0;
	attach_error = 0;
	under_test = (struct daemon){ .base = event_base_new() };
	ck_assert_int_eq(settings_default(&under_test.settings), 0);
	under_test.set = set_of("[{\"id\":\"a\",\"action\":\"BLOCK\"}]", false);
	ck_assert_int_eq(interfaces_watch_open(&under_test, &under_test.watch), 0);
	link_up(2, "x0");
	want("x*");
	interfaces_watch_follow(under_test.watch);
}

static void teardown(void)
{
	interfaces_watch_close(&under_test.watch);
	event_base_free(under_test.base);
	policyset_put(&under_test.set);
	settings_free(&under_test.settings);
}

/* Makes another set current; returns what came of it. */
static int enforce(const char *json)
{
	struct policyset *set = set_of(json, false);
	const struct daemon_next next = { .settings = under_test.settings, .set = set };
	struct problems problems = { 0 };
	int r;

	stubs.calls[0] = '\0';
	r = daemon_enforce(&under_test, &next, &problems);
	ck_assert((r < 0) == (problems.errors > 0));
	problems_clear(&problems);
	policyset_put(&set);
	return r;
}

#define PLAIN "[{\"id\":\"a\",\"action\":\"BLOCK\"}]"
#define EGRESS "[{\"id\":\"a\",\"action\":\"BLOCK\",\"direction\":\"egress\"}]"
#define VLAN_ELSEWHERE "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":5,\"interface\":\"y\"}]"
#define VLAN "[{\"id\":\"a\",\"action\":\"BLOCK\",\"vlan\":5}]"

START_TEST(interfaces_come_and_go)
{
	ck_assert_str_eq(stubs.calls, "attach:x0 ");
	link_up(3, "x1");
	link_up(4, "other");
	/* They are counted from then on: they may be gone when a request asks. */
	under_test.http = (struct http *)&under_test; /* the stub does not look at it */
	turn();
	under_test.http = NULL;
	ck_assert_str_eq(stubs.calls, "attach:x1 interfaces ");
	turn();
	ck_assert_str_eq(stubs.calls, "");
	stubs.calls[0] = '\0';
	there_count = 1;
	on_link(on_link_context, LINK_GONE, &there[1]);
	ck_assert_str_eq(stubs.calls, "detach:x1 ");
}
END_TEST

START_TEST(a_rename_is_followed)
{
	memcpy(there[0].name, "x9", sizeof("x9"));
	turn();
	ck_assert_str_eq(stubs.calls, "rename:x9 refresh ");
	memcpy(there[0].name, "y0", sizeof("y0"));
	turn();
	ck_assert_str_eq(stubs.calls, "detach:x9 ");
}
END_TEST

START_TEST(an_absent_one_is_waited_for)
{
	want("z0");
	turn();
	ck_assert_str_eq(stubs.calls, "refuse:z0 ");
	turn();
	ck_assert_str_eq(stubs.calls, "");
	link_up(5, "z0");
	turn();
	ck_assert_str_eq(stubs.calls, "attach:z0 forget:z0 ");
}
END_TEST

START_TEST(a_failure_is_tried_again_when_something_changes)
{
	attach_error = -EBUSY;
	link_up(3, "x1");
	turn();
	ck_assert_str_eq(stubs.calls, "attach:x1 ");
	turn();
	ck_assert_str_eq(stubs.calls, "");
	there[1].mtu = 1400;
	turn();
	ck_assert_str_eq(stubs.calls, "attach:x1 ");
	attach_error = 0;
	interfaces_watch_retry(under_test.watch);
	turn();
	ck_assert_ptr_nonnull(strstr(stubs.calls, "attach:x1 "));
}
END_TEST

START_TEST(what_somebody_took_away_is_put_back)
{
	link_up(3, "x1");
	turn();
	stubs.calls[0] = '\0';
	interfaces_watch_verify(under_test.watch);
	ck_assert_str_eq(stubs.calls, "");
	lost = 3;
	interfaces_watch_verify(under_test.watch);
	ck_assert_str_eq(stubs.calls, "attach:x1 ");
	lost = 0;
}
END_TEST

START_TEST(hooks_are_there_before_their_policies)
{
	ck_assert_int_eq(enforce(EGRESS), 0);
	ck_assert_str_eq(stubs.calls, "prepare attach+egress:x0 commit ");
	ck_assert_int_eq(enforce(PLAIN), 0);
	ck_assert_str_eq(stubs.calls, "prepare commit attach:x0 ");
	ck_assert_int_eq(enforce(VLAN), 0);
	ck_assert_str_eq(stubs.calls, "prepare attach+vlan:x0 commit ");
	ck_assert_int_eq(enforce(VLAN_ELSEWHERE), 0);
	ck_assert_str_eq(stubs.calls, "prepare commit attach:x0 ");
}
END_TEST

START_TEST(a_hook_does_not_block_what_no_state_blocks)
{
	under_test.settings->default_block = true;
	ck_assert_int_eq(enforce(EGRESS), 0);
	ck_assert_str_eq(stubs.calls, "prepare commit attach+egress:x0 ");
	ck_assert_int_eq(enforce(PLAIN), 0);
	ck_assert_str_eq(stubs.calls, "prepare attach:x0 commit ");
}
END_TEST

START_TEST(a_hook_that_cannot_be_refuses_the_change)
{
	const struct policyset *before = under_test.set;

	attach_error = -EBUSY;
	ck_assert_int_eq(enforce(EGRESS), -EBUSY);
	ck_assert_str_eq(stubs.calls, "prepare attach+egress:x0 attach:x0 abandon ");
	ck_assert_ptr_eq(under_test.set, before);
	attach_error = 0;
	under_test.settings->mode = ATTACH_NATIVE;
	ck_assert_int_eq(enforce(VLAN), -EINVAL);
	ck_assert_str_eq(stubs.calls, "");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("interfaces_watch");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, interfaces_come_and_go);
	tcase_add_test(tests, a_rename_is_followed);
	tcase_add_test(tests, an_absent_one_is_waited_for);
	tcase_add_test(tests, a_failure_is_tried_again_when_something_changes);
	tcase_add_test(tests, what_somebody_took_away_is_put_back);
	tcase_add_test(tests, hooks_are_there_before_their_policies);
	tcase_add_test(tests, a_hook_does_not_block_what_no_state_blocks);
	tcase_add_test(tests, a_hook_that_cannot_be_refuses_the_change);
	return run_case("interfaces_watch", tests);
}
