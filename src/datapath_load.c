// SPDX-License-Identifier: Apache-2.0
/*
 * Programs: each is loaded when it is first asked for, from an object of its
 * own that borrows the maps.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cleanup.h"
#include "datapath_maps.h"
#include "datapath_share.h"
#include "tc.skel.h"
#include "xdp.skel.h"

static const char *const program_names[PROGRAMS] = {
	[PROGRAM_XDP_FRAGS] = "pep_xdp_frags",
	[PROGRAM_XDP] = "pep_xdp",
	[PROGRAM_TC_INGRESS] = "pep_tc_ingress",
	[PROGRAM_TC_EGRESS] = "pep_tc_egress",
};

/* What the programs call and Linux has not always had. */
static const struct {
	enum bpf_func_id id;
	const char *name;
} functions[] = {
	{ BPF_FUNC_ktime_get_coarse_ns, "bpf_ktime_get_coarse_ns" },
	{ BPF_FUNC_loop, "bpf_loop" },
};

int datapath_check_kernel(char **ret_detail)
{
	struct utsname kernel = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, functions[i].id, NULL))
			continue; /* or it cannot be told; then loading will */
		uname(&kernel);
		if (ret_detail && asprintf(ret_detail,
					   "this kernel (%s %s) lacks %s(), which pepctl needs: "
					   "run Linux 6.1 or newer, or that of RHEL 9",
					   kernel.sysname, kernel.release, functions[i].name) < 0)
			*ret_detail = NULL;
		return -EOPNOTSUPP;
	}
	return 0;
}

static int select_program(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;
	bool found = false;

	bpf_object__for_each_program(program, object)
	{
		bool wanted = !strcmp(bpf_program__name(program), name);

		bpf_program__set_autoload(program, wanted);
		found |= wanted;
	}
	return found ? 0 : -ENOENT;
}

int datapath_share_maps(const struct datapath *datapath, struct bpf_object *object)
{
	int error = 0;

	for (int i = 0; i < MAPS && !error; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(
			object, datapath_map_name((enum datapath_map_index)i));

		error = map ? bpf_map__reuse_fd(map, datapath->map[i]) : -ENOENT;
	}
	return error;
}

/* Which program, and with which maps of images instead of those in force; NULL: with none. */
struct loading {
	enum datapath_program which;
	const struct image_maps *maps;
};

static int use_other_maps(struct bpf_object *object, const struct image_maps *maps)
{
	struct bpf_map *map = bpf_object__find_map_by_name(
		object, datapath_map_name((enum datapath_map_index)maps->map));

	return map ? bpf_map__reuse_fd(map, maps->fd) : -ENOENT;
}

static int load_selected(const struct datapath *datapath, struct bpf_object *object,
			 const struct loading *loading)
{
	const char *name = program_names[loading->which];
	int error = select_program(object, name), fd;

	if (!error)
		error = datapath_share_maps(datapath, object);
	if (!error && loading->maps)
		error = use_other_maps(object, loading->maps);
	if (!error)
		error = bpf_object__load(object);
	if (error)
		return error;
	fd = bpf_program__fd(bpf_object__find_program_by_name(object, name));
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

/* The sizes that .rodata tells the program. */
#define SET_OTHER_SIZES(rodata, maps)                                                              \
	do {                                                                                       \
		if ((maps) && (maps)->map == MAP_IMAGES_A)                                         \
			(rodata)->image_a_bytes = (maps)->bytes;                                   \
		else if (maps)                                                                     \
			(rodata)->image_b_bytes = (maps)->bytes;                                   \
	} while (0)

static int load_xdp(const struct datapath *datapath, const struct loading *loading)
{
	struct pep_xdp *object = pep_xdp__open();
	int fd;

	if (!object)
		return -errno;
	DATAPATH_SET_SWITCHES(object->rodata, datapath);
	SET_OTHER_SIZES(object->rodata, loading->maps);
	object->rodata->has_frags = loading->which == PROGRAM_XDP_FRAGS;
	fd = load_selected(datapath, object->obj, loading);
	pep_xdp__destroy(object);
	return fd;
}

static int load_tc(const struct datapath *datapath, const struct loading *loading)
{
	struct pep_tc *object = pep_tc__open();
	int fd;

	if (!object)
		return -errno;
	DATAPATH_SET_SWITCHES(object->rodata, datapath);
	SET_OTHER_SIZES(object->rodata, loading->maps);
	fd = load_selected(datapath, object->obj, loading);
	pep_tc__destroy(object);
	return fd;
}

static int load(const struct datapath *datapath, enum datapath_program which,
		const struct image_maps *maps)
{
	const struct loading loading = { which, maps };

	if (which == PROGRAM_XDP_FRAGS || which == PROGRAM_XDP)
		return load_xdp(datapath, &loading);
	return load_tc(datapath, &loading);
}

static void say_why(enum datapath_program which, int error, char **ret_detail)
{
	const char *cure = "the kernel's verifier refused it; the log level \"debug\" shows why";

	if (!ret_detail)
		return;
	if (error == -EPERM)
		cure = "not permitted: the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are "
		       "needed";
	else if (error == -ENOMEM)
		cure = "out of memory";
	if (asprintf(ret_detail, "cannot load %s: %s (%s)", program_names[which], cure,
		     strerror(-error)) < 0)
		*ret_detail = NULL;
}

int datapath_program(struct datapath *datapath, enum datapath_program program, char **ret_detail)
{
	int fd = datapath->program[program];

	if (fd >= 0)
		return fd;
	fd = load(datapath, program, NULL);
	if (fd < 0)
		say_why(program, fd, ret_detail);
	else
		datapath->program[program] = fd;
	return fd;
}

static void close_programs(int program[PROGRAMS])
{
	for (int i = 0; i < PROGRAMS; i++)
		cleanup_fd(&program[i]);
}

int datapath_load_again(struct datapath *datapath, const struct image_maps *maps, int ret[PROGRAMS])
{
	int error = 0;

	for (int i = 0; i < PROGRAMS && !error; i++) {
		if (datapath->program[i] < 0 || ret[i] >= 0)
			continue;
		ret[i] = load(datapath, (enum datapath_program)i, maps);
		error = ret[i] < 0 ? ret[i] : 0;
	}
	if (error)
		close_programs(ret);
	return error;
}

int datapath_exchange_programs(struct datapath *datapath, struct image_maps *maps,
			       int program[PROGRAMS])
{
	int old[PROGRAMS];
	/* One that is in use only since the others were loaded. */
	int error = datapath_load_again(datapath, maps, program);

	if (error)
		return error;
	datapath_maps_take_images(datapath, maps);
	memcpy(old, datapath->program, sizeof(old));
	memcpy(datapath->program, program, sizeof(old));
	for (int i = 0; i < PROGRAMS; i++)
		program[i] = -1;
	if (datapath->replace)
		error = datapath->replace(datapath->replace_context, datapath);
	close_programs(old);
	return error;
}
