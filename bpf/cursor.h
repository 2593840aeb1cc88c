/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the parser is.
 */
#ifndef PEP_CURSOR_H
#define PEP_CURSOR_H

#include "packet.h"

struct cursor {
	__u32 offset;
	__u32 l3; /* where the IP header begins */
	__u32 end; /* where the IP packet ends; before IP: the frame */
};

#endif
