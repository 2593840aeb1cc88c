// SPDX-License-Identifier: Apache-2.0
#include "datapath_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "collect.skel.h"
#include "pep.h"

#define FRAME_BYTES 64 /* BPF_PROG_TEST_RUN wants a packet */

struct datapath_reader {
	struct pep_collect *object;
	uint32_t kept, words; /* of a value */
	uint64_t *value; /* where the two differ */
};

int datapath_reader_open(int fd, uint32_t kept, uint32_t words, struct datapath_reader **ret)
{
	CLEANUP(datapath_reader_close)
	struct datapath_reader *reader = calloc(1, sizeof(*reader));
	int error;

	if (!reader)
		return -ENOMEM;
	reader->kept = kept;
	reader->words = words;
	if (kept != words)
		reader->value = calloc(PEP_CHUNK, words * sizeof(*reader->value));
	if (kept != words && !reader->value)
		return -ENOMEM;
	reader->object = pep_collect__open();
	if (!reader->object)
		return -errno;
	if (kept > sizeof(reader->object->bss->value) / sizeof(uint64_t) / PEP_CHUNK)
		return -EPROTO;
	reader->object->rodata->words = kept;
	error = bpf_map__reuse_fd(reader->object->maps.outer, fd);
	if (!error)
		error = pep_collect__load(reader->object);
	if (!error)
		*ret = TAKE_PTR(reader);
	return error;
}

/* What was read, as values of the words that are wanted. */
static const uint64_t *fit(struct datapath_reader *reader, size_t count)
{
	const uint32_t both = reader->kept < reader->words ? reader->kept : reader->words;
	const __u64 *value = reader->object->bss->value;

	if (!reader->value)
		return (const uint64_t *)value;
	for (size_t i = 0; i < count; i++)
		memcpy(reader->value + i * reader->words, value + i * reader->kept,
		       both * sizeof(*value));
	return reader->value;
}

const uint64_t *datapath_reader_read(struct datapath_reader *reader, uint32_t entry,
				     size_t *ret_count)
{
	static const unsigned char frame[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	reader->object->bss->entry = entry;
	reader->object->bss->values = 0;
	if (bpf_prog_test_run_opts(bpf_program__fd(reader->object->progs.pep_collect), &options))
		reader->object->bss->values = 0;
	*ret_count = reader->object->bss->values;
	return *ret_count ? fit(reader, *ret_count) : NULL;
}

void datapath_reader_close(struct datapath_reader **reader)
{
	if (!*reader)
		return;
	pep_collect__destroy((*reader)->object);
	free((*reader)->value);
	free(*reader);
	*reader = NULL;
}
