/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching: each mode is in force for real frames, falls back as it says, and
 * is put back when somebody takes it away.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "attach_anchor.h"
#include "attach_bed.h"
#include "cleanup.h"

#define ATTEMPTS_MOST 6

/* What TC's attempts look like on this kernel, after @others. */
static const char *then_tc(const char *others)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s %s", others, bed_has_tcx() ? "tcx+" : "tcx- clsact+");
	return text;
}

static void expect_attempts(const struct attachment *attachment, const char *expected)
{
	char text[256] = "";
	size_t i;

	ck_assert_uint_le(attachment->attempt_count, ATTEMPTS_MOST);
	for (i = 0; i < attachment->attempt_count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, attachment->attempts[i].mode);
		strcat(text, attachment->attempts[i].error ? "-" : "+");
	}
	ck_assert_str_eq(text, expected);
}

START_TEST(in_force)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	const struct attachment *attachment = bed_attach_way(_i);

	ck_assert_str_eq(attachment->driver, "veth");
	ck_assert_ptr_null(attachment->refused);
	ck_assert_uint_ne(attachment->program_id, 0);
	ck_assert(attachment->merged_packets == !strcmp(bed_ways[_i].shown, "generic"));
	ck_assert_uint_eq(attachment->attempts[attachment->attempt_count - 1].error, 0);
	ck_assert_uint_eq(bed.datapath.known[0], bed.link.ifindex);
	bed_expect_enforced();

	ck_assert_int_eq(bpf_xdp_query((int)bed.link.ifindex, 0, &query), 0);
	ck_assert_uint_eq(query.drv_prog_id,
			  bed_ways[_i].mode == ATTACH_NATIVE ? attachment->program_id : 0);
	ck_assert_uint_eq(query.skb_prog_id,
			  bed_ways[_i].mode == ATTACH_GENERIC ? attachment->program_id : 0);

	attach_forget(bed.attachments, bed.link.ifindex);
	ck_assert(bed_passes(BED_DROP));
	ck_assert_ptr_null(attachments_find(bed.attachments, bed.link.ifindex));
	ck_assert_uint_eq(bed.datapath.known[0], 0);
	ck_assert_uint_eq(bed_filters(), 0);
	bed_run("test -z \"$(tc qdisc show dev pepa clsact)\"");
}
END_TEST

START_TEST(auto_prefers_native)
{
	expect_attempts(bed_attach(ATTACH_AUTO, 0), "native+");
}
END_TEST

START_TEST(auto_falls_back_to_tc)
{
	const struct attach_wanted wanted = { .mode = ATTACH_AUTO };
	const struct link loopback = { .ifindex = 1, .name = "lo", .loopback = true };
	const struct attachment *attachment;

	ck_assert_int_eq(attach_interface(bed.attachments, &loopback, &wanted), 0);
	attachment = attachments_find(bed.attachments, 1);
	expect_attempts(attachment, then_tc("native- native-linear-"));
	ck_assert_int_eq(attachment->attempts[0].error, EOPNOTSUPP);
	/* The kernel's own words are told, and nothing was left behind by asking for them. */
	ck_assert_ptr_nonnull(strstr(attachment->attempts[0].detail, "the driver of lo"));
	ck_assert_ptr_nonnull(strchr(attachment->attempts[0].detail, '('));
	ck_assert_uint_eq(attachment->foreign_count, 0);
}
END_TEST

START_TEST(forced_mode_is_not_replaced_by_another)
{
	const struct attach_wanted wanted = { .mode = ATTACH_NATIVE };
	const struct link loopback = { .ifindex = 1, .name = "lo", .loopback = true };
	const struct attachment *attachment;

	ck_assert_int_eq(attach_interface(bed.attachments, &loopback, &wanted), -EOPNOTSUPP);
	attachment = attachments_find(bed.attachments, 1);
	ck_assert_ptr_null(attachment->mode);
	ck_assert_ptr_nonnull(strstr(attachment->refused, "the driver of lo"));
}
END_TEST

START_TEST(linear_after_fragments_are_refused)
{
	cleanup_fd(&bed.datapath.fd[PROGRAM_XDP_FRAGS]);
	bed.datapath.fd[PROGRAM_XDP_FRAGS] = -EINVAL;
	expect_attempts(bed_attach(ATTACH_AUTO, 0), "native- native-linear+");
	bed_expect_enforced();
	bed.datapath.fd[PROGRAM_XDP_FRAGS] = -1;
}
END_TEST

START_TEST(large_mtu)
{
	const struct attachment *attachment;

	bed_run("ip link set pepa mtu 9000 && ip link set pepb mtu 9000");
	expect_attempts(bed_attach(ATTACH_AUTO, 0), "native+");
	bed_expect_enforced();
	attach_forget(bed.attachments, bed.link.ifindex);

	/* Without fragments it does not fit; the message names the cure, and TC does it. */
	cleanup_fd(&bed.datapath.fd[PROGRAM_XDP_FRAGS]);
	bed.datapath.fd[PROGRAM_XDP_FRAGS] = -EINVAL;
	attachment = bed_attach(ATTACH_AUTO, 0);
	expect_attempts(attachment, then_tc("native- native-linear-"));
	ck_assert_int_eq(attachment->attempts[1].error, ERANGE);
	ck_assert_ptr_nonnull(strstr(attachment->attempts[1].detail, "mtu"));
	bed_expect_enforced();
	bed.datapath.fd[PROGRAM_XDP_FRAGS] = -1;
}
END_TEST

START_TEST(vlan_goes_where_tags_are_seen)
{
	struct attach_wanted wanted = { .mode = ATTACH_AUTO, .vlan = true };
	const struct attachment *attachment;
	CLEANUP(cleanup_free) char *detail = NULL;

	attachment = bed_attach_as(&wanted, 0);
	expect_attempts(attachment, then_tc("native-"));
	ck_assert_ptr_nonnull(strstr(attachment->attempts[0].detail, "ethtool -K pepa rxvlan off"));
	ck_assert_int_eq(attach_check(bed.attachments, bed.link.ifindex, &wanted, &detail), 0);

	wanted.mode = ATTACH_NATIVE;
	ck_assert_int_eq(attach_check(bed.attachments, bed.link.ifindex, &wanted, &detail),
			 -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(detail, "ethtool -K pepa rxvlan off"));
	cleanup_free(&detail);
	attach_forget(bed.attachments, bed.link.ifindex);
	attachment = bed_attach_as(&wanted, -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(attachment->refused, "rxvlan off"));

	bed_run("ethtool -K pepa rxvlan off rx-vlan-stag-hw-parse off >/dev/null");
	attachment = bed_attach_as(&wanted, 0);
	expect_attempts(attachment, "native+");
	ck_assert_ptr_null(attachment->refused);
	ck_assert_int_eq(attach_check(bed.attachments, bed.link.ifindex, &wanted, &detail), 0);
}
END_TEST

START_TEST(egress_beside_each_mode)
{
	const struct attach_wanted none = { .mode = bed_ways[_i].mode };
	const struct attach_wanted both = { .mode = bed_ways[_i].mode, .egress = true };
	const struct attachment *attachment;

	bed_attach_way(_i);
	attachment = bed_attach_as(&both, 0);
	ck_assert(attachment->egress);
	ck_assert_uint_ne(attachment->egress_program_id, 0);
	ck_assert_str_eq(attachment->mode, bed_ways[_i].shown);
	bed_expect_enforced();
	attachment = bed_attach_as(&none, 0);
	ck_assert(!attachment->egress);
	bed_expect_enforced();
}
END_TEST

static void detach_by_force(int i)
{
	if (bed_way_is_clsact(i)) {
		bed_run("tc qdisc del dev pepa clsact");
		return;
	}
	/* Links cannot be found by an id without CAP_SYS_ADMIN, which the test has; others may
	 * have an interface of that number in a namespace of theirs. */
	for (uint32_t id = 0; !bpf_link_get_next_id(id, &id);) {
		CLEANUP(cleanup_fd) int fd = bpf_link_get_fd_by_id(id);
		struct bpf_link_info info = { 0 };
		uint32_t bytes = sizeof(info);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &bytes) &&
		    info.prog_id == attachments_find(bed.attachments, bed.link.ifindex)->program_id)
			bpf_link_detach(fd);
	}
}

START_TEST(lost_is_put_back)
{
	const struct attach_wanted wanted = { .mode = bed_ways[_i].mode };

	bed_attach_way(_i);
	bed_expect_enforced();
	detach_by_force(_i);
	ck_assert(bed_passes(BED_DROP));
	bed_attach_as(&wanted, 0);
	bed_expect_enforced();
}
END_TEST

/* ---- tun: no Ethernet header */

static int open_tun(void)
{
	struct ifreq request = { .ifr_name = "peptun", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &request), 0);
	bed_run("ip link set peptun up addrgenmode none");
	bed.link = (struct link){ .ifindex = if_nametoindex("peptun"),
				  .name = "peptun",
				  .kind = "tun",
				  .mtu = 1500,
				  .up = true,
				  .l3 = true };
	return fd;
}

/* An IPv4 packet to nowhere, whose byte 14, in the source address, is the marker. */
static void tun_send(int fd, uint8_t marker)
{
	uint8_t packet[28] = { 0x45, 0, 0,  28, 0,	0, 0,  0, 64, 17,
			       0,    0, 10, 0,	marker, 1, 10, 9, 9,  9 };

	ck_assert_int_eq(write(fd, packet, sizeof(packet)), sizeof(packet));
}

START_TEST(tun_begins_with_the_ip_header)
{
	struct bed_foreign behind = bed_foreign_load(BPF_PROG_TYPE_SCHED_CLS, "behind", -1);
	CLEANUP(cleanup_fd) int fd = open_tun();

	bed_run("tc qdisc add dev peptun clsact");
	bed_foreign_filter(&behind, 9);
	if (bed_ways[_i].mode == ATTACH_NATIVE) /* the driver has it for tap alone */
		ck_assert_str_eq(bed_attach(ATTACH_AUTO, 0)->mode, "tc");
	else
		bed_attach_way(_i);
	tun_send(fd, BED_DROP);
	ck_assert_uint_eq(bed_foreign_seen(&behind), 0);
	tun_send(fd, BED_PASS);
	ck_assert_uint_eq(bed_foreign_seen(&behind), 1);
}
END_TEST

static Suite *suite(void)
{
	Suite *attach = suite_create("attach");
	TCase *cases = tcase_create("attach");

	tcase_add_checked_fixture(cases, bed_open, bed_close);
	tcase_add_loop_test(cases, in_force, 0, BED_WAYS);
	tcase_add_test(cases, auto_prefers_native);
	tcase_add_test(cases, auto_falls_back_to_tc);
	tcase_add_test(cases, forced_mode_is_not_replaced_by_another);
	tcase_add_test(cases, linear_after_fragments_are_refused);
	tcase_add_test(cases, large_mtu);
	tcase_add_test(cases, vlan_goes_where_tags_are_seen);
	tcase_add_loop_test(cases, egress_beside_each_mode, 0, BED_WAYS);
	tcase_add_loop_test(cases, lost_is_put_back, 0, BED_WAYS);
	tcase_add_loop_test(cases, tun_begins_with_the_ip_header, 0, BED_WAYS);
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
