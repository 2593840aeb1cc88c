/* SPDX-License-Identifier: Apache-2.0 */
/*
 * die_at N COMMAND...: runs a command and kills it with SIGKILL where it is about
 * to change, for the Nth time, what outlives it: a pin, a link's program, what
 * an earlier process counted.  Its exit status otherwise.  SIGTERM kills the
 * command, too; this one ends when it has.
 */
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL_STOP (SIGTRAP | 0x80)

static pid_t traced;

static void kill_command(int signal_number)
{
	(void)signal_number;
	kill(traced, SIGKILL);
}

/* Reading with a program is the last step before counting on. */
static bool bpf_counts(unsigned long long command)
{
	return command == BPF_OBJ_PIN || command == BPF_LINK_UPDATE || command == BPF_LINK_CREATE ||
	       command == BPF_LINK_DETACH || command == BPF_PROG_TEST_RUN;
}

static bool is_counted(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	if (info.entry.nr == SYS_bpf)
		return bpf_counts(info.entry.args[0]);
#ifdef SYS_unlink
	if (info.entry.nr == SYS_unlink)
		return true;
#endif
	return info.entry.nr == SYS_unlinkat;
}

/* Goes on to the next stop; -1 when there is none any more. */
static int next_stop(pid_t pid, int signal_number, int *ret_status)
{
	if (ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal_number))
		return -1;
	return waitpid(pid, ret_status, 0) == pid && WIFSTOPPED(*ret_status) ? 0 : -1;
}

static int follow(pid_t pid, long calls)
{
	int status, signal_number = 0;

	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (!next_stop(pid, signal_number, &status)) {
		bool call = WSTOPSIG(status) == CALL_STOP;

		signal_number = call || WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		if (call && is_counted(pid) && --calls == 0)
			kill(pid, SIGKILL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + SIGKILL;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: %s N COMMAND...\n", argv[0]);
		return 2;
	}
	traced = fork();
	if (traced < 0)
		return 1;
	if (!traced) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	signal(SIGTERM, kill_command);
	return follow(traced, atol(argv[1]));
}
