/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections there may be: who comes by TCP leaves some to the Unix
 * socket, and nobody keeps one for ever.
 */
#ifndef HTTP_ROOM_H
#define HTTP_ROOM_H

struct http;

#define HTTP_TICK_SECONDS 3 /* what is not up or stopped accepting is tried again */

/** Returns 0 or -ENOMEM. */
int http_room_open(struct http *http);

/** Lets listeners accept while there is room for more connections. */
void http_room_count(struct http *http);

/** Has it looked after again before long. */
void http_room_tick(struct http *http);

/** Tolerates one that was not opened. */
void http_room_close(struct http *http);

#endif
