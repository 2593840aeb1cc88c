/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood ADDRESS PORT BYTES RATE SECONDS CPU: sends UDP packets of BYTES of IP
 * to a numeric address, RATE bytes of IP a second (0: as fast as it can), from
 * one CPU, until SIGTERM at the latest.  Prints how many packets and bytes of
 * IP it sent, when it began and when it ended (ns of CLOCK_MONOTONIC).
 */
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define NS_PER_SECOND 1000000000ULL
#define PAUSE_NS 200000

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		perror("sched_setaffinity");
}

/* A connected socket; *ret_header: bytes of its IP and UDP headers. */
static int open_socket(const char *address, const char *port, size_t *ret_header)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found = NULL;
	int error = getaddrinfo(address, port, &hints, &found);
	int fd = -1;

	if (error) {
		fprintf(stderr, "%s: %s\n", address, gai_strerror(error));
		return -1;
	}
	fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen)) {
		perror(address);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	*ret_header = found->ai_family == AF_INET6 ? 48 : 28;
	freeaddrinfo(found);
	return fd;
}

/* Sends @count packets, as many as the socket takes now. */
static unsigned int send_batch(int fd, struct mmsghdr *messages, unsigned int count)
{
	int sent = sendmmsg(fd, messages, count, 0);

	if (sent >= 0)
		return (unsigned int)sent;
	/* Full queues, and answers of the other side's closed port. */
	if (errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED && errno != EINTR) {
		perror("sendmmsg");
		exit(1);
	}
	return 0;
}

/* What there is to send, and what came of it. */
struct flood {
	size_t payload;
	uint64_t packets_per_second; /* 0: as fast as it can */
	uint64_t duration_ns;
	uint64_t begin_ns, end_ns, sent;
};

static void flood(int fd, struct flood *flood)
{
	static char data[65536];
	struct iovec vector = { .iov_base = data, .iov_len = flood->payload };
	struct mmsghdr messages[BATCH] = { 0 };
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint64_t passed;

	flood->begin_ns = now_ns();
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &vector;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (!stopped && (passed = now_ns() - flood->begin_ns) < flood->duration_ns) {
		uint64_t due = BATCH;

		if (flood->packets_per_second) {
			due = flood->packets_per_second * passed / NS_PER_SECOND + 1;
			due = due > flood->sent ? due - flood->sent : 0;
		}
		if (due)
			flood->sent +=
				send_batch(fd, messages, due < BATCH ? (unsigned int)due : BATCH);
		else
			nanosleep(&pause, NULL);
	}
	flood->end_ns = now_ns();
}

int main(int argc, char **argv)
{
	struct flood wanted = { 0 };
	uint64_t bytes, rate;
	size_t header;
	int fd;

	if (argc != 7) {
		fprintf(stderr, "usage: %s ADDRESS PORT BYTES RATE SECONDS CPU\n", argv[0]);
		return 2;
	}
	bytes = strtoull(argv[3], NULL, 10);
	rate = strtoull(argv[4], NULL, 10);
	signal(SIGTERM, on_stop);
	pin(atoi(argv[6]));
	fd = open_socket(argv[1], argv[2], &header);
	if (fd < 0)
		return 1;
	if (bytes < header || bytes > 65535) {
		fprintf(stderr, "packets have %zu to 65535 bytes\n", header);
		return 2;
	}
	wanted.payload = bytes - header;
	wanted.packets_per_second = rate ? rate / bytes + 1 : 0;
	wanted.duration_ns = (uint64_t)(strtod(argv[5], NULL) * 1e9);
	flood(fd, &wanted);
	printf("%llu %llu %llu %llu\n", (unsigned long long)wanted.sent,
	       (unsigned long long)wanted.sent * bytes, (unsigned long long)wanted.begin_ns,
	       (unsigned long long)wanted.end_ns);
	close(fd);
	return 0;
}
