/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a sample to the bytes of a frame.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>

#include "oracle.h"

#define FRAME_BYTES_MAX 2048

/**
 * Builds the frame of @sample, with the tags in the frame, and fills in
 * sample->length. @l3: without a link layer. Returns its bytes.
 */
size_t frame_build(struct sample *sample, bool l3, unsigned char ret_frame[FRAME_BYTES_MAX]);

#endif
