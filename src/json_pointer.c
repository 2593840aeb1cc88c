// SPDX-License-Identifier: Apache-2.0
#include "json_pointer.h"

#include <string.h>

int text_cut(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);

	if (length <= max)
		return (int)length;
	length = max;
	while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return (int)length;
}

/* One character of a name, escaped. */
static size_t step_bytes(const char *name, const char **ret_bytes)
{
	*ret_bytes = *name == '~' ? "~0" : *name == '/' ? "~1" : name;
	if (*ret_bytes != name)
		return 2;
	for (size_t length = 1;; length++)
		if (((unsigned char)name[length] & 0xc0) != 0x80)
			return length;
}

void json_pointer_append(char *pointer, size_t size, const char *name)
{
	static const char dots[] = "...";
	size_t used = strlen(pointer), bytes;
	const char *step;

	if (used + 1 + sizeof(dots) > size)
		return;
	pointer[used++] = '/';
	while (*name) {
		bytes = step_bytes(name, &step);
		if (used + bytes + sizeof(dots) > size) {
			memcpy(pointer + used, dots, sizeof(dots) - 1);
			used += sizeof(dots) - 1;
			break;
		}
		memcpy(pointer + used, step, bytes);
		used += bytes;
		name += step == name ? bytes : 1;
	}
	pointer[used] = '\0';
}
