/* SPDX-License-Identifier: Apache-2.0 */
#include "attach_gate.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "gate.skel.h"
#include "keep.h"
#include "log.h"

static const char *const names[] = { "gate-ingress-1", "gate-egress-1" };

static bool is_egress(enum datapath_program program)
{
	return program == PROGRAM_TC_EGRESS;
}

static void find_map(struct pep_gate *object, const struct keep *keep, bool egress)
{
	int fd = keep_find(keep, names[egress]);

	if (fd >= 0)
		(void)bpf_map__reuse_fd(object->maps.behind, fd);
}

static int copy_fd(int fd, int *ret)
{
	*ret = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? -errno : 0;
}

static int load(struct pep_gate *object, struct attach_gate *gate, bool egress)
{
	int error;

	bpf_program__set_autoload(object->progs.pep_tc_ingress, !egress);
	bpf_program__set_autoload(object->progs.pep_tc_egress, egress);
	error = pep_gate__load(object);
	if (!error)
		error = copy_fd(bpf_map__fd(object->maps.behind), &gate->map);
	if (!error)
		error = copy_fd(bpf_program__fd(egress ? object->progs.pep_tc_egress
						       : object->progs.pep_tc_ingress),
				&gate->program);
	return error;
}

static void close_gate(struct attach_gate *gate)
{
	cleanup_fd(&gate->map);
	cleanup_fd(&gate->program);
}

/* The map that is kept, if there is one: filters of an earlier process look into it. */
static int open_gate(struct attach_gates *gates, bool egress)
{
	struct attach_gate *gate = &gates->gate[egress];
	struct pep_gate *object = pep_gate__open();
	int error;

	if (!object)
		return -errno;
	find_map(object, gates->keep, egress);
	error = load(object, gate, egress);
	pep_gate__destroy(object);
	if (error) {
		close_gate(gate);
		return error;
	}
	error = keep_put(gates->keep, names[egress], gate->map);
	if (error)
		log_warn("TC's filters pass everything between processes: %s cannot be kept: %s",
			 names[egress], strerror(-error));
	return 0;
}

int attach_gate_put(struct attach_gates *gates, enum datapath_program program, int program_fd)
{
	const bool egress = is_egress(program);
	struct attach_gate *gate = &gates->gate[egress];
	const uint32_t key = 0;
	int error = gate->map < 0 ? open_gate(gates, egress) : 0;

	if (error)
		return error;
	if (bpf_map_update_elem(gate->map, &key, &program_fd, BPF_ANY))
		return -errno;
	return gate->program;
}

bool attach_gate_is(const char *name)
{
	return !strcmp(name, names[0]) || !strcmp(name, names[1]);
}

void attach_gates_close(struct attach_gates *gates)
{
	for (int i = 0; i < 2; i++)
		close_gate(&gates->gate[i]);
}

void attach_gates_drop(struct attach_gates *gates)
{
	for (int i = 0; i < 2; i++)
		keep_drop(gates->keep, names[i]);
	attach_gates_close(gates);
}
