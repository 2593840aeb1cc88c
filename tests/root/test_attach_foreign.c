/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs and filters of others on the same interface: they keep working,
 * they are told about, and they are still there when we have gone.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

#include "attach_anchor.h"
#include "attach_bed.h"
#include "cleanup.h"

#define NEXT (-1) /* TCX_NEXT, TC_ACT_UNSPEC */

/* Sends one frame of each kind. Returns how many of them the foreign program saw. */
static uint64_t seen_of_two(const struct bed_foreign *foreign)
{
	uint64_t before = bed_foreign_seen(foreign);

	bed_send(BED_DROP);
	bed_send(BED_PASS);
	while (bed_receive() != BED_PASS)
		;
	return bed_foreign_seen(foreign) - before;
}

static const struct attachment *refreshed(void)
{
	ck_assert_int_eq(attach_refresh_foreign(bed.attachments, bed.link.ifindex), 0);
	return attachments_find(bed.attachments, bed.link.ifindex);
}

static void expect_listed(const struct bed_foreign *foreign, const char *hook, const char *position)
{
	const struct attach_foreign *entry;
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	entry = bed_foreign_listed(refreshed(), foreign->program_id);
	ck_assert_ptr_nonnull(entry);
	ck_assert_str_eq(entry->hook, hook);
	ck_assert_str_eq(entry->position, position);
	ck_assert_int_eq(bpf_obj_get_info_by_fd(foreign->program_fd, &info, &bytes), 0);
	ck_assert_str_eq(entry->name, info.name);
}

/* An XDP program as other tools attach it, without a link. */
static struct bed_foreign foreign_xdp(uint32_t flags)
{
	struct bed_foreign foreign = bed_foreign_load(BPF_PROG_TYPE_XDP, "balancer", XDP_PASS);

	ck_assert_int_eq(bpf_xdp_attach((int)bed.link.ifindex, foreign.program_fd, flags, NULL), 0);
	return foreign;
}

START_TEST(xdp_of_others_sends_us_to_tc)
{
	const uint32_t flags = _i ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
	struct bed_foreign foreign = foreign_xdp(flags);
	const struct attachment *attachment = bed_attach(ATTACH_AUTO, 0);
	uint32_t program_id = 0;

	ck_assert_str_eq(attachment->mode, "tc");
	ck_assert_int_eq(attachment->attempts[0].error, _i ? EEXIST : EBUSY);
	ck_assert_ptr_nonnull(strstr(attachment->attempts[0].detail, "balancer"));
	expect_listed(&foreign, "xdp", "before");
	bed_expect_enforced();
	ck_assert_uint_eq(seen_of_two(&foreign), 2);

	attach_detach_all(bed.attachments);
	ck_assert_int_eq(bpf_xdp_query_id((int)bed.link.ifindex, (int)flags, &program_id), 0);
	ck_assert_uint_eq(program_id, foreign.program_id);
	ck_assert_uint_eq(seen_of_two(&foreign), 2);
}
END_TEST

START_TEST(xdp_of_others_is_not_replaced_by_force)
{
	struct bed_foreign foreign = foreign_xdp(XDP_FLAGS_DRV_MODE);
	const struct attachment *attachment = bed_attach(ATTACH_NATIVE, -EBUSY);

	ck_assert_ptr_nonnull(strstr(attachment->refused, "balancer"));
	ck_assert_uint_eq(seen_of_two(&foreign), 2);
	attachment = bed_attach(ATTACH_GENERIC, -EEXIST);
	ck_assert_ptr_nonnull(strstr(attachment->refused, "balancer"));
	ck_assert_uint_eq(seen_of_two(&foreign), 2);
}
END_TEST

START_TEST(tcx_of_others_before_and_behind)
{
	struct bed_foreign behind = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "behind", NEXT);
	struct bed_foreign before = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "before", NEXT);

	if (!bed_has_tcx())
		return; /* there are none to live beside */
	bed_foreign_tcx(&behind, false, false);
	bed_attach(ATTACH_TC, 0);
	expect_listed(&behind, "tcx/ingress", "behind");
	bed_foreign_tcx(&before, false, true);
	expect_listed(&before, "tcx/ingress", "before");
	expect_listed(&behind, "tcx/ingress", "behind");
	bed_expect_enforced();
	ck_assert_uint_eq(seen_of_two(&before), 2);
	ck_assert_uint_eq(seen_of_two(&behind), 1);
	bed_load_programs();
	ck_assert_int_eq(attach_replace_programs(bed.attachments), 0);
	ck_assert_uint_eq(seen_of_two(&behind), 1);

	attach_detach_all(bed.attachments);
	ck_assert_uint_eq(seen_of_two(&before), 2);
	ck_assert_uint_eq(seen_of_two(&behind), 2);
	cleanup_fd(&before.link_fd);
	cleanup_fd(&behind.link_fd);
}
END_TEST

/* With XDP and TCX of ours it is behind by nature, with clsact by its priority. */
START_TEST(filter_of_others_behind)
{
	struct bed_foreign behind = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "behind", NEXT);

	bed_run("tc qdisc add dev pepa clsact");
	bed_foreign_filter(&behind, 1 + (uint32_t)bed_way_is_clsact(_i));
	bed_attach_way(_i);
	expect_listed(&behind, "clsact/ingress", "behind");
	ck_assert_uint_eq(seen_of_two(&behind), 1);
	bed_load_programs();
	ck_assert_int_eq(attach_replace_programs(bed.attachments), 0);
	ck_assert_uint_eq(seen_of_two(&behind), 1);

	attach_detach_all(bed.attachments);
	ck_assert_uint_eq(seen_of_two(&behind), 2);
	ck_assert_uint_eq(bed_filters(), 1);
}
END_TEST

START_TEST(lowest_free_priority_is_taken)
{
	struct bed_foreign before = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "before", NEXT);
	struct bed_foreign behind = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "behind", NEXT);

	attach_without_tcx(bed.attachments);
	bed_run("tc qdisc add dev pepa clsact");
	bed_foreign_filter(&before, 1);
	bed_foreign_filter(&behind, 3);
	bed_attach(ATTACH_TC, 0);
	expect_listed(&before, "clsact/ingress", "before");
	expect_listed(&behind, "clsact/ingress", "behind");
	ck_assert_uint_eq(seen_of_two(&before), 2);
	ck_assert_uint_eq(seen_of_two(&behind), 1);
}
END_TEST

START_TEST(qdisc_of_others_stays)
{
	attach_without_tcx(bed.attachments);
	bed_run("tc qdisc add dev pepa clsact");
	bed_attach(ATTACH_TC, 0);
	attach_detach_all(bed.attachments);
	ck_assert_uint_eq(bed_filters(), 0);
	bed_run("tc qdisc show dev pepa | grep -q clsact");
}
END_TEST

START_TEST(qdisc_of_ours_stays_while_others_use_it)
{
	const struct attach_wanted both = { .mode = ATTACH_TC, .egress = true };
	struct bed_foreign later = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "later", NEXT);

	attach_without_tcx(bed.attachments);
	bed_attach_as(&both, 0);
	bed_foreign_filter(&later, 7);
	attach_detach_all(bed.attachments);
	ck_assert_uint_eq(bed_filters(), 1);
	ck_assert_uint_eq(seen_of_two(&later), 2);
}
END_TEST

START_TEST(other_kinds_of_filters_are_told)
{
	const struct attachment *attachment;

	bed_run("tc qdisc add dev pepa clsact");
	bed_run("tc filter add dev pepa ingress prio 5 protocol all u32 match u8 0 0");
	attach_without_tcx(bed.attachments);
	attachment = bed_attach(ATTACH_TC, 0);
	ck_assert_uint_eq(attachment->foreign_count, 1);
	ck_assert_str_eq(attachment->foreign[0].name, "u32");
	ck_assert_uint_eq(attachment->foreign[0].program_id, 0);
	ck_assert_str_eq(attachment->foreign[0].position, "behind");
}
END_TEST

/* The qdisc "ingress" would take an egress filter and run it on what comes in. */
START_TEST(old_ingress_qdisc)
{
	const struct attach_wanted both = { .mode = ATTACH_TC, .egress = true };
	const struct attachment *attachment;

	bed_run("tc qdisc add dev pepa ingress");
	attach_without_tcx(bed.attachments);
	attachment = bed_attach_as(&both, -EBUSY);
	ck_assert_str_eq(attachment->mechanism, "clsact");
	ck_assert(!attachment->egress);
	bed_expect_enforced();
	attach_detach_all(bed.attachments);
	bed_run("tc qdisc show dev pepa | grep -q 'qdisc ingress'");
}
END_TEST

/* ---- what a killed process leaves behind */

static void leave_filter_behind(void)
{
	attach_without_tcx(bed.attachments);
	bed_attach(ATTACH_TC, 0);
	attachments_free(&bed.attachments);
	bed_expect_enforced();
	ck_assert_uint_eq(bed_filters(), 1);
	bed.attachments = attachments_new(&bed.datapath);
	bed_load_programs();
}

/* In its place, or removed once something else of ours is in force. */
START_TEST(left_filter_is_taken_over)
{
	leave_filter_behind();
	bed_attach_way(_i);
	ck_assert_uint_eq(bed_filters(), bed_way_is_clsact(_i));
	bed_expect_enforced();
}
END_TEST

START_TEST(left_filter_is_removed)
{
	struct bed_foreign other = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "other", NEXT);

	leave_filter_behind();
	bed_foreign_filter(&other, 4);
	attach_remove_stale(bed.link.ifindex);
	ck_assert_uint_eq(bed_filters(), 1);
	ck_assert_uint_eq(seen_of_two(&other), 2);
}
END_TEST

static Suite *suite(void)
{
	Suite *attach = suite_create("attach");
	TCase *cases = tcase_create("attach_foreign");

	tcase_add_checked_fixture(cases, bed_open, bed_close);
	tcase_add_loop_test(cases, xdp_of_others_sends_us_to_tc, 0, 2);
	tcase_add_test(cases, xdp_of_others_is_not_replaced_by_force);
	tcase_add_test(cases, tcx_of_others_before_and_behind);
	tcase_add_loop_test(cases, filter_of_others_behind, 0, BED_WAYS);
	tcase_add_test(cases, lowest_free_priority_is_taken);
	tcase_add_test(cases, qdisc_of_others_stays);
	tcase_add_test(cases, qdisc_of_ours_stays_while_others_use_it);
	tcase_add_test(cases, other_kinds_of_filters_are_told);
	tcase_add_test(cases, old_ingress_qdisc);
	tcase_add_loop_test(cases, left_filter_is_taken_over, 0, BED_WAYS);
	tcase_add_test(cases, left_filter_is_removed);
	suite_add_tcase(attach, cases);
	return attach;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
