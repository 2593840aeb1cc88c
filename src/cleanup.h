/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership that a reader can see: a variable marked CLEANUP(f) is released by
 * f(&variable) when it goes out of scope, TAKE_PTR/TAKE_FD hand it over.
 */
#ifndef CLEANUP_H
#define CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

#define TAKE_PTR(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})

/* Each is written twice: without side effects. */
#define EXCHANGE(a, b)                                                                             \
	do {                                                                                       \
		__typeof__(a) exchanged = (a);                                                     \
		(a) = (b);                                                                         \
		(b) = exchanged;                                                                   \
	} while (0)

/** Frees *pointer; for CLEANUP() of anything that malloc() gave. */
static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

/** Closes *fd unless it is negative, and makes it -1. */
static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/** Closes *file unless it is NULL. */
static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
