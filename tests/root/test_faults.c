// SPDX-License-Identifier: Apache-2.0
/*
 * Each step of publishing that needs the kernel fails once, one after the
 * other: what was in force stays in force in the program that is attached,
 * what is answered as done is, and nothing is left open.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "datapath.h"
#include "problem.h"
#include "random_policies.h"
#include "real_bed.h"

#define IMAGE_BYTES (1 << 14) /* so that the larger sets need larger maps, and programs */
#define POLICY_BYTES 128
#define TC_SHOT 2
#define QUICK_STEP 3 /* calls; with TEST_SLOW each fails once */

static int fail_at = -1, calls;

static bool fails(void)
{
	return fail_at >= 0 && calls++ == fail_at;
}

/* What a kernel without bpf_loop() says of a program that calls it. */
static bool old_kernel;

static bool is_refused(const union bpf_attr *attr)
{
	const struct bpf_insn *code = (const void *)(uintptr_t)attr->insns;

	for (uint32_t i = 0; old_kernel && i < attr->insn_cnt; i++) {
		if (code[i].code != (BPF_JMP | BPF_CALL) || code[i].src_reg ||
		    code[i].imm != BPF_FUNC_loop)
			continue;
		snprintf((char *)(uintptr_t)attr->log_buf, attr->log_size,
			 "%u: (85) call unknown#%d\ninvalid func unknown#%d\n", i, BPF_FUNC_loop,
			 BPF_FUNC_loop);
		return true;
	}
	return false;
}

/* In place of the C library's, also for libbpf. */
long syscall(long number, ...)
{
	static long (*real)(long number, ...);
	va_list arguments;
	long a[6];

	va_start(arguments, number);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf &&
	    (a[0] == BPF_MAP_CREATE || a[0] == BPF_MAP_UPDATE_ELEM || a[0] == BPF_PROG_LOAD ||
	     a[0] == BPF_MAP_UPDATE_BATCH) &&
	    fails()) {
		errno = ENOMEM;
		return -1;
	}
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD && is_refused((union bpf_attr *)a[1])) {
		errno = EINVAL;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* NOLINTNEXTLINE(readability-function-size): the C library's */
void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	static void *(*real)(void *address, size_t bytes, int protection, int flags, int fd,
			     off_t offset);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "mmap");
	if (flags & MAP_SHARED && fd >= 0 && fails()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return real(address, bytes, protection, flags, fd, offset);
}

/* What is done to 10.1.2.3, and so many policies of other sources. */
static struct policyset *make_set(unsigned int count, const char *action)
{
	CLEANUP(cleanup_free) char *json = malloc((count + 1) * POLICY_BYTES);
	char *at = json;

	if (!json)
		exit(1);
	at += sprintf(at, "[{\"id\":\"top\",\"action\":\"%s\",\"priority\":1}", action);
	for (unsigned int i = 0; i < count; i++)
		at += sprintf(at,
			      ",{\"id\":\"%s%u\",\"action\":\"BLOCK\",\"src\":{\"ip\":"
			      "\"11.0.%u.%u\"},\"dst\":{\"port\":%u}}",
			      action, i, i >> 8, i & 0xff, i + 1);
	strcpy(at, "]");
	return parse_set(json, false);
}

static int attached; /* as a link would hold it */

static int replace(void *context, struct datapath *datapath)
{
	(void)context;
	cleanup_fd(&attached);
	attached = dup(datapath_program(datapath, PROGRAM_TC_INGRESS, NULL));
	return attached < 0 ? -errno : 0;
}

static bool drops(void)
{
	unsigned char frame[FRAME_BYTES_MAX];
	struct sample sample = real_bed_udp(53);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .repeat = 1);

	options.data_size_in = (uint32_t)frame_build(&sample, false, frame);
	if (bpf_prog_test_run_opts(attached, &options)) {
		perror("cannot run");
		exit(1);
	}
	return options.retval == TC_SHOT;
}

static int publish(struct datapath *datapath, const struct policyset *set,
		   const struct policyset *none)
{
	CLEANUP(problems_clear) struct problems problems = { 0 };
	const struct datapath_state state = { .set = set, .failsafe = none, .max_rules = 100000 };
	struct datapath_change *change = NULL;
	int error = datapath_prepare(datapath, &state, &change, &problems);

	if (!error)
		error = datapath_promote(datapath, change);
	if (!error)
		datapath_commit(datapath, &change);
	datapath_abandon(datapath, &change);
	return error;
}

/* Small, larger than the maps, between the two, an overlay of many, another one over that, small
 * again, large again. */
static const struct {
	unsigned int policies;
	bool block;
} states[] = { { 5, true },	{ 4100, false }, { 1500, false }, { 1800, false },
	       { 1850, false }, { 6, true },	 { 4050, false } };

static struct policyset *sets[ARRAY_SIZE(states)];

static void run_states(struct dry_bed *bed, struct datapath *datapath, const struct policyset *none)
{
	bool wanted = false;

	datapath_on_replace(datapath, replace, NULL);
	if (replace(NULL, datapath))
		return; /* the program could not be loaded */
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!publish(datapath, sets[i], none))
			wanted = states[i].block;
		real_bed_check(bed, drops() == wanted, "what is in force is what was answered");
	}
	cleanup_fd(&attached);
}

static unsigned int open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count;
}

static bool run_with_fault(struct dry_bed *bed, int at, const struct policyset *none)
{
	const struct datapath_options options = { .flow_cache_entries = 64,
						  .image_bytes = IMAGE_BYTES };
	unsigned int files = open_files();
	struct datapath *datapath = NULL;
	CLEANUP(cleanup_free) char *why = NULL;

	fail_at = at;
	calls = 0;
	attached = -1;
	if (!datapath_open(&options, &datapath, &why))
		run_states(bed, datapath, none);
	datapath_free(&datapath);
	fail_at = -1;
	real_bed_check(bed, open_files() == files, "nothing is left open");
	return calls > at;
}

static void check_old_kernel(struct dry_bed *bed)
{
	const struct datapath_options options = { .flow_cache_entries = 64 };
	CLEANUP(cleanup_free) char *why = NULL;
	struct datapath *datapath = NULL;

	old_kernel = true;
	real_bed_check(bed, datapath_open(&options, &datapath, &why) == -EOPNOTSUPP,
		       "a kernel that lacks what is needed is refused");
	real_bed_check(bed, why && strstr(why, "lacks bpf_loop()") && strstr(why, "Linux 6.1"),
		       "what it lacks is said, and what would do");
	old_kernel = false;
}

int main(void)
{
	struct policyset *none = policyset_new();
	struct dry_bed bed = { 0 };
	char state[32];

	bed.state = state;
	snprintf(state, sizeof(state), "an old kernel");
	check_old_kernel(&bed);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		sets[i] = make_set(states[i].policies, states[i].block ? "BLOCK" : "ALLOW");
	for (int at = 0;; at += getenv("TEST_SLOW") ? 1 : QUICK_STEP) {
		snprintf(state, sizeof(state), "call %d fails", at);
		if (!run_with_fault(&bed, at, none))
			break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		policyset_put(&sets[i]);
	policyset_put(&none);
	return dry_bed_close(&bed);
}
