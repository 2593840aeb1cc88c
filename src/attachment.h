/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about the attachment of one interface, as /interfaces shows it.
 */
#ifndef ATTACHMENT_H
#define ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath.h"

/* One try to attach, as /interfaces shows it. */
struct attach_attempt {
	const char *mode; /* "native", "native-linear" (without frags), "tcx", "clsact", "generic",
			   * "generic-linear" */
	const char *hook; /* "ingress", "egress" */
	int error; /* errno, 0: it is in force */
	char *detail; /* the kernel's words, or ours; NULL: none */
};

/* A program, or another kind of filter, that is not ours on the same interface. */
struct attach_foreign {
	char name[16]; /* "" unknown (that takes CAP_SYS_ADMIN); the kind of another filter */
	uint32_t program_id; /* 0: a filter that is no program */
	const char *hook; /* "xdp", "tcx/ingress", "clsact/ingress" ... */
	const char *position; /* "before", "behind", "instead" (it alone) */
};

struct attachment {
	uint32_t ifindex;
	char name[16];
	const char *driver; /* never NULL, "" unknown */
	const char *mode; /* of ingress: "native", "tc", "generic"; NULL: not attached */
	const char *mechanism; /* "xdp", "tcx", "clsact" */
	uint32_t program_id;
	bool egress; /* TC egress is in force too */
	uint32_t egress_program_id;
	bool merged_packets; /* generic XDP sees merged buffers */
	bool taken_over; /* an earlier process attached it */
	bool l3;
	uint32_t mtu;
	char *refused; /* why it is not attached at all, for the operator; NULL */
	struct attach_attempt *attempts;
	size_t attempt_count;
	struct attach_foreign *foreign; /* as found at attach and whenever it is asked again */
	size_t foreign_count;
};

/** The program that sees what an interface receives or sends; PROGRAMS: none does. */
enum datapath_program attachment_program(const struct attachment *attachment,
					 enum pep_direction direction);

#endif
