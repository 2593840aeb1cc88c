// SPDX-License-Identifier: Apache-2.0
/*
 * generate --serve IFACE MAC NICE: for each line "FLOWS PORT SECONDS" of the standard
 * input sends UDP frames out of a veth device to its other end, which has that
 * hardware address, from FLOWS sources (0: random ones) to PORT, by
 * BPF_F_TEST_XDP_LIVE_FRAMES, on the last CPU; the other end's work is done on
 * the same one, at that priority (0: as it is).  Prints how many seconds that took, and
 * how many frames there were.
 *
 * generate --drop IFACE, --pass IFACE: attaches a native XDP program that does
 * nothing else until the standard input ends; prints a line when it has.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cleanup.h"
#include "generate.skel.h"

#define DESTINATION 0x0a4d0001 /* 10.77.0.1 */
#define REPEAT_FIRST (1 << 8) /* frames a call */
#define REPEAT_MOST (1 << 20)
#define REPEAT_GROWTH 64
#define ENOUGH 0.9 /* of the seconds */
#define BATCH 64
#define TTL 64

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	unsigned char payload[22];
} __attribute__((packed));

static void check(int error, const char *what)
{
	if (error >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

static int ifindex_of(const char *name)
{
	unsigned int ifindex = if_nametoindex(name);

	check(ifindex ? 0 : -errno, name);
	return (int)ifindex;
}

static void make_frame(const char *mac, uint16_t port, struct frame *ret)
{
	unsigned char to[ETH_ALEN];
	struct frame frame = {
		.ethernet = { .h_source = { 2, 0, 0, 0, 0, 1 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(frame) - sizeof(frame.ethernet)),
			.ttl = TTL,
			.protocol = IPPROTO_UDP,
			.daddr = htonl(DESTINATION) },
		.udp = { .dest = htons(port),
			 .len = htons(sizeof(frame.udp) + sizeof(frame.payload)) },
	};

	if (sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to[0], &to[1], &to[2], &to[3], &to[4],
		   &to[5]) != 6)
		check(-EINVAL, mac);
	memcpy(frame.ethernet.h_dest, to, sizeof(to));
	*ret = frame;
}

static uint32_t sum_header(const struct frame *frame)
{
	const unsigned char *byte = (const unsigned char *)&frame->ip;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(frame->ip); i += 2)
		sum += (uint32_t)byte[i] << 8 | byte[i + 1];
	return sum;
}

static void pin(int priority)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus) ? -errno : 0, "CPU");
	check(priority && setpriority(PRIO_PROCESS, 0, priority) ? -errno : 0, "nice");
}

/* Frames of the next call: as many as are left, but a slow receiver is not met with many. */
static int next_repeat(int repeat, double call, double left)
{
	double wanted = call > 0 ? repeat * left / call : REPEAT_MOST;

	if (wanted > (double)repeat * REPEAT_GROWTH)
		wanted = (double)repeat * REPEAT_GROWTH;
	if (wanted > REPEAT_MOST)
		return REPEAT_MOST;
	return wanted > REPEAT_FIRST ? (int)wanted : REPEAT_FIRST;
}

/* As the kernel measures it: around the frames are waits for grace periods. */
static double flood(int program, int ifindex, const struct frame *frame, double seconds,
		    unsigned long *ret_frames)
{
	struct xdp_md context = { .data_end = sizeof(*frame),
				  .ingress_ifindex = (uint32_t)ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(*frame),
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = REPEAT_FIRST,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	double took = 0, call;

	*ret_frames = 0;
	do {
		if (bpf_prog_test_run_opts(program, &options) && errno != EINTR)
			check(-errno, "BPF_PROG_TEST_RUN");
		call = (options.duration + 0.5) * 1e-9 * options.repeat; /* it is rounded down */
		took += call;
		*ret_frames += (unsigned long)options.repeat;
		options.repeat = next_repeat(options.repeat, call, seconds - took);
	} while (took < seconds * ENOUGH);
	return took;
}

static int serve(const char *interface, const char *mac, int priority)
{
	struct bench_generate *object = bench_generate__open_and_load();
	int ifindex = ifindex_of(interface);
	struct frame frame;
	double seconds, took;
	unsigned long frames;
	uint32_t flows;
	uint16_t port;

	check(object ? 0 : -errno, "generate.bpf.o");
	pin(priority);
	while (scanf("%" SCNu32 " %" SCNu16 " %lf", &flows, &port, &seconds) == 3) {
		make_frame(mac, port, &frame);
		object->bss->flows = flows;
		object->bss->header_sum = sum_header(&frame);
		took = flood(bpf_program__fd(object->progs.bench_send), ifindex, &frame, seconds,
			     &frames);
		printf("%.6f %lu\n", took, frames);
		fflush(stdout);
	}
	bench_generate__destroy(object);
	return 0;
}

static int hold(bool drop, const char *interface)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	struct bench_generate *object = bench_generate__open_and_load();
	int link CLEANUP(cleanup_fd) = -1;

	check(object ? 0 : -errno, "generate.bpf.o");
	link = bpf_link_create(bpf_program__fd(drop ? object->progs.bench_drop
						    : object->progs.bench_pass),
			       ifindex_of(interface), BPF_XDP, &options);
	check(link < 0 ? -errno : 0, interface);
	puts("attached");
	fflush(stdout);
	while (getchar() != EOF)
		;
	bench_generate__destroy(object);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--drop"))
		return hold(true, argv[2]);
	if (argc == 3 && !strcmp(argv[1], "--pass"))
		return hold(false, argv[2]);
	if (argc == 5 && !strcmp(argv[1], "--serve"))
		return serve(argv[2], argv[3], atoi(argv[4]));
	fputs("usage: generate --serve IFACE MAC NICE, generate --drop|--pass IFACE\n", stderr);
	return 2;
}
