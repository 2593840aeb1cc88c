/* SPDX-License-Identifier: Apache-2.0 */
#include "client_help.h"

#include <string.h>

#include "cleanup.h"
#include "client_command.h"
#include "directories.h"

#define WORDS                                                                                      \
	"WORDS are a sentence such as\n"                                                           \
	"  block in proto tcp from any to any port 23 dev eth0 for 1h\n"                           \
	"and the grammar is in pepctl-policy(5).\n"

#define WRITE_OPTIONS                                                                              \
	(OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_CONFIRM) | OPTION_BIT(OPTION_FORCE))

const struct client_option client_options[CLIENT_OPTIONS] = {
	[OPTION_HELP] = { "help", NULL, "say how a command is used" },
	[OPTION_JSON] = { "json", NULL, "print JSON" },
	[OPTION_SOCKET] = { "socket", "PATH",
			    "the daemon's socket; else PEPCTL_SOCKET or\n"
			    "                           " CONTROL_SOCKET },
	[OPTION_URL] = { "url", "URL", "ask http[s]://HOST:PORT instead of the socket" },
	[OPTION_NO_COLOR] = { "no-color", NULL, "no colours, on a terminal too" },
	[OPTION_TOKEN_FILE] = { "token-file", "FILE", "show the token in FILE, with --url" },
	[OPTION_CACERT] = { "cacert", "FILE", "who has signed the certificate of an https URL" },
	[OPTION_CERT] = { "cert", "FILE", "a certificate to be shown there, and its key" },
	[OPTION_KEY] = { "key", "FILE", "the key, where it is not in the same file" },
	[OPTION_DRY_RUN] = { "dry-run", NULL, "say what would be done, and do nothing" },
	[OPTION_CONFIRM] = { "confirm", "SECONDS",
			     "it goes back unless it is confirmed in that time" },
	[OPTION_FORCE] = { "force", NULL, "also if it cuts ssh, the API, a gateway or a resolver" },
	[OPTION_FILE] = { "file", "FILE", "the file of policies (- is the input) or tokens" },
	[OPTION_REPLACE] = { "replace", NULL, "delete the API's policies that are not in FILE" },
	[OPTION_ORIGIN] = { "origin", "file|api|all", "only policies of this origin; all: of any" },
	[OPTION_MATCH] = { "match", "TEXT|KEY=VALUE",
			   "only policies that contain TEXT or have this member" },
	[OPTION_LIMIT] = { "limit", "N", "at most N policies or records" },
	[OPTION_STRICT] = { "strict", NULL, "exit with 1 for warnings too" },
	[OPTION_POLICY] = { "policy", "ID", "only events of one policy" },
	[OPTION_VERDICT] = { "verdict", "pass|drop|log", "only events of this verdict" },
	[OPTION_PCAP] = { "pcap", "FILE", "the packets of a capture; - is the input" },
	[OPTION_AGAINST] = { "against", "FILE", "by its policies, instead of all in force" },
};

static const struct client_command commands[] = {
	{ "status", "", "is it well, and what did it drop in the last minute", NULL, 0, 0, 0,
	  client_status },
	{ "list", "", "the policies in the order of evaluation, with counters",
	  "KEY is a member as `pepctl show` prints it (action, src, labels.team ...).\n",
	  OPTION_BIT(OPTION_MATCH) | OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_ORIGIN), 0, 0,
	  client_list },
	{ "show", "ID...", "everything about a policy", NULL, 0, 1, CLIENT_ANY_NUMBER,
	  client_show },
	{ "add", "[ID] WORDS | JSON | -", "add a policy",
	  WORDS
	  "Without ID it gets one made of its content. - reads JSON from the input. A policy\n"
	  "that is there with another content is not touched: use modify or apply.\n",
	  WRITE_OPTIONS | OPTION_BIT(OPTION_FILE), 0, CLIENT_ANY_NUMBER, client_add },
	{ "modify", "ID WORDS | ID JSON", "change a policy",
	  WORDS "They say the whole policy anew; its description and labels stay. JSON is a merge\n"
		"patch (RFC 7396): members that change, null for those that go.\n",
	  WRITE_OPTIONS, 2, CLIENT_ANY_NUMBER, client_modify },
	{ "delete", "ID...", "delete policies", NULL, WRITE_OPTIONS, 1, CLIENT_ANY_NUMBER,
	  client_delete },
	{ "apply", "FILE", "add and change the policies of a file, all or none",
	  "FILE may be - for the input. With --replace it is what `pepctl export` writes: policies\n"
	  "of the API that are not in it go. Policies of the administrator's files stay.\n",
	  WRITE_OPTIONS | OPTION_BIT(OPTION_REPLACE), 1, 1, client_apply },
	{ "export", "", "print the policies as apply --replace takes them",
	  "Those of the API, unless --origin says otherwise.\n", OPTION_BIT(OPTION_ORIGIN), 0, 0,
	  client_export },
	{ "check", "FILE...", "look for mistakes in policies or a configuration",
	  "Needs no daemon and no privilege. Exits with 1 for errors, with --strict for warnings.\n"
	  "With --socket or --url a daemon is asked, which knows of more than the file.\n",
	  OPTION_BIT(OPTION_STRICT), 1, CLIENT_ANY_NUMBER, client_check },
	{ "diff", "FILE [FILE2]", "what apply --replace FILE would change",
	  "Compares with the policies of the API, or with --origin file those that the daemon has\n"
	  "from files. With FILE2: what leads from FILE to FILE2. Without a daemon FILE is compared\n"
	  "with " POLICIES_FILE ". Lines begin with - (goes), + (comes) or ~ (changes).\n"
	  "Exits with 0 when nothing differs, 1 when something does, 2 on errors.\n",
	  OPTION_BIT(OPTION_ORIGIN), 1, 2, client_diff },
	{ "flush", "", "delete all policies of the API", NULL, WRITE_OPTIONS, 0, 0, client_flush },
	{ "confirm", "[ID]", "make the change that is pending stay",
	  "A change with --confirm SECONDS goes back by itself, also if nobody can tell the daemon.\n",
	  0, 0, 1, client_confirm },
	{ "rollback", "[ID]", "take the change that is pending back", NULL, 0, 0, 1,
	  client_rollback },
	{ "set", "list | show NAME | put NAME FILE | add NAME ENTRY... | delete NAME [ENTRY...]",
	  "sets of addresses, which policies name as \"@NAME\"",
	  "An ENTRY is an address, a prefix or a range. FILE has one a line, with ttl=SECONDS or\n"
	  "expires=TIME behind it where it ends and # before a comment, or is JSON; - is the input.\n"
	  "put replaces the whole set. add takes `for 1h` behind the entries. delete without entries\n"
	  "deletes the set, unless a policy names it.\n",
	  WRITE_OPTIONS, 1, CLIENT_ANY_NUMBER, client_set },
	{ "stats", "", "counters in total, by reason and by interface", NULL, 0, 0, 0,
	  client_stats },
	{ "interfaces", "", "where it is attached, and how", NULL, 0, 0, 0, client_interfaces },
	{ "events", "", "what is dropped or logged, as it happens", "Ends with Ctrl-C.\n",
	  OPTION_BIT(OPTION_POLICY) | OPTION_BIT(OPTION_VERDICT), 0, 0, client_events },
	{ "explain", "WORDS | --pcap FILE [in|out] [dev NAME]",
	  "what would become of a packet, and why",
	  "WORDS are those by which policies match, each with one value, such as\n"
	  "  in proto tcp from 10.0.0.1 port 4444 to 192.0.2.1 port 22 dev eth0\n"
	  "Nothing is counted, nothing is taken from a limit. A capture is what tcpdump writes.\n",
	  OPTION_BIT(OPTION_PCAP) | OPTION_BIT(OPTION_AGAINST), 0, CLIENT_ANY_NUMBER,
	  client_explain },
	{ "doctor", "[INTERFACE]",
	  "what keeps it from attaching well, and the command that cures it",
	  "Looks at the machine and at an interface, or at those that are configured, with a daemon\n"
	  "and without. Exits with 1 for findings.\n",
	  0, 0, 1, client_doctor },
	{ "audit", "", "who changed what, and who was refused",
	  "The last 100 records, or --limit N up to 1000, the oldest first.\n",
	  OPTION_BIT(OPTION_LIMIT), 0, 0, client_audit },
	{ "detach", "[DIRECTORY]", "take off what a daemon left attached",
	  "Of pins in DIRECTORY, or " PIN_DIRECTORY ". While the daemon runs it is refused.\n", 0,
	  0, 1, client_detach },
	{ "reload", "", "read configuration and policy files again", NULL, OPTION_BIT(OPTION_FORCE),
	  0, 0, client_reload },
	{ "token", "create TOKEN-NAME [viewer|operator] | list | revoke TOKEN-NAME",
	  "what lets others in by TCP",
	  "A viewer looks, an operator may do everything. The token is printed once, and kept by its\n"
	  "hash in " TOKENS_FILE " or --file FILE; a daemon that runs is told at once.\n",
	  OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_FILE), 1, 3, client_token },
	{ "complete", "WORD...", "what may come next on a command line, for shells",
	  "The last WORD is completed, the others are in front of it; -- goes before all of them.\n",
	  0, 1, CLIENT_ANY_NUMBER, client_complete },
};

static void print_options(unsigned int options, FILE *out);

const struct client_command *client_command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

const struct client_command *client_command_at(size_t index)
{
	return index < ARRAY_SIZE(commands) ? &commands[index] : NULL;
}

void client_help_all(FILE *out)
{
	fputs("Usage: pepctl COMMAND [ARGUMENT...] [OPTION...]\n"
	      "       pepctl --config FILE [--check]    (the daemon)\n\nCommands:\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-11s %s\n", commands[i].name, commands[i].summary);
	fputs("\nOptions:\n", out);
	print_options(CLIENT_GENERAL_OPTIONS, out);
	fputs("\npepctl COMMAND --help says more. Exit status: 0 done, 1 refused, 2 usage,\n"
	      "3 no daemon, 4 not permitted. See pepctl(8).\n",
	      out);
}

void client_help(const struct client_command *command, FILE *out)
{
	fprintf(out, "Usage: pepctl %s%s%s [OPTION...]\n%s\n", command->name,
		*command->arguments ? " " : "", command->arguments, command->summary);
	if (command->details)
		fprintf(out, "\n%s", command->details);
	fputs("\nOptions:\n", out);
	print_options(command->options | CLIENT_GENERAL_OPTIONS, out);
}

static void print_options(unsigned int options, FILE *out)
{
	for (size_t i = 0; i < CLIENT_OPTIONS; i++) {
		char name[64];

		if (!(options & OPTION_BIT(i)))
			continue;
		snprintf(name, sizeof(name), "--%s %s", client_options[i].name,
			 client_options[i].value ? client_options[i].value : "");
		fprintf(out, "  %-24s %s\n", name, client_options[i].summary);
	}
}
