/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "attach_anchor.h"
#include "cleanup.h"

/* What drivers say, as found in their sources and in users' reports. */
static const struct {
	int error;
	const struct attach_mechanism *mechanism;
	const char *words;
	const char *cure; /* a part of the sentence */
} rows[] = {
	{ EPERM, &attach_xdp, NULL, "CAP_NET_ADMIN" },
	{ EPERM, &attach_tcx, NULL, "CAP_NET_ADMIN" },
	{ EBUSY, &attach_xdp, "program 7, balancer", "another XDP program holds eth7" },
	{ EEXIST, &attach_xdp, NULL, "in the other mode" },
	{ EOPNOTSUPP, &attach_xdp, "Underlying driver does not support XDP in native mode",
	  "the driver of eth7" },
	{ EOPNOTSUPP, &attach_xdp,
	  "Can't set XDP while host is implementing LRO, disable LRO first",
	  "`ethtool -K eth7 lro off`" },
	{ EOPNOTSUPP, &attach_xdp,
	  "Can't set XDP while host is implementing GRO_HW/CSUM, disable GRO_HW/CSUM first",
	  "`ethtool -K eth7 rx-gro-hw off`" },
	{ EOPNOTSUPP, &attach_xdp, "Slave device does not support XDP", "a member of eth7" },
	{ EINVAL, &attach_xdp, "MTU too large to enable XDP", "`ip link set dev eth7 mtu 1500`" },
	{ EINVAL, &attach_xdp, NULL, "mtu 1500" },
	{ ERANGE, &attach_xdp, "Peer MTU is too large to set XDP", "dev PEER mtu" },
	{ ERANGE, &attach_xdp, NULL, "mtu 1500" },
	{ ENOMEM, &attach_xdp, "Too few free TX rings available", "`ethtool -L eth7 combined N`" },
	{ EINVAL, &attach_xdp,
	  "Failed to set xdp program, the Rx/Tx channel count should be at "
	  "most half of the maximum allowed channel count",
	  "half" },
	{ ENOSPC, &attach_xdp, "XDP expects number of rx queues not less than peer tx queues",
	  "`ethtool -L PEER tx 1`" },
	{ ENOSPC, &attach_xdp, NULL, "receive queues" },
	{ EPERM, &attach_clsact, NULL, "`systemctl restart pepctl`" },
	{ EMFILE, &attach_tcx, NULL, "`systemctl edit pepctl`" },
	{ ERANGE, &attach_tcx, NULL, "`bpftool net show dev eth7`" },
	{ ENOLINK, &attach_xdp, "the interface does not name it", "not in force on eth7" },
	{ ENOLINK, &attach_clsact, "the filter is not there", "not in force on eth7" },
	{ EOPNOTSUPP, &attach_tcx, "no TCX", "no TCX" },
	{ EBUSY, &attach_clsact, NULL, "`tc qdisc show dev eth7`" },
	{ ENOENT, &attach_clsact, NULL, "modprobe cls_bpf" },
	{ ENODEV, &attach_clsact, NULL, "eth7 is gone" },
	{ EUCLEAN, &attach_tcx, NULL, "Structure needs cleaning" },
};

START_TEST(names_the_cure)
{
	CLEANUP(cleanup_free) char *text = NULL;

	text = attach_explain(-rows[_i].error, rows[_i].mechanism, "eth7", rows[_i].words);
	ck_assert_ptr_nonnull(text);
	ck_assert_msg(strstr(text, rows[_i].cure) != NULL, "%s", text);
	ck_assert_ptr_null(strchr(text, '@'));
	/* The kernel's words are never lost. */
	if (rows[_i].words)
		ck_assert_msg(strstr(text, rows[_i].words) != NULL, "%s", text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attach_explain");
	TCase *cases = tcase_create("attach_explain");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(cases, names_the_cure, 0, (int)ARRAY_SIZE(rows));
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
