// SPDX-License-Identifier: Apache-2.0
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "policy_text.h"

static char name[] = "true";
static char *const argv[] = { name, NULL }, *const environment[] = { NULL };

/* What a process of its own, confined or not, gets from an attempt. */
static int outcome(bool confined, int (*attempt)(void))
{
	const pid_t child = fork();
	int status = 0;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (confined && confine_to_this_program() < 0)
			_exit(EXIT_FAILURE);
		attempt(); /* returns only in vain */
		_exit(errno == EPERM ? EPERM : EXIT_FAILURE);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int execute_file(void)
{
	return execve("/bin/true", argv, environment);
}

static int execute_memory(void)
{
	char buffer[4096];
	const int memory = memfd_create(name, 0), file = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t size;

	while ((size = read(file, buffer, sizeof(buffer))) > 0) {
		if (write(memory, buffer, (size_t)size) != size)
			return -EIO;
	}
	return (int)syscall(SYS_execveat, memory, "", argv, environment, AT_EMPTY_PATH);
}

static int go_on(void)
{
	_exit(EXIT_SUCCESS);
}

START_TEST(no_program_is_executed)
{
	ck_assert_int_eq(outcome(false, execute_file), 0);
	ck_assert_int_eq(outcome(true, execute_file), EPERM);
	ck_assert_int_eq(outcome(false, execute_memory), 0);
	ck_assert_int_eq(outcome(true, execute_memory), EPERM);
	ck_assert_int_eq(outcome(true, go_on), 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("confine");

	tcase_add_test(tcase, no_program_is_executed);
	return run_case("confine", tcase);
}
