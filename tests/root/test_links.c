/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture of the interfaces, against a real kernel in a namespace of its own.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cleanup.h"
#include "links.h"

/* What was told, as text: "new a, changed b, gone c", in order. */
static char told[1 << 16];
static struct links *links;

static void on_link(void *context, enum link_event event, const struct link *link)
{
	static const char *const names[] = { "new", "changed", "gone" };
	size_t length = strlen(told);

	ck_assert_ptr_eq(context, told);
	snprintf(told + length, sizeof(told) - length, "%s%s %s", length ? ", " : "", names[event],
		 link->name);
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	ck_assert_msg(system(command) == 0, "%s", command);
}

/* Takes in everything there is. */
static void read_all(void)
{
	struct pollfd ready = { .fd = links_fd(links), .events = POLLIN };

	while (poll(&ready, 1, 100) == 1)
		ck_assert_int_eq(links_read(links), 0);
}

/* Reads until that was told; what comes beside it (an operational state) may not be told. */
static void expect_told(const char *expected)
{
	read_all();
	ck_assert_str_eq(told, expected);
	told[0] = '\0';
}

static struct link find_link(const char *name)
{
	struct link link;

	ck_assert_int_eq(links_find(links, if_nametoindex(name), &link), 0);
	ck_assert_str_eq(link.name, name);
	return link;
}

static void open_links(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	run("ip link add pepa type veth peer name pepb");
	told[0] = '\0';
	ck_assert_int_eq(links_open(on_link, told, &links), 0);
	ck_assert_str_eq(told, "");
}

static void close_links(void)
{
	links_close(&links);
}

START_TEST(what_is_there)
{
	struct link link;

	links_each(links, on_link, told);
	ck_assert_ptr_nonnull(strstr(told, "new lo"));
	ck_assert_ptr_nonnull(strstr(told, "new pepa"));
	ck_assert_ptr_nonnull(strstr(told, "new pepb"));

	link = find_link("lo");
	ck_assert(link.loopback && !link.l3 && !link.alien);
	link = find_link("pepa");
	ck_assert_str_eq(link.kind, "veth");
	ck_assert_uint_eq(link.mtu, 1500);
	ck_assert(!link.loopback && !link.l3 && !link.alien && !link.up);
	ck_assert_uint_eq(link.parent, 0); /* the other end is not below it */
	ck_assert_int_eq(links_find(links, 4711, &link), -ENODEV);
}
END_TEST

START_TEST(comes_changes_and_goes)
{
	uint32_t ifindex = if_nametoindex("pepa");
	struct link link;

	run("ip link add pepc type bridge");
	expect_told("new pepc");
	run("ip link set pepc mtu 1450");
	expect_told("changed pepc");
	run("ip link set pepc name pepd");
	expect_told("changed pepd");
	run("ip link del pepd");
	expect_told("gone pepd");
	run("ip link set pepa mtu 1400");
	expect_told("changed pepa");
	ck_assert_uint_eq(find_link("pepa").mtu, 1400);
	run("ip link set pepa name pepz");
	expect_told("changed pepz");
	ck_assert_uint_eq(find_link("pepz").ifindex, ifindex);
	run("ip link del pepz");
	read_all();
	ck_assert_ptr_nonnull(strstr(told, "gone pepz"));
	ck_assert_ptr_nonnull(strstr(told, "gone pepb"));
	ck_assert_int_eq(links_find(links, ifindex, &link), -ENODEV);
}
END_TEST

START_TEST(leaving_a_bridge_is_not_the_end)
{
	run("ip link add pepc type bridge && ip link set pepa master pepc");
	read_all();
	ck_assert_uint_eq(find_link("pepa").master, if_nametoindex("pepc"));
	told[0] = '\0';
	run("ip link set pepa nomaster");
	read_all();
	ck_assert_ptr_null(strstr(told, "gone"));
	ck_assert_uint_eq(find_link("pepa").master, 0);
}
END_TEST

START_TEST(what_is_below)
{
	struct link link;

	run("ip link add link pepa name pepm type macvlan");
	read_all();
	link = find_link("pepm");
	ck_assert_str_eq(link.kind, "macvlan");
	ck_assert_uint_eq(link.parent, if_nametoindex("pepa"));
}
END_TEST

START_TEST(tun_has_no_ethernet)
{
	struct ifreq request = { .ifr_name = "peptun", .ifr_flags = IFF_TUN | IFF_NO_PI };
	CLEANUP(cleanup_fd) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct link link;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &request), 0);
	expect_told("new peptun");
	link = find_link("peptun");
	ck_assert(link.l3 && !link.alien);
	cleanup_fd(&fd);
	expect_told("gone peptun");
}
END_TEST

START_TEST(type_changes)
{
	struct ifreq request = { .ifr_name = "peptun", .ifr_flags = IFF_TUN | IFF_NO_PI };
	CLEANUP(cleanup_fd) int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &request), 0);
	ck_assert_int_eq(ioctl(fd, TUNSETLINK, 1 /* ARPHRD_ETHER */), 0);
	read_all();
	ck_assert(!find_link("peptun").l3);
	ck_assert_int_eq(ioctl(fd, TUNSETLINK, 280 /* ARPHRD_CAN */), 0);
	run("ip link set peptun mtu 1300");
	read_all();
	ck_assert(find_link("peptun").alien);
}
END_TEST

/* More than the socket holds, unread: messages are lost, the picture is not. */
START_TEST(lost_messages_are_made_up_for)
{
	run("for i in $(seq 1500); do echo link set pepa mtu $((1400 + i %% 2)); done | "
	    "ip -batch -");
	run("ip link add pepn type bridge && ip link set pepa mtu 1300 && ip link del pepn");
	run("ip link add pepx type bridge && ip link set pepb mtu 1301");
	read_all();
	ck_assert_uint_eq(find_link("pepa").mtu, 1300);
	ck_assert_uint_eq(find_link("pepb").mtu, 1301);
	ck_assert_str_eq(find_link("pepx").kind, "bridge");
	ck_assert_ptr_nonnull(strstr(told, "new pepx"));
	/* Else nothing was lost, and this tests nothing. */
	ck_assert_uint_lt(strlen(told), 1000 * strlen("changed pepa, "));
	run("ip link del pepx");
	told[0] = '\0';
	expect_told("gone pepx");
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("links");
	TCase *cases = tcase_create("links");

	tcase_add_checked_fixture(cases, open_links, close_links);
	tcase_add_test(cases, what_is_there);
	tcase_add_test(cases, comes_changes_and_goes);
	tcase_add_test(cases, leaving_a_bridge_is_not_the_end);
	tcase_add_test(cases, what_is_below);
	tcase_add_test(cases, tun_has_no_ethernet);
	tcase_add_test(cases, type_changes);
	tcase_add_test(cases, lost_messages_are_made_up_for);
	suite_add_tcase(all, cases);
	return all;
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
