/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json, read and checked: see pepctl-config(5).  (config.h is
 * Autoconf's.)
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "string_list.h"
#include "tls.h"

struct address_sets;
struct json_object;
struct problems;
struct policyset;

enum log_level {
	LOG_LEVEL_TRACE,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_CRITICAL
};

#define LOG_TARGET_JOURNAL (1 << 0)
#define LOG_TARGET_STDERR (1 << 1)
#define LOG_TARGET_FILE (1 << 2)

enum attach_mode { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC, ATTACH_TC };
enum anonymous { ANONYMOUS_NONE, ANONYMOUS_METRICS, ANONYMOUS_READ };
enum bad_start { BAD_START_LAST_GOOD, BAD_START_OPEN, BAD_START_BLOCK_BUT_FAILSAFE };

struct settings {
	enum log_level log_level;
	unsigned int log_targets; /* LOG_TARGET_, 0: auto */
	char *log_file, *audit_file;
	bool log_drops;

	struct string_list listen; /* "127.0.0.1:8080", "[::1]:8080", "unix:/path" */
	enum anonymous anonymous;
	struct string_list allowed_hosts;
	char *tokens_file;
	struct tls_settings tls;
	uint64_t max_body_bytes;
	uint32_t max_connections;
	uint32_t timeout_seconds;

	struct string_list interfaces; /* names and globs */
	enum attach_mode mode;
	bool egress;

	uint32_t capacity; /* policies, of all origins */
	uint32_t max_rules;
	bool default_block;
	bool block_all; /* not a key: the way out of a bad start, see daemon_start.c */
	bool policies_file_named; /* by the configuration: it must be there */
	enum bad_start on_bad_start;
	char *policies_file;
	char *policies_directory, *sets_directory; /* policies.d and sets.d beside policies_file */
	char *state_dir;
	struct policyset *failsafe; /* origin ORIGIN_FAILSAFE; empty: switched off */
	bool failsafe_off; /* by an explicit word */

	bool malformed_pass, untracked_pass, non_ip_drop;
	uint32_t flow_cache_entries; /* per CPU, a power of two */
	unsigned int pin; /* enum keep_choice */
	char *pin_directory;
	bool detach_on_stop; /* where pins would keep it */
	bool metrics_enabled;
	uint32_t metrics_policies;
};

/** The defaults, which `{}` means. Returns 0 or -ENOMEM. */
int settings_default(struct settings **ret);

/**
 * Reads and checks a parsed document. All errors and warnings go to
 * @problems. Returns 0, -EINVAL when there were errors, -ENOMEM.
 */
int settings_parse(struct json_object *json, struct settings **ret, struct problems *problems);

/**
 * Reads @path ("//" and C comments allowed), then applies PEPCTL_INTERFACE and
 * PEPCTL_LOG_LEVEL. Errors as settings_parse(), and -errno of the file, noted
 * in @problems too.
 */
int settings_load(const char *path, struct settings **ret, struct problems *problems);

/**
 * Reads the administrator's policies: settings->policies_file and the *.json
 * of settings->policies_directory in the order of their names; a file that is
 * not there is as an empty one unless the configuration named it. Pointers of
 * @problems begin with the file's name. Errors as settings_load().
 */
int settings_load_policies(const struct settings *settings, struct policyset **ret,
			   struct problems *problems);

/**
 * Reads the administrator's sets of addresses: *.txt and *.json of settings->sets_directory.
 * Pointers of @problems begin with the file's name and line. Errors as settings_load().
 */
int settings_load_sets(const struct settings *settings, struct address_sets **ret,
		       struct problems *problems);

/** Whether "network.interfaces" names @name; @ret_exact: by its name, not by a glob. */
bool settings_wants_interface(const struct settings *settings, const char *name, bool *ret_exact);

/** Frees all that they hold. Tolerates NULL. */
void settings_free(struct settings **settings);

/** Parses "info" and the like; false when it is none. */
bool log_level_parse(const char *text, enum log_level *ret);

#endif
