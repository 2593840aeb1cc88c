// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"
#include "json_cleanup.h"
#include "policy_text.h"
#include "probe.h"
#include "problem.h"

#define IPV4 "0000000000000000000000000800"
#define ADDRESSES "'src':{'ip':'10.0.0.1'},"

static int read_text(const char *text, struct probe_packet *ret, struct problems *problems)
{
	CLEANUP(cleanup_json) struct json_object *json = NULL;
	char quoted[8192];

	ck_assert_uint_lt(strlen(text), sizeof(quoted));
	strcpy(quoted, text);
	for (char *c = quoted; *c; c++)
		if (*c == '\'')
			*c = '"';
	ck_assert_int_eq(json_read(quoted, strlen(quoted), 0, &json, problems), 0);
	return probe_read(json, "/p", ret, problems);
}

/* What is said, and the frame. */
static const struct {
	const char *said, *frame;
} valid[] = {
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':22}}", IPV4 "450000280001000040060000"
								   "0a0000010a000002"
								   "c00000160000000100000000"
								   "5002ffff00000000" },
	{ "{'protocol':'tcp','src':{'ip':'10.0.0.1','port':7},'dst':{'ip':'10.0.0.2','port':80},"
	  "'vlan':5,'dscp':'ef','ttl':3,'length':42,'tcp_flags':'syn,ack,!rst','fragment':true}",
	  "0000000000000000000000008100"
	  "00050800"
	  "45b8002a0001200003060000"
	  "0a0000010a000002"
	  "000700500000000100000000"
	  "5012ffff000000000000" },
	{ "{'protocol':'udp','src':{'ip':'fd00::1'},'dst':{'ip':'fd00::2','port':53},"
	  "'fragment':true}",
	  "00000000000000000000000086dd"
	  "6000000000102c40"
	  "fd000000000000000000000000000001"
	  "fd000000000000000000000000000002"
	  "1100000100000001"
	  "c000003500080000" },
	{ "{'protocol':'icmpv6','src':{'ip':'fd00::1'},'dst':{'ip':'fd00::2'}}",
	  "00000000000000000000000086dd"
	  "6000000000083a40"
	  "fd000000000000000000000000000001"
	  "fd000000000000000000000000000002"
	  "8000000000000000" },
	{ "{'protocol':'icmp','icmp_type':3,'icmp_code':4," ADDRESSES "'dst':{'ip':'10.0.0.2'}}",
	  IPV4 "4500001c0001000040010000"
	       "0a0000010a000002"
	       "0304000000000000" },
	{ "{'protocol':47,'length':24," ADDRESSES "'dst':{'ip':'10.0.0.2'}}",
	  IPV4 "4500001800010000402f0000"
	       "0a0000010a000002"
	       "00000000" },
	{ "{'frame':'0A0b0c0d0e0f0102030405060800'}", "0a0b0c0d0e0f0102030405060800" },
};

START_TEST(what_is_said_is_in_the_frame)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	char text[2 * PROBE_FRAME_MAX + 1] = "";
	struct probe_packet probe;

	ck_assert_msg(!read_text(valid[_i].said, &probe, &problems), "%s %s",
		      problems.count ? problems.list[0].pointer : "",
		      problems.count ? problems.list[0].detail : "");
	for (size_t i = 0; i < probe.bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", probe.frame[i]);
	ck_assert_str_eq(text, valid[_i].frame);
	ck_assert_int_eq(probe.direction, PEP_INGRESS);
	ck_assert_str_eq(probe.interface, "");
}
END_TEST

START_TEST(where_it_is)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct probe_packet probe;

	ck_assert_int_eq(read_text("{'frame':'0000000000000000000000000000','direction':'egress',"
				   "'interface':'eth0'}",
				   &probe, &problems),
			 0);
	ck_assert_int_eq(probe.direction, PEP_EGRESS);
	ck_assert_str_eq(probe.interface, "eth0");
}
END_TEST

static const struct {
	const char *said, *pointer;
} invalid[] = {
	{ "7", "/p" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.0/31','port':1}}", "/p/dst/ip" },
	{ "{" ADDRESSES "'dst':{'ip':'!10.0.0.1','port':1}}", "/p/dst/ip" },
	{ "{" ADDRESSES "'dst':{'ip':'@banned','port':1}}", "/p/dst/ip" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':'1-2'}}", "/p/dst/port" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'vlan':[1,2]}", "/p/vlan" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'dscp':[1,2]}", "/p/dscp" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'ttl':'1-2'}", "/p/ttl" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'interface':['a','b']}", "/p/interface" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'direction':'both'}", "/p/direction" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'length':39}", "/p/length" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'length':3439}", "/p/length" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2','port':1},'id':'x'}", "/p/id" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2'},'protocol':'udp'}", "/p/dst/port" },
	{ "{" ADDRESSES "'dst':{'ip':'10.0.0.2'}}", "/p/protocol" },
	{ "{'protocol':'udp','dst':{'ip':'10.0.0.2','port':1}}", "/p/src/ip" },
	{ "{'frame':'00000000000000000000000000'}", "/p/frame" },
	{ "{'frame':'000000000000000000000000000'}", "/p/frame" },
	{ "{'frame':'000000000000000000000000000g'}", "/p/frame" },
	{ "{'frame':7}", "/p/frame" },
	{ "{'frame':'0000000000000000000000000000','ttl':1}", "/p/ttl" },
};

START_TEST(what_is_wrong_is_named)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	struct probe_packet probe;

	ck_assert_int_eq(read_text(invalid[_i].said, &probe, &problems), -EINVAL);
	ck_assert_uint_eq(problems.errors, 1);
	ck_assert_str_eq(problems.list[0].pointer, invalid[_i].pointer);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("probe");

	tcase_add_loop_test(tcase, what_is_said_is_in_the_frame, 0, ARRAY_SIZE(valid));
	tcase_add_test(tcase, where_it_is);
	tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, ARRAY_SIZE(invalid));
	return run_case("probe", tcase);
}
