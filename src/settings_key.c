// SPDX-License-Identifier: Apache-2.0
#include "settings_key.h"

#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "directories.h"
#include "settings.h"
#include "suggest.h"

static const char *const level_words[] = { "trace", "debug",	"info", "warn",
					   "error", "critical", NULL };
static const char *const target_words[] = { "auto", "journal", "stderr", "file", NULL };
static const char *const anonymous_words[] = { "none", "metrics", "read", NULL };
static const char *const mode_words[] = { "auto", "native", "generic", "tc", NULL };
static const char *const action_words[] = { "ALLOW", "BLOCK", NULL };
static const char *const failsafe_words[] = { "default", "off", NULL };
static const char *const enforce_words[] = { "enforce", NULL };
static const char *const audit_words[] = { "audit", NULL };
static const char *const bad_start_words[] = { "last-good", "open", "block-but-failsafe", NULL };
static const char *const drop_first_words[] = { "drop", "pass", NULL };
static const char *const pass_first_words[] = { "pass", "drop", NULL };
static const char *const pin_words[] = { "auto", "always", "never", NULL };
static const char *const stop_words[] = { "keep", "detach", NULL };

/* Where a value goes. */
#define MEMBER(name)                                                                               \
	.offset = offsetof(struct settings, name), .size = sizeof(((struct settings *)NULL)->name)

#define KiB (1ULL << 10)
#define GiB (1ULL << 30)

#define RELOAD false
#define RESTART true

const struct setting_key setting_keys[] = {
	{ "/log/level", SETTING_CHOICE, RELOAD, MEMBER(log_level), .words = level_words,
	  .standard = "\"info\"" },
	{ "/log/target", SETTING_TARGETS, RELOAD, .words = target_words, .standard = "\"auto\"" },
	{ "/log/file", SETTING_PATH, RELOAD, MEMBER(log_file), .standard = "\"" LOG_FILE "\"" },
	{ "/log/audit_file", SETTING_PATH, RELOAD, MEMBER(audit_file),
	  .standard = "\"" AUDIT_FILE "\"" },
	{ "/log/drops", SETTING_FLAG, RELOAD, MEMBER(log_drops), .standard = "false" },

	{ "/server/listen", SETTING_LISTEN, RELOAD,
	  .standard = "[\"127.0.0.1:8080\",\"[::1]:8080\",\"unix:" CONTROL_SOCKET "\"]" },
	{ "/server/metrics_port", SETTING_METRICS_PORT, RELOAD, .low = 1, .high = 65535 },
	{ "/server/anonymous", SETTING_CHOICE, RELOAD, MEMBER(anonymous), .words = anonymous_words,
	  .standard = "\"read\"" },
	{ "/server/allowed_hosts", SETTING_HOSTS, RELOAD, .standard = "[]" },
	{ "/server/max_body_bytes", SETTING_BYTES, RELOAD, MEMBER(max_body_bytes), .low = KiB,
	  .high = GiB, .standard = "67108864" },
	{ "/server/max_connections", SETTING_NUMBER, RELOAD, MEMBER(max_connections), .low = 8,
	  .high = 65536, .standard = "256" },
	{ "/server/timeout_seconds", SETTING_NUMBER, RELOAD, MEMBER(timeout_seconds), .low = 1,
	  .high = 3600, .standard = "30" },
	{ "/server/tokens_file", SETTING_PATH, RELOAD, MEMBER(tokens_file),
	  .standard = "\"" TOKENS_FILE "\"" },
	{ "/server/tls", .kind = SETTING_TLS },
	{ "/server/admin_port", SETTING_REPLACED,
	  .instead = "the API is at the listeners of server.listen" },

	{ "/network/interfaces", SETTING_INTERFACES, RELOAD, .standard = "[]" },
	{ "/network/interface", .kind = SETTING_INTERFACE },
	{ "/network/mode", SETTING_CHOICE, RELOAD, MEMBER(mode), .words = mode_words,
	  .standard = "\"auto\"" },
	{ "/network/egress", SETTING_FLAG, RELOAD, MEMBER(egress), .standard = "false" },

	{ "/policy/capacity", SETTING_NUMBER, RELOAD, MEMBER(capacity), .low = 1, .high = 1000000,
	  .standard = "10000" },
	{ "/policy/max_rules", SETTING_NUMBER, RELOAD, MEMBER(max_rules), .low = 1,
	  .high = 4000000 },
	{ "/policy/default_action", SETTING_CHOICE, RELOAD, MEMBER(default_block),
	  .words = action_words, .standard = "\"ALLOW\"" },
	{ "/policy/policies_file", SETTING_POLICIES_FILE, RELOAD, MEMBER(policies_file),
	  .standard = "\"" POLICIES_FILE "\"" },
	{ "/policy/state_dir", SETTING_PATH, RESTART, MEMBER(state_dir),
	  .standard = "\"" STATE_DIRECTORY "\"" },
	{ "/policy/failsafe", SETTING_FAILSAFE, RELOAD, .words = failsafe_words,
	  .standard = "\"default\"" },
	{ "/policy/mode", SETTING_FIXED, RELOAD, .words = enforce_words, .later = audit_words,
	  .standard = "\"enforce\"" },
	{ "/policy/established", .kind = SETTING_LATER },
	{ "/policy/on_change", .kind = SETTING_LATER },
	{ "/policy/max_flows", .kind = SETTING_LATER },
	{ "/policy/on_bad_start", SETTING_CHOICE, RELOAD, MEMBER(on_bad_start),
	  .words = bad_start_words, .standard = "\"last-good\"" },

	{ "/datapath/malformed", SETTING_CHOICE, RELOAD, MEMBER(malformed_pass),
	  .words = drop_first_words, .standard = "\"drop\"" },
	{ "/datapath/untracked_fragment", SETTING_CHOICE, RELOAD, MEMBER(untracked_pass),
	  .words = drop_first_words, .standard = "\"drop\"" },
	{ "/datapath/non_ip", SETTING_CHOICE, RELOAD, MEMBER(non_ip_drop),
	  .words = pass_first_words, .standard = "\"pass\"" },
	{ "/datapath/flow_cache_entries", SETTING_POWER_OF_TWO, RESTART, MEMBER(flow_cache_entries),
	  .low = 64, .high = 1048576, .standard = "16384" },
	{ "/datapath/pin", SETTING_CHOICE, RESTART, MEMBER(pin), .words = pin_words,
	  .standard = "\"auto\"" },
	{ "/datapath/pin_directory", SETTING_PATH, RESTART, MEMBER(pin_directory),
	  .standard = "\"" PIN_DIRECTORY "\"" },
	{ "/datapath/on_stop", SETTING_CHOICE, RELOAD, MEMBER(detach_on_stop), .words = stop_words,
	  .standard = "\"keep\"" },

	{ "/metrics/enabled", SETTING_FLAG, RELOAD, MEMBER(metrics_enabled), .standard = "true" },
	{ "/metrics/policies", SETTING_NUMBER, RELOAD, MEMBER(metrics_policies), .low = 0,
	  .high = 1000000, .standard = "1000" },

	{ "/ebpf/program_path", SETTING_REPLACED, .instead = "the programs are part of pepctl" },
	{ "/ebpf/program_type", SETTING_REPLACED,
	  .instead = "network.mode says how programs are attached" },
	{ "/daemon/mode", SETTING_REPLACED,
	  .instead = "pepctl runs in the foreground, systemd puts it into the background" },
};
const size_t setting_key_count = ARRAY_SIZE(setting_keys);

const struct setting_key *setting_key_find(const char *pointer)
{
	for (size_t i = 0; i < setting_key_count; i++)
		if (strcmp(setting_keys[i].pointer, pointer) == 0)
			return &setting_keys[i];
	return NULL;
}

/* The objects that hold keys. */
static const char *const sections[] = { "/daemon",  "/datapath", "/ebpf",   "/log",
					"/metrics", "/network",	 "/policy", "/server" };

bool setting_key_is_section(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i] + 1, section) == 0)
			return true;
	return false;
}

/* The last component of a pointer. */
static const char *name_of(const char *pointer)
{
	return strrchr(pointer, '/') + 1;
}

static const char *near_section(const char *pointer)
{
	struct suggestion suggestion = { .wrong = pointer + 1 };

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		suggest(&suggestion, sections[i] + 1);
	return suggestion.best ? suggestion.best - 1 : NULL;
}

const char *setting_key_near(const char *pointer)
{
	const char *name = name_of(pointer);
	struct suggestion suggestion = { .wrong = name };
	size_t section = (size_t)(name - pointer);

	for (size_t i = 0; i < setting_key_count; i++)
		if (strcasecmp(name_of(setting_keys[i].pointer), name) == 0)
			return setting_keys[i].pointer;
	if (section == 1)
		return near_section(pointer);
	for (size_t i = 0; i < setting_key_count; i++)
		if (strncmp(setting_keys[i].pointer, pointer, section) == 0)
			suggest(&suggestion, setting_keys[i].pointer + section);
	return suggestion.best ? suggestion.best - section : NULL;
}
