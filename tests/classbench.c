// SPDX-License-Identifier: Apache-2.0
#include "classbench.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "root/random_policies.h"

#define RULE_TEXT_MAX 512 /* as JSON */
#define PRIORITIES 65536

static void die(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

/* ---- reading */

static bool read_prefix4(const char *text, uint32_t *word, unsigned int *bits)
{
	unsigned int b[4];

	if (sscanf(text, "%u.%u.%u.%u/%u", &b[0], &b[1], &b[2], &b[3], bits) != 5)
		return false;
	word[0] = b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
	return *bits <= 32;
}

static bool read_prefix6(const char *text, uint32_t *word, unsigned int *bits)
{
	char copy[64], *slash;
	uint32_t raw[4];

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (!slash)
		return false;
	*slash = '\0';
	if (inet_pton(AF_INET6, copy, raw) != 1)
		return false;
	for (int i = 0; i < 4; i++)
		word[i] = ntohl(raw[i]);
	*bits = (unsigned int)strtoul(slash + 1, NULL, 10);
	return *bits <= 128;
}

static bool read_rule(const char *line, struct classbench_rule *r)
{
	char src[64], dst[64];

	memset(r, 0, sizeof(*r));
	if (sscanf(line, "@%63s %63s %u : %u %u : %u %x/%x", src, dst, &r->sport_low,
		   &r->sport_high, &r->dport_low, &r->dport_high, &r->protocol,
		   &r->protocol_mask) != 8)
		return false;
	if (r->sport_low > r->sport_high || r->sport_high > 65535 || r->dport_low > r->dport_high ||
	    r->dport_high > 65535)
		return false;
	r->family = strchr(src, ':') ? PEP_IPV6 : PEP_IPV4;
	if (r->family == PEP_IPV4)
		return read_prefix4(src, r->src, &r->src_bits) &&
		       read_prefix4(dst, r->dst, &r->dst_bits);
	if (r->protocol == IPPROTO_ICMP)
		r->protocol = IPPROTO_ICMPV6;
	return read_prefix6(src, r->src, &r->src_bits) && read_prefix6(dst, r->dst, &r->dst_bits);
}

static void add_rule(struct classbench *file, const struct classbench_rule *rule)
{
	if (file->count == file->room) {
		file->room = file->room * 2 + 1024;
		file->rule = realloc(file->rule, file->room * sizeof(*file->rule));
		if (!file->rule)
			die("no memory", "");
	}
	file->rule[file->count++] = *rule;
}

/* The shell gets the path as a variable, whatever characters it is made of. */
static FILE *open_compressed(const char *path, const char *command)
{
	if (setenv("CLASSBENCH", path, 1))
		die("no memory", path);
	return popen(command, "r");
}

static FILE *open_file(const char *path, int (**ret_close)(FILE *file))
{
	const char *end = strrchr(path, '.');

	*ret_close = pclose;
	if (end && !strcmp(end, ".gz"))
		return open_compressed(path, "exec gzip -dc -- \"$CLASSBENCH\"");
	if (end && !strcmp(end, ".xz"))
		return open_compressed(path, "exec xz -dc -- \"$CLASSBENCH\"");
	*ret_close = fclose;
	return fopen(path, "re");
}

void classbench_read(const char *path, struct classbench *ret)
{
	int (*close_file)(FILE * file);
	FILE *input = open_file(path, &close_file);
	struct classbench_rule rule;
	char line[512];

	memset(ret, 0, sizeof(*ret));
	if (!input)
		die("cannot read", path);
	while (fgets(line, sizeof(line), input)) {
		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		if (!read_rule(line, &rule))
			die("not a ClassBench rule", line);
		add_rule(ret, &rule);
	}
	if (close_file(input) || !ret->count)
		die("cannot read", path);
}

void classbench_clear(struct classbench *file)
{
	free(file->rule);
	memset(file, 0, sizeof(*file));
}

/* ---- policies */

/* Ports mean nothing to other protocols than these. */
static bool takes_ports(const struct classbench_rule *r)
{
	return !r->protocol_mask || r->protocol == IPPROTO_TCP || r->protocol == IPPROTO_UDP;
}

static size_t print_endpoint(char *text, const char *name, const uint32_t *word, bool source,
			     const struct classbench_rule *r)
{
	unsigned int low = source ? r->sport_low : r->dport_low;
	unsigned int high = source ? r->sport_high : r->dport_high;
	uint32_t raw[4] = { htonl(word[0]), htonl(word[1]), htonl(word[2]), htonl(word[3]) };
	char address[INET6_ADDRSTRLEN], ports[32] = "";

	inet_ntop(r->family == PEP_IPV4 ? AF_INET : AF_INET6, raw, address, sizeof(address));
	if (takes_ports(r) && (low > 0 || high < 65535))
		snprintf(ports, sizeof(ports), ",\"port\":\"%u-%u\"", low, high);
	return (size_t)snprintf(text, RULE_TEXT_MAX / 2, ",\"%s\":{\"ip\":\"%s/%u\"%s}", name,
				address, source ? r->src_bits : r->dst_bits, ports);
}

static size_t print_policy(char *text, const struct classbench *file, size_t index)
{
	const struct classbench_rule *r = &file->rule[index];
	size_t count = file->count, used;
	size_t priority = count <= PRIORITIES ? index : index * PRIORITIES / count;

	used = (size_t)sprintf(text, "%s{\"id\":\"r%zu\",\"priority\":%zu,\"action\":\"%s\"",
			       index ? "," : "[", index, priority, index % 3 ? "ALLOW" : "BLOCK");
	used += print_endpoint(text + used, "src", r->src, true, r);
	used += print_endpoint(text + used, "dst", r->dst, false, r);
	if (r->protocol_mask)
		used += (size_t)sprintf(text + used, ",\"protocol\":%u", r->protocol);
	text[used++] = '}';
	return used;
}

struct policyset *classbench_policies(const struct classbench *file)
{
	CLEANUP(cleanup_free) char *json = malloc((file->count + 1) * RULE_TEXT_MAX);
	size_t used = 0;

	if (!json)
		die("no memory", "");
	for (size_t i = 0; i < file->count; i++)
		used += print_policy(json + used, file, i);
	memcpy(json + used, "]", 2);
	return parse_set(json, false);
}

/* ---- headers */

/* Below a prefix, a random address. */
static void draw_below(const uint32_t *word, unsigned int bits, unsigned int words, uint32_t *ret)
{
	for (unsigned int i = 0; i < words; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;
		uint32_t fixed = here >= 32 ? ~0U : here ? ~0U << (32 - here) : 0;

		ret[i] = (word[i] & fixed) | ((draw(65536) << 16 | draw(65536)) & ~fixed);
	}
}

static uint16_t draw_port(unsigned int low, unsigned int high)
{
	return (uint16_t)(low + draw(high - low + 1));
}

void classbench_draw(const struct classbench *file, bool anywhere, struct sample *ret)
{
	const struct classbench_rule *r = &file->rule[draw((uint32_t)file->count)];
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ESP, IPPROTO_GRE };
	unsigned int words = r->family == PEP_IPV4 ? 1 : 4;

	memset(ret, 0, sizeof(*ret));
	ret->family = r->family;
	ret->outer_vlan = ret->inner_vlan = PEP_VLAN_NONE;
	ret->ttl = 64;
	draw_below(r->src, anywhere ? 0 : r->src_bits, words, ret->src);
	draw_below(r->dst, anywhere ? 0 : r->dst_bits, words, ret->dst);
	ret->protocol = r->protocol_mask ? (uint8_t)r->protocol : protocols[draw(4)];
	if (ret->protocol == IPPROTO_TCP || ret->protocol == IPPROTO_UDP) {
		ret->sport = draw_port(r->sport_low, r->sport_high);
		ret->dport = draw_port(r->dport_low, r->dport_high);
	}
}
