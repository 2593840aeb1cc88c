/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `pepctl doctor` looks at, with a daemon and without: the machine and
 * one interface.  Each look is a check with a grade; what is wrong comes with the
 * command that cures it, in `backticks` of its sentence.
 */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attach_device.h"
#include "links.h"
#include "settings.h"

struct attach_foreign;
struct json_object;

enum doctor_grade {
	DOCTOR_FINE,
	DOCTOR_NOTE, /* worth knowing, nothing to do */
	DOCTOR_FINDING, /* something to do */
};

/* Checks, as they are said. */
struct doctor {
	struct json_object *checks; /* array of {check, grade, detail, commands} */
	size_t findings;
	bool out_of_memory;
};

/* What decides how an interface can be attached to. */
struct doctor_facts {
	struct link link;
	char master[16]; /* bond or bridge that it belongs to; "": none */
	char driver[DEVICE_DRIVER_BYTES];
	bool xdp_known; /* the kernel says what the driver can */
	uint64_t xdp; /* XDP_FEATURE_ */
	bool lro, gro_hw;
	const char *vlan_off; /* as device_strips_vlan() */
	bool queues_known;
	struct device_queues queues;
	struct attach_foreign *foreign; /* programs that are there, none of them ours */
	size_t foreign_count;
};

/** Adds a check. It never fails visibly: see out_of_memory. */
void doctor_say(struct doctor *doctor, const char *check, enum doctor_grade grade,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Whether a sentence holds a command that may be run. */
bool doctor_has_command(const char *sentence);

/**
 * Kernel, BTF, JIT and capabilities: of the daemon with process id @pid, 0: of
 * this process. @root is in front of all paths, "" but for tests.
 */
void doctor_machine(struct doctor *doctor, const char *root, int pid);

/**
 * Reads what there is to know of an interface that nothing of ours is attached to, or that a
 * daemon knows; what it does not say stays empty. Returns 0 or -errno.
 */
int doctor_facts_read(const struct link *link, struct doctor_facts *ret);

/** Frees what they hold. */
void doctor_facts_clear(struct doctor_facts *facts);

/**
 * The mode that attaching would end in, by facts and configuration: "native", "tc",
 * "generic", or NULL for none. It is a prediction: a driver may have reasons of
 * its own.
 */
const char *doctor_predict(const struct doctor_facts *facts, enum attach_mode mode);

/** Adds what the facts say. @decides: what keeps it from native XDP is a finding, else a note. */
void doctor_facts_say(struct doctor *doctor, const struct doctor_facts *facts, bool decides);

#endif
