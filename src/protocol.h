/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of what the headers of a packet carry: protocols, ICMP types, TCP
 * flags, DSCP classes.  Names are read in any case and printed in lower case.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "pep.h"

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_SCTP 132

#define DSCP_MAX 63

/** The number of a name ("tcp"), or -1. */
int protocol_number(const char *name);

/** The name, or NULL for a protocol that has none here. */
const char *protocol_name(int protocol);

/** The known name nearest to a wrong one, or NULL. */
const char *protocol_suggest(const char *wrong);

/** Whether it is an extension header in IPv6, behind which the protocol is looked for. */
bool protocol_is_extension(int protocol);

/** Whether packets of @protocol (-1: any) are found in @family. */
bool protocol_has_family(int protocol, enum pep_family family);

/** Whether packets of @protocol (-1: any) may have ports. */
bool protocol_has_ports(int protocol);

/** The number of an ICMP or ICMPv6 type's name ("echo-request"), or -1. */
int icmp_type_number(int protocol, const char *name);
/** The name of a type, or NULL. */
const char *icmp_type_name(int protocol, int type);
/** The known name nearest to a wrong one, or NULL. */
const char *icmp_type_suggest(int protocol, const char *wrong);

/** The bit of a TCP flag's name ("syn"), or 0. */
uint8_t tcp_flag_bit(const char *name);

/** The name of the flag 1 << @index. */
const char *tcp_flag_name(unsigned int index);

/** The number of a DSCP class ("ef", "cs3"), or -1. */
int dscp_number(const char *name);
/** The class, or NULL for a number that has none. */
const char *dscp_name(int dscp);

#endif
