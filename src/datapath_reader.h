/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what is inside of an earlier process's outer maps.  Shared by the
 * datapath_*.c files only.
 */
#ifndef DATAPATH_READER_H
#define DATAPATH_READER_H

#include <stddef.h>
#include <stdint.h>

struct datapath_reader;

/**
 * For the outer map @fd, with values of @kept 64-bit words, of which the first @words are wanted;
 * what they do not have is 0. Returns 0 or -errno; -EPROTO for values of more words than any had.
 */
int datapath_reader_open(int fd, uint32_t kept, uint32_t words, struct datapath_reader **ret);

/** The values of the inner map at @entry, until the next call; NULL, and 0 in *ret_count: there is
 * none. */
const uint64_t *datapath_reader_read(struct datapath_reader *reader, uint32_t entry,
				     size_t *ret_count);

/** Tolerates NULL. */
void datapath_reader_close(struct datapath_reader **reader);

#endif
