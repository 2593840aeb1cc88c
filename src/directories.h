/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are: the build says what precedes, these are the usual places.
 */
#ifndef DIRECTORIES_H
#define DIRECTORIES_H

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#ifndef LOCALSTATEDIR
#define LOCALSTATEDIR "/var"
#endif
#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif

#define CONFIG_FILE SYSCONFDIR "/pepctl/config.json"
#define TOKENS_FILE SYSCONFDIR "/pepctl/tokens.json"
#define POLICIES_FILE SYSCONFDIR "/pepctl/policies.json"
#define STATE_DIRECTORY LOCALSTATEDIR "/lib/pepctl"
#define LOG_FILE LOCALSTATEDIR "/log/pepctl/pepctl.log"
#define AUDIT_FILE LOCALSTATEDIR "/log/pepctl/audit.jsonl"
#define PIN_DIRECTORY RUNSTATEDIR "/pepctl-bpf"
#define CONTROL_SOCKET RUNSTATEDIR "/pepctl/pepctl.sock"

#endif
