/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intruder: put in the place of pepctl under its unit, and confined as pepctl
 * confines itself, tries what code inside the daemon could be made to do.  Each attempt is a line, "refused WHAT: WHY" or
 * "DONE WHAT"; what the daemon needs must work, or the line is "BROKEN WHAT".
 * Exits with 1 when a line is in capitals.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool failed;

static void report(const char *what, const char *argument, bool done)
{
	int error = errno;

	if (done)
		failed = true;
	printf("%s %s%s%s%s%s\n", done ? "DONE" : "refused", what, *argument ? " " : "", argument,
	       done ? "" : ": ", done ? "" : strerror(error));
}

/* ---- files */

static bool can_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void try_files(void)
{
	static const char *const forbidden[] = {
		"/etc/passwd",
		"/etc/pepctl/config.json",
		"/etc/pepctl/new",
		"/usr/bin/new",
		"/usr/lib/new",
		"/new",
		"/tmp/new",
		"/var/tmp/new",
		"/dev/shm/new",
		"/run/new",
		"/var/lib/new",
		"/var/log/new",
		"/home/new",
		"/root/new",
		"/dev/mem",
		"/dev/kmsg",
		"/proc/sys/kernel/core_pattern",
		"/proc/sys/net/ipv4/ip_forward",
		"/proc/sysrq-trigger",
		"/sys/kernel/mm/ksm/run",
		"/sys/fs/bpf/new",
		"/sys/fs/cgroup/new",
		"/proc/1/mem",
	};
	static const char *const needed[] = { "/var/lib/pepctl/new", "/run/pepctl/new",
					      "/var/log/pepctl/new" };

	for (size_t i = 0; i < COUNT(forbidden); i++)
		report("write", forbidden[i], can_write(forbidden[i]));
	for (size_t i = 0; i < COUNT(needed); i++) {
		if (can_write(needed[i]) && !unlink(needed[i]))
			continue;
		failed = true;
		printf("BROKEN write %s: %s\n", needed[i], strerror(errno));
	}
	report("read", "/etc/shadow", open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0);
	report("see", "/proc/1/status", open("/proc/1/status", O_RDONLY | O_CLOEXEC) >= 0);
}

/* ---- programs; what is executed exits at once */

static bool can_execute(int directory, const char *path, int flags)
{
	static const char *const argv[] = { "copy", "-c", "exit", NULL }, *const environment[] = {
		NULL
	};
	int status = 0;
	/* Closed by a program that is executed; else the reason is written to it. */
	int ends[2], error = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	child = fork();
	if (child == 0) {
		syscall(SYS_execveat, directory, path, argv, environment, flags);
		error = errno;
		_exit(write(ends[1], &error, sizeof(error)) < 0);
	}
	close(ends[1]);
	if (read(ends[0], &error, sizeof(error)) < 0)
		error = errno;
	close(ends[0]);
	waitpid(child, &status, 0);
	errno = error;
	return !error;
}

/* Copies this program, to where files can be written. */
static int copy_to(int fd)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char buffer[65536];
	ssize_t size;

	while ((size = read(self, buffer, sizeof(buffer))) > 0) {
		if (write(fd, buffer, (size_t)size) != size)
			return -1;
	}
	return close(self);
}

static void try_programs(void)
{
	static const char copy[] = "/var/lib/pepctl/copy";
	int fd;

	report("execute", "/bin/sh", can_execute(AT_FDCWD, "/bin/sh", 0));
	report("execute", "/usr/bin/env", can_execute(AT_FDCWD, "/usr/bin/env", 0));
	fd = open(copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (fd < 0 || copy_to(fd) || close(fd))
		report("write", copy, false);
	report("execute", copy, can_execute(AT_FDCWD, copy, 0));
	unlink(copy);
	fd = memfd_create("copy", MFD_CLOEXEC);
	report("execute", "a file in memory",
	       fd >= 0 && !copy_to(fd) && can_execute(fd, "", AT_EMPTY_PATH));
	report("execute", "the program itself", can_execute(AT_FDCWD, "/proc/self/exe", 0));
}

/* ---- memory */

static void try_memory(void)
{
	const int both = PROT_WRITE | PROT_EXEC;
	void *page = mmap(NULL, 4096, both, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	report("map", "memory to write and execute", page != MAP_FAILED);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	report("execute", "memory that was written", !mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

/* ---- privileges */

static bool can_have_capability(int number)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return false;
	data[number / 32].effective |= 1U << (number % 32);
	data[number / 32].permitted |= 1U << (number % 32);
	return !syscall(SYS_capset, &header, data);
}

static bool can_make_set_uid(void)
{
	static const char path[] = "/var/lib/pepctl/setuid";
	bool done;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700), error;

	done = fd >= 0 && !fchmod(fd, 04755);
	error = errno;
	unlink(path);
	errno = error;
	return done;
}

static void try_privileges(void)
{
	static const struct {
		int number;
		const char *name;
	} capabilities[] = {
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN" },
		{ CAP_NET_RAW, "CAP_NET_RAW" },
		{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE" },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE" },
		{ CAP_SETUID, "CAP_SETUID" },
	};

	for (size_t i = 0; i < COUNT(capabilities); i++)
		report("gain", capabilities[i].name, can_have_capability(capabilities[i].number));
	report("become", "root", !syscall(SYS_setuid, 0) && getuid() == 0);
	report("make a file", "set-user-id", can_make_set_uid());
	report("do without", "no_new_privs", !prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	report("enter", "a user namespace", !unshare(CLONE_NEWUSER));
	report("enter", "a mount namespace", !unshare(CLONE_NEWNS));
	report("enter", "a network namespace", !unshare(CLONE_NEWNET));
}

/* ---- other ways into the kernel, by number: they take no harm from bad arguments */

static void try_syscalls(void)
{
	static const struct {
		const char *name;
		long number;
	} forbidden[] = {
		{ "ptrace", SYS_ptrace },
		{ "mount", SYS_mount },
		{ "umount2", SYS_umount2 },
		{ "pivot_root", SYS_pivot_root },
		{ "chroot", SYS_chroot },
		{ "reboot", SYS_reboot },
		{ "init_module", SYS_init_module },
		{ "finit_module", SYS_finit_module },
		{ "delete_module", SYS_delete_module },
		{ "kexec_load", SYS_kexec_load },
		{ "swapon", SYS_swapon },
		{ "settimeofday", SYS_settimeofday },
		{ "clock_settime", SYS_clock_settime },
		{ "adjtimex", SYS_adjtimex },
		{ "syslog", SYS_syslog },
		{ "acct", SYS_acct },
		{ "quotactl", SYS_quotactl },
		{ "add_key", SYS_add_key },
		{ "keyctl", SYS_keyctl },
		{ "request_key", SYS_request_key },
		{ "perf_event_open", SYS_perf_event_open },
		{ "process_vm_readv", SYS_process_vm_readv },
		{ "process_vm_writev", SYS_process_vm_writev },
		{ "open_by_handle_at", SYS_open_by_handle_at },
		{ "userfaultfd", SYS_userfaultfd },
		{ "io_uring_setup", SYS_io_uring_setup },
		{ "setns", SYS_setns },
		{ "sethostname", SYS_sethostname },
		{ "move_pages", SYS_move_pages },
		{ "mbind", SYS_mbind },
		{ "setgroups", SYS_setgroups },
		{ "mlockall", SYS_mlockall },
		{ "sched_setscheduler", SYS_sched_setscheduler },
		{ "fanotify_init", SYS_fanotify_init },
		{ "name_to_handle_at", SYS_name_to_handle_at },
		{ "vhangup", SYS_vhangup },
		{ "pidfd_getfd", SYS_pidfd_getfd },
	};

	for (size_t i = 0; i < COUNT(forbidden); i++) {
		errno = 0;
		syscall(forbidden[i].number, -1, -1, -1, -1, -1, -1);
		/* The filter's answer; the call itself has others for such arguments. */
		report("call", forbidden[i].name, errno != EPERM);
	}
}

static void try_sockets(void)
{
	static const struct {
		const char *name;
		int family, type;
	} forbidden[] = {
		{ "AF_PACKET", AF_PACKET, SOCK_RAW }, { "AF_VSOCK", AF_VSOCK, SOCK_STREAM },
		{ "AF_ALG", AF_ALG, SOCK_SEQPACKET }, { "AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW },
		{ "AF_KEY", AF_KEY, SOCK_RAW },	      { "AF_INET raw", AF_INET, SOCK_RAW },
	};

	for (size_t i = 0; i < COUNT(forbidden); i++)
		report("socket", forbidden[i].name,
		       socket(forbidden[i].family, forbidden[i].type | SOCK_CLOEXEC, 0) >= 0);
	report("signal", "the first process", !kill(1, SIGTERM));
}

int main(int argc, char **argv)
{
	if (argc > 0 && !strcmp(argv[0], "copy")) /* as a copy that should not have been executed */
		return 0;
	alarm(30);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (confine_to_this_program()) {
		printf("BROKEN confine_to_this_program\n");
		failed = true;
	}
	try_files();
	try_programs();
	try_memory();
	try_privileges();
	try_syscalls();
	try_sockets();
	return failed;
}
