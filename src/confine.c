/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "cleanup.h"

/*
 * A service manager's filter cannot do this, as it has to execute the program
 * behind it; and a mount that forbids it does not know files in memory.
 *
 * Numbers of system calls mean something in one ABI: where its name is known
 * here, calls of another one are refused altogether.
 */
#if defined(__x86_64__)
#define ABI AUDIT_ARCH_X86_64
#define FIRST_OF_ANOTHER_ABI 0x40000000 /* x32, under the same name */
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ABI AUDIT_ARCH_AARCH64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ABI AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ABI AUDIT_ARCH_S390X
#elif defined(__riscv) && __riscv_xlen == 64
#define ABI AUDIT_ARCH_RISCV64
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define REFUSE_UNLESS(comparison, value)                                                           \
	BPF_JUMP(BPF_JMP | (comparison) | BPF_K, value, 1, 0), REFUSE
#define REFUSE_IF(comparison, value) BPF_JUMP(BPF_JMP | (comparison) | BPF_K, value, 0, 1), REFUSE

int confine_to_this_program(void)
{
	static struct sock_filter filter[] = {
#ifdef ABI
		LOAD(arch),
		REFUSE_UNLESS(BPF_JEQ, ABI),
#endif
		LOAD(nr),
#ifdef FIRST_OF_ANOTHER_ABI
		REFUSE_IF(BPF_JGE, FIRST_OF_ANOTHER_ABI),
#endif
		REFUSE_IF(BPF_JEQ, SYS_execve),
		REFUSE_IF(BPF_JEQ, SYS_execveat),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}
