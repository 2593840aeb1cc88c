/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender RATE INTERFACE=MAC...: sends UDP packets out of each interface, to the
 * hardware address of its other end: RATE a second to BLOCKED_PORT, and as many
 * to ALLOWED_PORT.  It begins paused.  A line on standard input makes it go, the
 * next one pause, and so on; when it pauses it prints what each interface has
 * been given so far, a line of "INTERFACE BLOCKED ALLOWED" each, and an empty
 * line.  It ends with its input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BLOCKED_PORT 7001
#define ALLOWED_PORT 7002
#define KINDS 2
#define BATCH 32
#define WIRES_MAX 8
#define TICK_MS 1
#define PATIENCE_NS 100000000

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct udphdr udp;
	char data[18];
} __attribute__((packed));

struct wire {
	char name[IF_NAMESIZE];
	int fd;
	struct frame frames[KINDS];
	uint64_t sent[KINDS];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Of the header of IP. */
static uint16_t checksum(const struct frame *frame)
{
	uint16_t words[sizeof(frame->ip) / 2];
	uint32_t sum = 0;

	memcpy(words, (const char *)frame + offsetof(struct frame, ip), sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static void make_frame(struct frame *frame, const uint8_t *target, uint16_t port)
{
	memset(frame, 0, sizeof(*frame));
	memcpy(frame->ethernet.h_dest, target, ETH_ALEN);
	frame->ethernet.h_source[0] = 2;
	frame->ethernet.h_proto = htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = sizeof(frame->ip) / 4;
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.tot_len = htons(sizeof(*frame) - sizeof(frame->ethernet));
	frame->ip.saddr = inet_addr("192.0.2.2");
	frame->ip.daddr = inet_addr("192.0.2.1");
	frame->ip.check = checksum(frame);
	frame->udp.source = htons(7000);
	frame->udp.dest = htons(port);
	frame->udp.len = htons(sizeof(frame->udp) + sizeof(frame->data));
}

static int open_wire(struct wire *wire, const char *argument)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	uint8_t target[ETH_ALEN];

	if (sscanf(argument, "%15[^=]=%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", wire->name, &target[0],
		   &target[1], &target[2], &target[3], &target[4], &target[5]) != 7) {
		fprintf(stderr, "%s is not INTERFACE=MAC\n", argument);
		return -1;
	}
	address.sll_ifindex = (int)if_nametoindex(wire->name);
	wire->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (!address.sll_ifindex || wire->fd < 0 ||
	    bind(wire->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(wire->name);
		return -1;
	}
	make_frame(&wire->frames[0], target, BLOCKED_PORT);
	make_frame(&wire->frames[1], target, ALLOWED_PORT);
	return 0;
}

/* As many as it takes; what the wire has no room for is not counted. */
static void send_some(struct wire *wire, int kind, uint64_t count)
{
	struct iovec vector = { &wire->frames[kind], sizeof(wire->frames[kind]) };
	struct mmsghdr messages[BATCH] = { 0 };
	int sent;

	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &vector;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (count > 0) {
		sent = sendmmsg(wire->fd, messages, count < BATCH ? (unsigned int)count : BATCH, 0);
		if (sent <= 0)
			return;
		wire->sent[kind] += (uint64_t)sent;
		count -= (uint64_t)sent;
	}
}

/* Returns whether a line came, or the end of the input in *ret_end. */
static bool line_came(int wait_ms, bool *ret_end)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	if (poll(&input, 1, wait_ms) <= 0)
		return false;
	*ret_end = read(STDIN_FILENO, &byte, 1) <= 0;
	return !*ret_end && byte == '\n';
}

/* What was missed while the machine was busy for longer is not made good for. */
static void send_until_line(struct wire *wires, int count, uint64_t rate, bool *ret_end)
{
	uint64_t then = now_ns(), share;

	while (!line_came(TICK_MS, ret_end) && !*ret_end) {
		uint64_t now = now_ns(), passed = now - then;

		if (passed > PATIENCE_NS)
			passed = PATIENCE_NS;
		share = rate * passed / 1000000000;
		then = now;
		for (int i = 0; i < count; i++) {
			for (int kind = 0; kind < KINDS; kind++)
				send_some(&wires[i], kind, share);
		}
	}
}

int main(int argc, char **argv)
{
	struct wire wires[WIRES_MAX] = { 0 };
	int count = argc - 2;
	bool end = false;

	if (count < 1 || count > WIRES_MAX) {
		fprintf(stderr, "usage: %s RATE INTERFACE=MAC...\n", argv[0]);
		return 2;
	}
	for (int i = 0; i < count; i++) {
		if (open_wire(&wires[i], argv[i + 2]) < 0)
			return 1;
	}
	while (!end) {
		if (!line_came(-1, &end))
			continue;
		send_until_line(wires, count, strtoull(argv[1], NULL, 10), &end);
		for (int i = 0; i < count; i++)
			printf("%s %" PRIu64 " %" PRIu64 "\n", wires[i].name, wires[i].sent[0],
			       wires[i].sent[1]);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
