/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a large document has used goes back to the system: the C library would
 * keep it for a next one that may never come.
 */
#ifndef HEAP_H
#define HEAP_H

#include <malloc.h>

/** Gives free memory back; after a large document has been freed. Takes up to milliseconds. */
static inline void heap_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

/** The same for commits_free_later(): behind what is freed there before. */
static inline void heap_trim_later(void *unused)
{
	(void)unused;
	heap_trim();
}

#endif
