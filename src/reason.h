/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a piece of text was refused: one sentence that a parser of a single
 * value leaves for its caller, who knows where the text stood.
 */
#ifndef REASON_H
#define REASON_H

#define REASON_MAX 192

struct reason {
	char text[REASON_MAX];
};

/** Keeps the sentence, cut off where it is too long. Returns -EINVAL. */
int reason_set(struct reason *reason, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
