/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet as the daemon tells it, for people.
 */
#ifndef CLIENT_PACKET_H
#define CLIENT_PACKET_H

#include <stdio.h>

struct json_object;

/** "tcp 192.0.2.2:47288 > 192.0.2.1:23, 60 bytes"; as much of it as is known. */
void client_print_packet(FILE *out, struct json_object *packet);

#endif
