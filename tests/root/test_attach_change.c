/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments that change under traffic, and interfaces that change under
 * attachments.
 */
#include <bpf/bpf.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include "attach_anchor.h"
#include "attach_bed.h"
#include "attach_tcx.h"
#include "cleanup.h"
#include "keep.h"

/* ---- while frames come */

static atomic_bool stop_sending;
static atomic_uint in_flight; /* frames that must come through and have not yet */

static void *send_mixed(void *context)
{
	cpu_set_t other;

	(void)context;
	CPU_ZERO(&other);
	CPU_SET(1, &other);
	/* Side by side with the changes where there is a second CPU. */
	(void)sched_setaffinity(0, sizeof(other), &other);
	while (!stop_sending) {
		if (in_flight > 32) {
			sched_yield();
			continue;
		}
		bed_send(BED_DROP);
		in_flight++;
		bed_send(BED_PASS);
	}
	return NULL;
}

/* What holds a program is freed some time after its last name and descriptor. */
static void wait_passes(uint8_t marker)
{
	struct pollfd nothing = { .fd = -1 };

	for (int tries = 0; tries < 100; tries++) {
		if (bed_passes(marker))
			return;
		(void)poll(&nothing, 1, 20);
	}
	ck_abort_msg("what was attached stays so");
}

/* Until frames get through, after the interface was down. */
static void wait_up(void)
{
	struct pollfd ready = { .fd = bed.receiver, .events = POLLIN };
	socklen_t bytes = sizeof(int);
	int tries;

	/* It was told that the interface went down. */
	ck_assert_int_eq(getsockopt(bed.receiver, SOL_SOCKET, SO_ERROR, &tries, &bytes), 0);
	for (tries = 0; tries < 200; tries++) {
		(void)bed_try_send('-'); /* before that it may be refused, or taken and dropped */
		if (poll(&ready, 1, 50) == 1)
			break;
	}
	ck_assert_msg(tries < 200, "the interface does not come up");
	while (poll(&ready, 1, 50) == 1)
		(void)bed_receive();
}

/* Takes in what has come; each frame that should be dropped and was not fails the test. */
static void drain(void)
{
	while (in_flight) {
		ck_assert_int_eq(bed_receive(), BED_PASS);
		in_flight--;
	}
}

/* Does @change 50 times while frames of both kinds come: none is lost, none gets through. */
static void while_sending(void (*change)(int step))
{
	pthread_t sender;
	int step;

	stop_sending = false;
	in_flight = 0;
	ck_assert_int_eq(pthread_create(&sender, NULL, send_mixed, NULL), 0);
	for (step = 0; step < 50; step++) {
		change(step);
		drain();
	}
	stop_sending = true;
	pthread_join(sender, NULL);
	drain();
}

static void replace_programs(int step)
{
	const struct attachment *attachment;
	uint32_t program_id;

	(void)step;
	attachment = attachments_find(bed.attachments, bed.link.ifindex);
	program_id = attachment->program_id;
	bed_load_programs();
	ck_assert_int_eq(attach_replace_programs(bed.attachments), 0);
	ck_assert_uint_ne(attachment->program_id, program_id);
}

START_TEST(replaced_without_a_gap)
{
	bed_attach_way(_i);
	bed_expect_enforced();
	while_sending(replace_programs);
	bed_expect_enforced();
}
END_TEST

static void change_mode(int step)
{
	bed_attach(bed_ways[step % BED_WAYS].mode, 0);
}

START_TEST(mode_changes_without_a_gap)
{
	bed_attach(ATTACH_TC, 0);
	bed_expect_enforced();
	while_sending(change_mode);
	bed_expect_enforced();
}
END_TEST

/* ---- processes that end */

#define PINS "/sys/fs/bpf/pepctl-test"

static struct keep *keep;

static void begin_process(void)
{
	bed.attachments = attachments_new(&bed.datapath);
	ck_assert_ptr_nonnull(bed.attachments);
	ck_assert_int_eq(keep_open(KEEP_PINS, PINS, &keep), 0);
	ck_assert_int_eq(keep_place(keep), KEEP_AS_PINS);
	ck_assert_int_eq(attachments_keep(bed.attachments, keep, NULL), 0);
}

static void end_process(void)
{
	attachments_free(&bed.attachments);
	keep_close(&keep);
	bed_load_programs();
}

START_TEST(outlives_its_process)
{
	size_t count = 0;

	attachments_free(&bed.attachments);
	begin_process();
	ck_assert(!bed_attach_way(_i)->taken_over);
	end_process();
	bed_expect_enforced();

	begin_process();
	ck_assert(bed_attach_way(_i)->taken_over);
	attachments_sweep(bed.attachments);
	bed_expect_enforced();
	bed_load_programs();
	ck_assert_int_eq(attach_replace_programs(bed.attachments), 0);
	bed_expect_enforced();
	end_process();
	bed_expect_enforced();

	ck_assert_int_eq(attach_detach_left(PINS, &count), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert(bed_passes(BED_DROP));
	ck_assert_uint_eq(bed_filters(), 0);
}
END_TEST

/* As the service manager lets go of its store: filters stay, and pass everything. */
START_TEST(ends_with_what_keeps_it)
{
	attachments_free(&bed.attachments);
	begin_process();
	bed_attach_way(_i);
	end_process();
	bed_run("find " PINS " -type f ! -name '*.*' -delete");
	wait_passes(BED_DROP);

	begin_process();
	bed_attach_way(_i);
	bed_expect_enforced();
	attach_detach_all(bed.attachments);
	ck_assert(bed_passes(BED_DROP));
	ck_assert_uint_eq(bed_filters(), 0);
	end_process();
}
END_TEST

/* Somebody took it off while no process was there. */
START_TEST(a_link_that_is_lost_is_kept_no_longer)
{
	attachments_free(&bed.attachments);
	begin_process();
	bed_attach_way(_i);
	end_process();

	begin_process();
	for (size_t i = 0; keep_name(keep, i); i++)
		(void)bpf_link_detach(keep_find(keep, keep_name(keep, i)));
	bed_attach_way(_i);
	attachments_sweep(bed.attachments);
	bed_expect_enforced();
	end_process();
	bed_expect_enforced();

	begin_process();
	ck_assert(bed_attach_way(_i)->taken_over);
	attach_detach_all(bed.attachments);
	end_process();
}
END_TEST

/* A process died between two ways, and the next one wants the other one. */
START_TEST(a_link_beside_another_is_left_by_nobody)
{
	uint32_t ids[TCX_PROGRAMS];
	size_t count;
	char link[80];

	snprintf(link, sizeof(link), PINS "/link-tcx_ingress-%u", bed.link.ifindex);
	attachments_free(&bed.attachments);
	begin_process();
	bed_attach(ATTACH_TC, 0);
	end_process();
	ck_assert_int_eq(rename(link, PINS "/aside"), 0);
	begin_process();
	bed_attach(ATTACH_GENERIC, 0);
	end_process();
	ck_assert_int_eq(rename(PINS "/aside", link), 0);

	begin_process();
	bed_attach(ATTACH_TC, 0);
	attachments_sweep(bed.attachments);
	bed_expect_enforced();
	ck_assert_int_eq(tcx_query(bed.link.ifindex, false, ids, &count), 0);
	ck_assert_uint_eq(count, 1);
	attach_detach_all(bed.attachments);
	end_process();
}
END_TEST

/* The directory may be one that others use, too. */
START_TEST(pins_of_others_stay)
{
	size_t count = 0;

	attachments_free(&bed.attachments);
	begin_process();
	bed_attach_way(0);
	ck_assert_int_eq(bpf_obj_pin(bed.datapath.fd[PROGRAM_XDP], PINS "/theirs"), 0);
	end_process();
	ck_assert_int_eq(attach_detach_left(PINS, &count), 0);
	bed_run("test \"$(ls " PINS ")\" = theirs && rm " PINS "/theirs");
}
END_TEST

/* ---- interfaces that change */

START_TEST(interface_goes)
{
	bed_attach_way(_i);
	bed_run("ip link del pepa");
	bed_load_programs();
	ck_assert_int_eq(attach_replace_programs(bed.attachments), 0);
	attach_forget(bed.attachments, bed.link.ifindex);
	ck_assert_ptr_null(attachments_find(bed.attachments, bed.link.ifindex));
}
END_TEST

START_TEST(interface_went_before)
{
	const struct attach_wanted wanted = { .mode = bed_ways[_i].mode, .egress = true };
	const struct attachment *attachment;

	if (bed_ways[_i].without_tcx)
		attach_without_tcx(bed.attachments);
	bed_run("ip link del pepa");
	attachment = bed_attach_as(&wanted, -ENODEV);
	ck_assert_ptr_nonnull(strstr(attachment->refused, "pepa is gone"));
}
END_TEST

START_TEST(interface_is_renamed)
{
	const struct attachment *const *list;
	size_t count;

	ck_assert_int_eq(attach_refuse(bed.attachments, 0, "pepz", "there is none"), 0);
	ck_assert_int_eq(attach_refuse(bed.attachments, 0, "pepm", "there is none"), 0);
	bed_attach_way(_i);
	list = attachments_list(bed.attachments, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(list[0]->name, "pepa");

	bed_run("ip link set pepa down && ip link set pepa name pepz && ip link set pepz up");
	attach_rename(bed.attachments, bed.link.ifindex, "pepz");
	list = attachments_list(bed.attachments, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0]->name, "pepm");
	ck_assert_str_eq(list[1]->name, "pepz");
	ck_assert_ptr_null(list[1]->refused);
	wait_up();
	bed_expect_enforced();
}
END_TEST

START_TEST(refused_is_listed_and_detached)
{
	const struct attachment *attachment = bed_attach_way(_i);

	ck_assert_int_eq(attach_refuse(bed.attachments, bed.link.ifindex, "pepa", "a member"), 0);
	ck_assert_ptr_null(attachment->mode);
	ck_assert_str_eq(attachment->refused, "a member");
	ck_assert(bed_passes(BED_DROP));
	ck_assert_int_eq(attach_refuse(bed.attachments, bed.link.ifindex, "pepa", NULL), 0);
	ck_assert_ptr_null(attachments_find(bed.attachments, bed.link.ifindex));
}
END_TEST

START_TEST(neither_ethernet_nor_ip)
{
	bed.link.alien = true;
	ck_assert_ptr_nonnull(strstr(bed_attach(ATTACH_AUTO, -EMEDIUMTYPE)->refused, "neither"));
}
END_TEST

static Suite *suite(void)
{
	Suite *attach = suite_create("attach_change");
	TCase *cases = tcase_create("attach_change");

	tcase_add_checked_fixture(cases, bed_open, bed_close);
	tcase_add_loop_test(cases, replaced_without_a_gap, 0, BED_WAYS);
	tcase_add_test(cases, mode_changes_without_a_gap);
	tcase_add_loop_test(cases, outlives_its_process, 0, BED_WAYS);
	tcase_add_loop_test(cases, ends_with_what_keeps_it, 0, BED_WAYS);
	tcase_add_loop_test(cases, a_link_that_is_lost_is_kept_no_longer, 0, BED_WAYS);
	tcase_add_test(cases, a_link_beside_another_is_left_by_nobody);
	tcase_add_test(cases, pins_of_others_stay);
	tcase_add_loop_test(cases, interface_goes, 0, BED_WAYS);
	tcase_add_loop_test(cases, interface_went_before, 0, BED_WAYS);
	tcase_add_loop_test(cases, interface_is_renamed, 0, BED_WAYS);
	tcase_add_loop_test(cases, refused_is_listed_and_detached, 0, BED_WAYS);
	tcase_add_test(cases, neither_ethernet_nor_ip);
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
