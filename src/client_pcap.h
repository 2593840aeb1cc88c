/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading captures as tcpdump writes them: classic pcap, in either byte order,
 * with micro- or nanoseconds.  Whatever the link layer was, what is given has
 * an Ethernet header.
 */
#ifndef CLIENT_PCAP_H
#define CLIENT_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "probe.h"

struct pcap_reader {
	FILE *file; /* borrowed */
	bool swapped;
	uint32_t link; /* LINKTYPE_ */
};

/* What became of one packet of a capture. */
enum pcap_state {
	PCAP_END, /* there is none left */
	PCAP_FRAME,
	PCAP_LONG, /* it is longer than PROBE_FRAME_MAX */
	PCAP_CUT, /* the capture has too little of it to know its headers */
};

struct pcap_frame {
	enum pcap_state state;
	size_t bytes; /* with what the capture left out, as zeros */
	unsigned char data[PROBE_FRAME_MAX];
};

/** Reads the header. Returns 0, or -EINVAL with a reason for the operator in *ret_why. */
int pcap_begin(FILE *file, struct pcap_reader *ret, const char **ret_why);

/** Reads the next packet. Returns 0, or -EBADMSG where the file is torn. */
int pcap_next(struct pcap_reader *reader, struct pcap_frame *ret);

#endif
