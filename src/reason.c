// SPDX-License-Identifier: Apache-2.0
#include "reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int reason_set(struct reason *reason, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(reason->text, sizeof(reason->text), format, arguments) < 0)
		reason->text[0] = '\0';
	va_end(arguments);
	return -EINVAL;
}
