/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging: to the journal with structured fields, to stderr, to a file.
 */
#ifndef LOG_H
#define LOG_H

#include "settings.h"

/* A structured field of the journal, in other targets printed as KEY=value. */
struct log_field {
	const char *key; /* upper case, without the PEPCTL_ prefix */
	const char *value;
};

/** Applies level and targets; the file is opened. Returns 0 or -errno, the old ones stay then. */
int log_configure(const struct settings *settings);

/** Opens the log file anew (SIGUSR1). Returns 0 or -errno. */
int log_reopen(void);

/** One line; @fields may be NULL. */
void log_write(enum log_level level, const struct log_field *fields, size_t field_count,
	       const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, NULL, 0, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, NULL, 0, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, NULL, 0, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, NULL, 0, __VA_ARGS__)
#define log_critical(...) log_write(LOG_LEVEL_CRITICAL, NULL, 0, __VA_ARGS__)

#endif
