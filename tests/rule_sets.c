// SPDX-License-Identifier: Apache-2.0
#include "rule_sets.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "rules.h"

#define RANK_GAP 16
#define TEXT_MAX 128

static uint64_t seed = 0x9e3779b97f4a7c15ULL;

uint32_t rule_sets_draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % below;
}

static void die(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

/* A rule for anything, with the rank and the slot of the next policy. */
static struct rule *add_rule(struct rules *rules, bool ipv6)
{
	struct rule_list *list = &rules->list[PEP_RULES_POLICY][ipv6][PEP_INGRESS];
	struct rule *rule;

	if (list->count == list->room) {
		list->room = list->room * 2 + 1024;
		list->rule = realloc(list->rule, list->room * sizeof(*list->rule));
		if (!list->rule)
			die("memory", "none");
	}
	rule = &list->rule[list->count];
	memset(rule, 0, sizeof(*rule));
	rule->sport_high = rule->dport_high = 0xffff;
	rule->rank = (uint32_t)++list->count * RANK_GAP;
	rule->slot = (uint32_t)list->count;
	rules->count++;
	return rule;
}

const struct rule_list *rule_sets_list(const struct rules *rules, bool *ret_ipv6)
{
	*ret_ipv6 = rules->list[PEP_RULES_POLICY][PEP_IPV6][PEP_INGRESS].count > 0;
	return &rules->list[PEP_RULES_POLICY][*ret_ipv6][PEP_INGRESS];
}

/* ---- files */

static uint32_t upper_bits(unsigned int bits, unsigned int word)
{
	unsigned int here = bits > 32 * word ? bits - 32 * word : 0;

	return here >= 32 ? ~0U : here ? ~0U << (32 - here) : 0;
}

static void set_prefix(uint32_t *word, uint8_t *ret_bits, const uint32_t *value, unsigned int bits)
{
	*ret_bits = (uint8_t)bits;
	for (unsigned int i = 0; i < 4; i++)
		word[i] = value[i] & upper_bits(bits, i);
}

static bool read_prefix(char *text, uint32_t *word, uint8_t *bits, bool *ipv6)
{
	char *slash = strchr(text, '/');
	uint32_t raw[4] = { 0 };

	*ipv6 = strchr(text, ':') != NULL;
	if (slash)
		*slash = '\0';
	if (inet_pton(*ipv6 ? AF_INET6 : AF_INET, text, raw) != 1)
		return false;
	for (int i = 0; i < 4; i++)
		raw[i] = ntohl(raw[i]);
	set_prefix(word, bits, raw,
		   slash   ? (unsigned int)strtoul(slash + 1, NULL, 10)
		   : *ipv6 ? 128U
			   : 32U);
	return true;
}

/* Ports mean nothing to other protocols than TCP and UDP here. */
static void set_ports(struct rule *rule, const unsigned int port[4], unsigned int protocol,
		      unsigned int mask)
{
	if (mask) {
		rule->protocol = (uint8_t)protocol;
		rule->flags |= PEP_RULE_PROTOCOL;
	}
	if (mask && protocol != 6 && protocol != 17)
		return;
	rule->sport_low = (uint16_t)port[0];
	rule->sport_high = (uint16_t)port[1];
	rule->dport_low = (uint16_t)port[2];
	rule->dport_high = (uint16_t)port[3];
	if (!mask && port[1] - port[0] + port[3] - port[2] < 2 * 65535)
		rule->flags |= PEP_RULE_PORTS;
}

static bool read_rule(struct rules *rules, const char *line)
{
	char src[TEXT_MAX], dst[TEXT_MAX];
	unsigned int port[4], protocol, mask;
	bool ipv6 = strchr(line, ':') < strchr(line, '/');
	struct rule *rule = add_rule(rules, ipv6);

	if (sscanf(line, "@%127s %127s %u : %u %u : %u %x/%x", src, dst, &port[0], &port[1],
		   &port[2], &port[3], &protocol, &mask) != 8)
		return false;
	set_ports(rule, port, protocol, mask);
	return read_prefix(src, rule->src, &rule->src_bits, &ipv6) &&
	       read_prefix(dst, rule->dst, &rule->dst_bits, &ipv6);
}

static bool read_address(struct rules *rules, char *line)
{
	bool ipv6;
	struct rule *rule = add_rule(rules, strchr(line, ':') != NULL);

	line[strcspn(line, " \t\r\n")] = '\0';
	return read_prefix(line, rule->src, &rule->src_bits, &ipv6);
}

void rule_sets_read(const char *path, struct rules *ret)
{
	char command[512], line[512];
	FILE *input;

	memset(ret, 0, sizeof(*ret));
	snprintf(command, sizeof(command), "gzip -dcf '%s'", path);
	input = popen(command, "r");
	if (!input)
		die("cannot read", path);
	while (fgets(line, sizeof(line), input)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!(line[0] == '@' ? read_rule(ret, line) : read_address(ret, line)))
			die("neither a ClassBench rule nor a prefix", line);
	}
	if (pclose(input) || !ret->count)
		die("cannot read", path);
}

/* ---- made sets */

static void draw_range(uint16_t *low, uint16_t *high)
{
	uint16_t a = (uint16_t)rule_sets_draw(65536), b = (uint16_t)rule_sets_draw(65536);

	*low = a < b ? a : b;
	*high = a < b ? b : a;
}

/* Any to any: both ports from a random range. */
static void make_ports(struct rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rule *rule = add_rule(rules, false);

		rule->flags = PEP_RULE_PORTS;
		draw_range(&rule->sport_low, &rule->sport_high);
		draw_range(&rule->dport_low, &rule->dport_high);
	}
}

static void make_port(struct rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rule *rule = add_rule(rules, false);

		rule->flags = PEP_RULE_PORTS;
		draw_range(&rule->dport_low, &rule->dport_high);
	}
}

/* All pairs of the prefixes of two addresses, the longest first. */
static void make_nested(struct rules *rules, size_t count)
{
	const uint32_t src[4] = { 0x0a010203 }, dst[4] = { 0xc0000201 };

	(void)count;
	for (unsigned int i = 0; i < 33U * 33; i++) {
		struct rule *rule = add_rule(rules, false);

		set_prefix(rule->src, &rule->src_bits, src, 32 - i / 33);
		set_prefix(rule->dst, &rule->dst_bits, dst, 32 - i % 33);
	}
}

/* Short prefixes and random ranges of ports. */
static void make_wide(struct rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint32_t src[4] = { rule_sets_draw(256) << 24 };
		const uint32_t dst[4] = { rule_sets_draw(256) << 24 };
		struct rule *rule = add_rule(rules, false);

		rule->flags = PEP_RULE_PORTS;
		set_prefix(rule->src, &rule->src_bits, src, 1 + rule_sets_draw(8));
		set_prefix(rule->dst, &rule->dst_bits, dst, 1 + rule_sets_draw(8));
		draw_range(&rule->sport_low, &rule->sport_high);
		draw_range(&rule->dport_low, &rule->dport_high);
	}
}

/* Half name only a source, half only a destination. */
static void make_cross(struct rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint32_t address[4] = { rule_sets_draw(1U << 16) << 16 |
					      rule_sets_draw(1U << 16) };
		struct rule *rule = add_rule(rules, false);
		unsigned int bits = 8 + rule_sets_draw(25);

		if (i % 2)
			set_prefix(rule->src, &rule->src_bits, address, bits);
		else
			set_prefix(rule->dst, &rule->dst_bits, address, bits);
		rule->dport_low = rule->dport_high = (uint16_t)rule_sets_draw(1024);
		rule->protocol = 6;
		rule->flags = PEP_RULE_PROTOCOL;
	}
}

static unsigned int blocked_bits(unsigned int longest)
{
	unsigned int kind = rule_sets_draw(100);

	if (kind < 60)
		return longest;
	return kind < 85 ? longest - 8 : longest - 12 + rule_sets_draw(12);
}

/* Sources as lists of bad ones have them: hosts and networks, close together. */
static void make_blocked(struct rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t near = rule_sets_draw(6000);
		const uint32_t address[4] = { (1 + near * 2654435761U % 223) << 24 |
					      (near * 40503U & 0xff) << 16 |
					      rule_sets_draw(65536) };
		struct rule *rule = add_rule(rules, false);

		set_prefix(rule->src, &rule->src_bits, address, blocked_bits(32));
	}
}

static void make_blocked6(struct rules *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint32_t address[4] = { 0x20010000 | rule_sets_draw(4000),
					      rule_sets_draw(65536) << 16 | rule_sets_draw(16) };
		struct rule *rule = add_rule(rules, true);

		set_prefix(rule->src, &rule->src_bits, address, blocked_bits(64));
	}
}

/* The same as entries of one policy. */
static void make_set(struct rules *rules, size_t count)
{
	bool ipv6;
	const struct rule_list *list;

	make_blocked(rules, count);
	list = rule_sets_list(rules, &ipv6);
	for (size_t i = 0; i < count; i++)
		list->rule[i].rank = list->rule[i].slot = 1;
}

static const struct {
	const char *name;
	void (*make)(struct rules *rules, size_t count);
	size_t count;
} made[] = {
	{ "ports_1k", make_ports, 1000 },
	{ "ports_10k", make_ports, 10000 },
	{ "port_10k", make_port, 10000 },
	{ "nested_33x33", make_nested, 1089 },
	{ "wide_1k", make_wide, 1000 },
	{ "wide_10k", make_wide, 10000 },
	{ "cross_10k", make_cross, 10000 },
	{ "blocked_10k", make_blocked, 10000 },
	{ "blocked_100k", make_blocked, 100000 },
	{ "blocked_1m", make_blocked, 1000000 },
	{ "blocked6_100k", make_blocked6, 100000 },
	{ "set_100k", make_set, 100000 },
	{ "set_1m", make_set, 1000000 },
};

const char *rule_sets_name(size_t n)
{
	return n < ARRAY_SIZE(made) ? made[n].name : NULL;
}

bool rule_sets_make(const char *name, struct rules *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		if (strcmp(name, made[i].name))
			continue;
		made[i].make(ret, made[i].count);
		return true;
	}
	return false;
}

/* ---- */

static bool prefix_has(const uint32_t *prefix, unsigned int bits, const uint32_t *address)
{
	for (unsigned int i = 0; i < 4; i++) {
		if ((prefix[i] ^ address[i]) & upper_bits(bits, i))
			return false;
	}
	return true;
}

static bool rule_has(const struct rule *rule, const struct pep_key *key)
{
	uint32_t sport = key->word[PEP_KEY_PORTS] >> 16;
	uint32_t dport = key->word[PEP_KEY_PORTS] & 0xffff;
	uint32_t protocol = key->word[PEP_KEY_PROTOCOL];

	if (sport < rule->sport_low || sport > rule->sport_high || dport < rule->dport_low ||
	    dport > rule->dport_high)
		return false;
	if (rule->flags & PEP_RULE_PROTOCOL && rule->protocol != (protocol & PEP_PROTOCOL_NUMBER))
		return false;
	if (rule->flags & PEP_RULE_PORTS && !(protocol & PEP_PROTOCOL_PORTS))
		return false;
	return prefix_has(rule->src, rule->src_bits, key->word + PEP_KEY_SRC) &&
	       prefix_has(rule->dst, rule->dst_bits, key->word + PEP_KEY_DST);
}

uint32_t rule_sets_search(const struct rule_list *list, const struct pep_key *key, uint32_t dead)
{
	for (size_t i = 0; i < list->count; i++) {
		if (rule_has(&list->rule[i], key) && !(dead && list->rule[i].slot % dead == 1))
			return list->rule[i].rank;
	}
	return UINT32_MAX;
}
