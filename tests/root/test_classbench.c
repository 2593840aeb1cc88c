// SPDX-License-Identifier: Apache-2.0
/*
 * ClassBench rule sets as policies: headers aimed at the rules, and random
 * ones, must meet what a linear search finds.  The sets' TCP flags are left
 * out; their order becomes the priority.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cleanup.h"
#include "dry_bed.h"
#include "random_policies.h"

#define HEADERS 4096
#define HEADERS_LARGE 1500 /* of sets above LARGE: the oracle is linear */
#define LARGE 15000
#define RULE_TEXT_MAX 512

struct target {
	uint32_t src[4], dst[4];
	unsigned int src_bits, dst_bits;
	unsigned int sport_low, sport_high, dport_low, dport_high;
	unsigned int protocol, protocol_mask;
	enum pep_family family;
};

struct rule_file {
	struct target *target;
	size_t count, room;
	char *json;
	size_t json_bytes, json_room;
};

static void die(const char *what, const char *text)
{
	fprintf(stderr, "%s: %s\n", what, text);
	exit(1);
}

static bool read_address(const char *text, uint32_t *word, unsigned int *bits,
			 enum pep_family *family)
{
	unsigned int b[8];

	if (sscanf(text, "%u.%u.%u.%u/%u", &b[0], &b[1], &b[2], &b[3], bits) == 5) {
		word[0] = b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
		*family = PEP_IPV4;
		return true;
	}
	return false;
}

static bool read_address6(const char *text, uint32_t *word, unsigned int *bits,
			  enum pep_family *family)
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
	*bits = (unsigned int)atoi(slash + 1);
	*family = PEP_IPV6;
	return true;
}

static bool read_prefix(const char *text, uint32_t *word, unsigned int *bits,
			enum pep_family *family)
{
	return read_address(text, word, bits, family) || read_address6(text, word, bits, family);
}

static bool read_target(const char *line, struct target *t, char src[64], char dst[64])
{
	memset(t, 0, sizeof(*t));
	if (sscanf(line, "@%63s %63s %u : %u %u : %u %x/%x", src, dst, &t->sport_low,
		   &t->sport_high, &t->dport_low, &t->dport_high, &t->protocol,
		   &t->protocol_mask) != 8)
		return false;
	if (!read_prefix(src, t->src, &t->src_bits, &t->family) ||
	    !read_prefix(dst, t->dst, &t->dst_bits, &t->family))
		return false;
	if (t->family == PEP_IPV6 && t->protocol == 1)
		t->protocol = 58;
	return true;
}

static size_t print_ports(char *text, size_t room, unsigned int low, unsigned int high)
{
	if (low == 0 && high == 65535)
		return 0;
	return (size_t)snprintf(text, room, ",\"port\":\"%u-%u\"", low, high);
}

/* Ports mean nothing to other protocols than these. */
static bool takes_ports(const struct target *t)
{
	return !t->protocol_mask || t->protocol == 6 || t->protocol == 17;
}

static void print_policy(struct rule_file *file, const struct target *t, const char *src,
			 const char *dst)
{
	char text[RULE_TEXT_MAX], sport[64] = "", dport[64] = "", protocol[32] = "";
	int length;

	if (takes_ports(t)) {
		print_ports(sport, sizeof(sport), t->sport_low, t->sport_high);
		print_ports(dport, sizeof(dport), t->dport_low, t->dport_high);
	}
	if (t->protocol_mask)
		snprintf(protocol, sizeof(protocol), ",\"protocol\":%u", t->protocol);
	length = snprintf(text, sizeof(text),
			  "%s{\"id\":\"r%zu\",\"priority\":%zu,\"src\":{\"ip\":\"%s\"%s},"
			  "\"dst\":{\"ip\":\"%s\"%s}%s,\"action\":\"%s\"}",
			  file->count ? "," : "[", file->count, file->count, src, sport, dst, dport,
			  protocol, file->count % 3 ? "ALLOW" : "BLOCK");
	if (file->json_bytes + (size_t)length + 2 > file->json_room) {
		file->json_room = file->json_room * 2 + 65536;
		file->json = realloc(file->json, file->json_room);
		if (!file->json)
			die("no memory", "");
	}
	memcpy(file->json + file->json_bytes, text, (size_t)length + 1);
	file->json_bytes += (size_t)length;
}

static void read_rules(const char *path, struct rule_file *file)
{
	char command[512], line[512], src[64], dst[64];
	FILE *input;

	snprintf(command, sizeof(command), "gzip -dc '%s'", path);
	input = popen(command, "r");
	if (!input)
		die("cannot read", path);
	while (fgets(line, sizeof(line), input)) {
		struct target t;

		if (!read_target(line, &t, src, dst))
			die("not a ClassBench rule", line);
		if (file->count == file->room) {
			file->room = file->room * 2 + 1024;
			file->target = realloc(file->target, file->room * sizeof(*file->target));
			if (!file->target)
				die("no memory", "");
		}
		print_policy(file, &t, src, dst);
		file->target[file->count++] = t;
	}
	if (pclose(input) || !file->count)
		die("cannot read", path);
	strcat(file->json, "]");
}

/* Below a prefix, a random address. */
static void draw_below(const uint32_t *word, unsigned int bits, unsigned int words, uint32_t *ret)
{
	for (unsigned int i = 0; i < words; i++) {
		unsigned int here = bits > 32 * i ? bits - 32 * i : 0;
		uint32_t fixed = here >= 32 ? ~0U : here ? ~0U << (32 - here) : 0;

		ret[i] = (word[i] & fixed) | ((draw(65536) << 16 | draw(65536)) & ~fixed);
	}
}

static void draw_header(const struct rule_file *file, struct sample *s)
{
	const struct target *t = &file->target[draw((uint32_t)file->count)];
	unsigned int words = t->family == PEP_IPV4 ? 1 : 4;
	static const uint8_t protocols[] = { 6, 17, 50, 47 };
	bool anywhere = draw(10) == 0;

	memset(s, 0, sizeof(*s));
	s->family = t->family;
	s->interface = "orc0";
	s->outer_vlan = s->inner_vlan = PEP_VLAN_NONE;
	s->ttl = 64;
	draw_below(t->src, anywhere ? 0 : t->src_bits, words, s->src);
	draw_below(t->dst, anywhere ? 0 : t->dst_bits, words, s->dst);
	s->protocol = t->protocol_mask ? (uint8_t)t->protocol : protocols[draw(4)];
	if (s->protocol == 6 || s->protocol == 17) {
		s->sport = (uint16_t)(t->sport_low + draw(t->sport_high - t->sport_low + 1));
		s->dport = (uint16_t)(t->dport_low + draw(t->dport_high - t->dport_low + 1));
	}
}

static void run_file(struct dry_bed *bed, const char *path)
{
	struct rule_file file = { 0 };
	struct policyset *none = policyset_new(), *set;
	struct datapath_figures figures;
	struct oracle *oracle;
	struct sample sample;
	unsigned long before;

	read_rules(path, &file);
	set = parse_set(file.json, false);
	bed->state = path;
	dry_bed_publish(bed, set, none, true);
	datapath_figures(bed->datapath, &figures);
	oracle = oracle_new(set, none, true, 0);
	before = bed->failed;
	for (int i = 0; i < (file.count > LARGE ? HEADERS_LARGE : HEADERS); i++) {
		draw_header(&file, &sample);
		dry_bed_ask(bed, oracle, &sample, i % 2 ? PROGRAM_TC_INGRESS : PROGRAM_XDP_FRAGS);
	}
	printf("%s: %zu rules, image %zu bytes, at most %u compares, built in %" PRIu64
	       " ms, mismatches %lu\n",
	       path, figures.rules, figures.image_bytes, figures.worst_compares,
	       figures.build_ns / 1000000, bed->failed - before);
	oracle_free(oracle);
	policyset_put(&set);
	policyset_put(&none);
	free(file.json);
	free(file.target);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "acl1_1k",	    "acl3_1k",	  "acl5_1k",  "fw1_1k",
					     "fw4_1k",	    "ipc1_1k",	  "acl1_10k", "acl3_10k",
					     "acl5_10k",    "fw1_10k",	  "fw4_10k",  "ipc1_10k",
					     "acl1_v6_10k", "fw1_v6_10k", "ipc1_32k", "fw1_31k",
					     "acl1_44k" };
	const char *srcdir = getenv("srcdir");
	struct dry_bed bed;
	char path[512];

	dry_bed_open(&bed);
	for (int i = 1; i < argc; i++)
		run_file(&bed, argv[i]);
	for (size_t i = 0; i < ARRAY_SIZE(names) && argc == 1; i++) {
		snprintf(path, sizeof(path), "%s/tests/data/classbench/%s.gz",
			 srcdir ? srcdir : ".", names[i]);
		run_file(&bed, path);
	}
	dry_bed_check_still(&bed);
	return dry_bed_close(&bed);
}
