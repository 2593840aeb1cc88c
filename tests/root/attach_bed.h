/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of attaching stand on: a network namespace per test with a
 * veth pair, programs of a few instructions in place of the datapath's, and
 * frames whose first byte of payload says what should become of them.
 */
#ifndef ATTACH_BED_H
#define ATTACH_BED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach.h"
#include "datapath.h"
#include "links.h"

/* The first byte of payload: what "our" programs do with the frame. */
#define BED_PASS 'P'
#define BED_DROP 'D'

/* In place of datapath.c: the test gives the programs. */
struct datapath {
	int fd[PROGRAMS]; /* or -errno */
	uint32_t known[8]; /* interfaces that were announced */
};

struct bed {
	struct datapath datapath;
	struct attachments *attachments;
	struct link link; /* of "pepa", where attachments are made */
	uint32_t peer; /* ifindex of "pepb", where frames are sent */
	int sender;
	int receiver;
	uint32_t sequence;
};

/* A program of somebody else that counts what it sees. */
struct bed_foreign {
	int program_fd;
	int map_fd;
	int link_fd;
	uint32_t program_id;
};

extern struct bed bed;

/* The ways to be attached, for tests that hold for each. */
#define BED_WAYS 4

struct bed_way {
	enum attach_mode mode;
	bool without_tcx;
	const char *shown; /* the mode that is expected to be in force */
	const char *mechanism;
};

extern const struct bed_way bed_ways[BED_WAYS];

/** Fixture: namespace, veth pair, programs, an empty list. Skips the program unless root. */
void bed_open(void);
void bed_close(void);

/** Runs a command that must succeed. */
void bed_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Loads anew the four programs of the datapath; old ones are closed. */
void bed_load_programs(void);

/** Sends a frame from the peer's side. */
void bed_send(uint8_t marker);
/** The same; whether it was taken. */
bool bed_try_send(uint8_t marker);

/** Waits for a frame that got through to the stack; its marker, or 0 after two seconds. */
uint8_t bed_receive(void);

/** Whether a frame with this marker gets through. */
bool bed_passes(uint8_t marker);

/** Attaches "pepa" and fails the test when the result is not @expected. */
const struct attachment *bed_attach(enum attach_mode mode, int expected);
const struct attachment *bed_attach_as(const struct attach_wanted *wanted, int expected);

/** The same by a row of bed_ways; a kernel without TCX has clsact for it. */
const struct attachment *bed_attach_way(int way);

/** Whether the kernel has TCX, and whether that row ends in clsact here. */
bool bed_has_tcx(void);
bool bed_way_is_clsact(int way);

/** Fails the test unless frames that should be dropped are, and only they. */
void bed_expect_enforced(void);

/** A counting program of @type (XDP or SCHED_CLS) that returns @verdict. */
struct bed_foreign bed_foreign_load(unsigned int type, const char *name, int verdict);
uint64_t bed_foreign_seen(const struct bed_foreign *foreign);

/** Puts it into TCX at the end or, with @first, at the head of the chain. */
void bed_foreign_tcx(struct bed_foreign *foreign, bool egress, bool first);

/** Puts it into clsact at @priority with handle 1; the qdisc must be there. */
void bed_foreign_filter(struct bed_foreign *foreign, uint32_t priority);

/** The entry of the list about a foreign program; NULL: none. */
const struct attach_foreign *bed_foreign_listed(const struct attachment *attachment,
						uint32_t program_id);

/** Counts the filters at pepa's ingress, of everyone. */
size_t bed_filters(void);

#endif
