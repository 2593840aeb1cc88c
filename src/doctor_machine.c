// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capabilities.h"
#include "cleanup.h"
#include "datapath_kernel.h"
#include "doctor.h"

#define CAPABILITIES_BYTES 64
#define CAPABILITIES "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"

static FILE *open_file(const char *root, const char *path)
{
	CLEANUP(cleanup_free) char *whole = NULL;

	if (asprintf(&whole, "%s%s", root, path) < 0)
		whole = NULL;
	return whole ? fopen(whole, "re") : NULL;
}

/* Only who may load programs can ask the kernel what it lets them call. */
static void look_at_kernel(struct doctor *doctor)
{
	CLEANUP(cleanup_free) char *lacks = NULL;
	char missing[CAPABILITIES_BYTES];
	struct utsname kernel = { 0 };

	uname(&kernel);
	if (capabilities_missing(missing, sizeof(missing)) || *missing)
		doctor_say(doctor, "kernel", DOCTOR_NOTE,
			   "%s %s; what it has can be asked by root alone", kernel.sysname,
			   kernel.release);
	else if (datapath_check_kernel(&lacks))
		doctor_say(doctor, "kernel", DOCTOR_FINDING, "%s",
			   lacks ? lacks : "this kernel lacks what pepctl needs");
	else
		doctor_say(doctor, "kernel", DOCTOR_FINE,
			   "%s %s has all functions that pepctl needs", kernel.sysname,
			   kernel.release);
}

static void look_at_btf(struct doctor *doctor, const char *root)
{
	CLEANUP(cleanup_file) FILE *file = open_file(root, "/sys/kernel/btf/vmlinux");

	doctor_say(doctor, "btf", DOCTOR_FINE,
		   file ? "the kernel describes its types"
			: "the kernel does not describe its types, and pepctl does not need it");
}

static void look_at_jit(struct doctor *doctor, const char *root)
{
	CLEANUP(cleanup_file)
	FILE *file = open_file(root, "/proc/sys/net/core/bpf_jit_enable");
	int value = file ? fgetc(file) : EOF;

	if (value == '0')
		doctor_say(doctor, "jit", DOCTOR_FINDING,
			   "programs are interpreted, which costs several times as much for each "
			   "packet: `sysctl -w net.core.bpf_jit_enable=1`");
	else if (value == EOF)
		doctor_say(doctor, "jit", DOCTOR_NOTE,
			   "whether programs are compiled cannot be read here");
	else
		doctor_say(doctor, "jit", DOCTOR_FINE, "programs are compiled");
}

/* CapEff of a process. Returns 0 or -errno. */
static int read_capabilities(const char *root, int pid, uint64_t *ret)
{
	char path[64], line[256];
	CLEANUP(cleanup_file) FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = open_file(root, path);
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %" SCNx64, ret) == 1)
			return 0;
	return -ENODATA;
}

static void look_at_capabilities(struct doctor *doctor, const char *root, int pid)
{
	char missing[CAPABILITIES_BYTES];
	uint64_t effective = 0;

	if (!pid) {
		if (capabilities_missing(missing, sizeof(missing)) || *missing)
			doctor_say(doctor, "capabilities", DOCTOR_NOTE,
				   "a daemon needs " CAPABILITIES ", which the unit gives");
		else
			doctor_say(doctor, "capabilities", DOCTOR_FINE,
				   CAPABILITIES " are there for who runs this");
		return;
	}
	if (read_capabilities(root, pid, &effective)) {
		doctor_say(doctor, "capabilities", DOCTOR_NOTE,
			   "those of the daemon, process %d, cannot be read here", pid);
		return;
	}
	capabilities_missing_from(effective, missing, sizeof(missing));
	if (*missing)
		doctor_say(doctor, "capabilities", DOCTOR_FINDING,
			   "the daemon, process %d, lacks %s: it can neither attach to another "
			   "interface nor load programs; start it by its unit: `systemctl restart "
			   "pepctl`",
			   pid, missing);
	else
		doctor_say(doctor, "capabilities", DOCTOR_FINE, "the daemon has " CAPABILITIES);
}

void doctor_machine(struct doctor *doctor, const char *root, int pid)
{
	look_at_kernel(doctor);
	look_at_btf(doctor, root);
	look_at_jit(doctor, root);
	look_at_capabilities(doctor, root, pid);
}
