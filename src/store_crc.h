/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksum of what is stored.
 */
#ifndef STORE_CRC_H
#define STORE_CRC_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32 of IEEE 802.3 of @size more bytes behind those that gave @crc; it begins with 0. */
uint32_t store_crc32(uint32_t crc, const char *data, size_t size);

#endif
