// SPDX-License-Identifier: Apache-2.0
#include "datapath_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "cleanup.h"
#include "collect.skel.h"

#define FRAME_BYTES 64 /* BPF_PROG_TEST_RUN wants a packet */

struct datapath_reader {
	struct pep_collect *object;
};

int datapath_reader_open(int fd, uint32_t words, struct datapath_reader **ret)
{
	CLEANUP(datapath_reader_close)
	struct datapath_reader *reader = calloc(1, sizeof(*reader));
	int error;

	if (!reader)
		return -ENOMEM;
	reader->object = pep_collect__open();
	if (!reader->object)
		return -errno;
	reader->object->rodata->words = words;
	error = bpf_map__reuse_fd(reader->object->maps.outer, fd);
	if (!error)
		error = pep_collect__load(reader->object);
	if (!error)
		*ret = TAKE_PTR(reader);
	return error;
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
	return *ret_count ? (const uint64_t *)reader->object->bss->value : NULL;
}

void datapath_reader_close(struct datapath_reader **reader)
{
	if (!*reader)
		return;
	pep_collect__destroy((*reader)->object);
	free(*reader);
	*reader = NULL;
}
