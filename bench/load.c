// SPDX-License-Identifier: Apache-2.0
/*
 * Requests to the daemon on its Unix socket, at a pace or as fast as they are
 * answered, and how long they took: see usage[].
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"

static const char usage[] =
	"usage: bench/load changes SOCKET SECONDS RATE CONNECTIONS POLICIES VERSION\n"
	"       bench/load health SOCKET SECONDS RATE\n"
	"\n"
	"changes: PUT /policies/ID of one of POLICIES after the other, which differ with VERSION.\n"
	"health: GET /health, by one connection, before all other processes (SCHED_FIFO).\n"
	"Connections are kept.  RATE is requests a second, all connections together; a request\n"
	"that has to wait for a connection counts from when it was due.  0: each connection asks\n"
	"again when it is answered.  Both end after SECONDS or when the standard input does, and\n"
	"print an object: requests answered, seconds that took, milliseconds of a request.\n";

#define CONNECTIONS_MOST 1024
#define REQUEST_BYTES 512
#define ANSWER_BYTES 65536
#define NS_PER_S 1000000000ULL

struct client {
	uint64_t began_ns;
	size_t bytes; /* of the answer */
	bool busy;
	char answer[ANSWER_BYTES];
};

struct load {
	struct pollfd *poll; /* of each client, and the standard input */
	struct client *client;
	size_t count, busy;
	bool health;
	unsigned long policies, version, asked;
	uint64_t pace_ns, due_ns; /* of the next request; pace 0: none */
	double *ms;
	size_t answered, room;
};

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- requests */

/* As policy() of bench/update. */
static int write_policy(char *text, size_t size, unsigned long number, unsigned long version)
{
	unsigned long mixed = (number * 2654435761 + version * 40503) & 0xffffff;

	return snprintf(
		text, size,
		"{\"id\":\"p%06lu\",\"action\":\"BLOCK\",\"src\":{\"ip\":\"%lu.%lu.%lu.0/24\"},"
		"\"dst\":{\"port\":%lu},\"protocol\":\"%s\"}",
		number, 10 + number % 100, mixed >> 16, mixed >> 8 & 255,
		1 + (number * 31 + version) % 65535, number % 2 ? "UDP" : "TCP");
}

static int write_request(struct load *load, char text[REQUEST_BYTES])
{
	unsigned long number = load->asked % load->policies;
	unsigned long version = load->version + load->asked++ / load->policies;
	char body[REQUEST_BYTES / 2];
	int bytes;

	if (load->health)
		return snprintf(text, REQUEST_BYTES,
				"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
	bytes = write_policy(body, sizeof(body), number, version);
	return snprintf(text, REQUEST_BYTES,
			"PUT /policies/p%06lu HTTP/1.1\r\nHost: localhost\r\n"
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			number, bytes, body);
}

static void ask(struct load *load, size_t index, uint64_t began_ns)
{
	struct client *client = &load->client[index];
	char text[REQUEST_BYTES];
	int bytes = write_request(load, text);

	client->began_ns = began_ns;
	client->bytes = 0;
	client->busy = true;
	load->busy++;
	check(send(load->poll[index].fd, text, (size_t)bytes, 0) == bytes, "send");
}

/* All that are due, as far as there are connections. */
static void ask_due(struct load *load)
{
	uint64_t now = now_ns();

	for (size_t i = 0; i < load->count && (!load->pace_ns || load->due_ns <= now); i++) {
		if (load->client[i].busy)
			continue;
		ask(load, i, load->pace_ns ? load->due_ns : now);
		load->due_ns += load->pace_ns;
	}
}

/* ---- answers */

static void keep(struct load *load, double ms)
{
	if (load->answered == load->room) {
		load->room = load->room * 2 + 4096;
		load->ms = realloc(load->ms, load->room * sizeof(*load->ms));
		check(load->ms, "memory");
	}
	load->ms[load->answered++] = ms;
}

static bool is_whole(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n"), *length;

	if (!body)
		return false;
	length = strcasestr(answer, "\r\nContent-Length:");
	if (!length || length > body) {
		fprintf(stderr, "an answer without a length: %s\n", answer);
		exit(1);
	}
	return strlen(body + 4) >= strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
}

static void take_answer(struct load *load, size_t index)
{
	struct client *client = &load->client[index];
	ssize_t bytes = recv(load->poll[index].fd, client->answer + client->bytes,
			     sizeof(client->answer) - 1 - client->bytes, 0);

	check(bytes > 0, "recv");
	client->bytes += (size_t)bytes;
	client->answer[client->bytes] = '\0';
	if (!is_whole(client->answer))
		return;
	if (strncmp(client->answer, "HTTP/1.1 20", strlen("HTTP/1.1 20"))) {
		fprintf(stderr, "%s\n", client->answer);
		exit(1);
	}
	client->busy = false;
	load->busy--;
	keep(load, (double)(now_ns() - client->began_ns) / 1e6);
}

/* ---- the whole of it */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && strlen(path) < sizeof(address.sun_path), path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	check(!connect(fd, (const struct sockaddr *)&address, sizeof(address)), path);
	return fd;
}

static void open_clients(struct load *load, const char *path)
{
	load->poll = calloc(load->count + 1, sizeof(*load->poll));
	load->client = calloc(load->count, sizeof(*load->client));
	check(load->poll && load->client, "memory");
	for (size_t i = 0; i < load->count; i++)
		load->poll[i] = (struct pollfd){ .fd = connect_to(path), .events = POLLIN };
	load->poll[load->count] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
}

static void close_clients(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		close(load->poll[i].fd);
	free(load->poll);
	free(load->client);
	free(load->ms);
}

/* Until something is answered, due or over. */
static void wait_for(struct load *load, uint64_t until_ns)
{
	uint64_t now = now_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = { .tv_sec = (time_t)(left / NS_PER_S),
				    .tv_nsec = (long)(left % NS_PER_S) };

	if (ppoll(load->poll, load->count + 1, &timeout, NULL) < 0 && errno != EINTR)
		check(false, "ppoll");
	for (size_t i = 0; i < load->count; i++) {
		if (load->poll[i].revents)
			take_answer(load, i);
	}
}

static double run(struct load *load, double seconds)
{
	uint64_t began = now_ns(), end = began + (uint64_t)(seconds * 1e9);
	bool over = false;

	load->due_ns = began;
	while (!over || load->busy) {
		uint64_t until = end;

		if (!over)
			ask_due(load);
		if (load->pace_ns && load->busy < load->count && load->due_ns < end)
			until = load->due_ns;
		wait_for(load, over ? now_ns() + NS_PER_S : until);
		over = over || now_ns() >= end || load->poll[load->count].revents;
	}
	return (double)(now_ns() - began) / 1e9;
}

static int compare(const void *a, const void *b)
{
	return (int)(*(const double *)a > *(const double *)b) -
	       (int)(*(const double *)a < *(const double *)b);
}

static double share(const struct load *load, double part)
{
	size_t index = (size_t)(part * (double)load->answered);

	return load->ms[index < load->answered ? index : load->answered - 1];
}

static void print(struct load *load, double seconds)
{
	if (!load->answered)
		keep(load, 0);
	qsort(load->ms, load->answered, sizeof(*load->ms), compare);
	printf("{\"count\":%zu,\"seconds\":%.3f,\"per_second\":%.1f,"
	       "\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
	       load->answered, seconds, (double)load->answered / seconds, share(load, 0.5),
	       share(load, 0.95), share(load, 0.99), share(load, 1));
}

static void be_urgent(void)
{
	const struct sched_param parameter = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1);
	if (sched_setscheduler(0, SCHED_FIFO, &parameter))
		perror("SCHED_FIFO");
}

int main(int argc, char **argv)
{
	struct load load = { .count = 1, .policies = 1 };
	double seconds, rate;

	load.health = argc == 5 && !strcmp(argv[1], "health");
	if (!load.health && (argc != 8 || strcmp(argv[1], "changes"))) {
		fputs(usage, stderr);
		return 2;
	}
	seconds = strtod(argv[3], NULL);
	rate = strtod(argv[4], NULL);
	load.pace_ns = rate > 0 ? (uint64_t)(1e9 / rate) : 0;
	if (load.health) {
		be_urgent();
	} else {
		load.count = strtoul(argv[5], NULL, 10);
		load.policies = strtoul(argv[6], NULL, 10);
		load.version = strtoul(argv[7], NULL, 10);
	}
	check(load.count && load.count <= CONNECTIONS_MOST && load.policies, "numbers");
	open_clients(&load, argv[2]);
	print(&load, run(&load, seconds));
	close_clients(&load);
	return 0;
}
