// SPDX-License-Identifier: Apache-2.0
/*
 * Hostile captures and mutations of them.  Each packet of a capture has the
 * outcome that tests/data/pcap/expected says (PEPCTL_UPDATE_EXPECTED=1 prints
 * what it would be now).  Of the mutations, no IP packet may pass a set that
 * blocks everything, and only TCP to port 80 one that allows nothing else.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "dry_bed.h"
#include "random_policies.h"

#define MUTATIONS 100000
#define FRAME_MOST 2000
#define PACKETS_MOST 2048
#define LINK_ETHERNET 1
#define LINK_SLIP 8
#define LINK_PPP 9
#define LINK_RAW_IPV6 229

#define OUTCOME_NAME(name, verdict, label, text) #name,
static const char *const outcome_names[] = { PEP_OUTCOMES(OUTCOME_NAME) };
#define OUTCOME_VERDICT(name, verdict, label, text) verdict,
static const enum pep_verdict outcome_verdicts[] = { PEP_OUTCOMES(OUTCOME_VERDICT) };

struct frame {
	char name[64]; /* "capture.pcap 3" */
	unsigned char bytes[FRAME_MOST];
	size_t count;
};

static struct frame *frames;
static size_t frame_count;

static const char *data_path(const char *name)
{
	static char path[512];
	const char *srcdir = getenv("srcdir");

	snprintf(path, sizeof(path), "%s/tests/data/pcap/%s", srcdir ? srcdir : ".", name);
	return path;
}

/* ---- captures: libpcap's classic format, in either byte order */

static uint32_t number(const unsigned char *p, bool swapped)
{
	return swapped ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
		       : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Bytes in front of the IP packet on links other than Ethernet. */
static size_t foreign_header(unsigned int link, const unsigned char *data)
{
	if (link == LINK_SLIP)
		return 16;
	if (link == LINK_PPP)
		return data[0] == 0xff ? 4 : 2;
	return 0;
}

/* What is not Ethernet gets an Ethernet header, by its version nibble. */
static void keep_frame(const char *name, unsigned int index, unsigned int link,
		       const unsigned char *data, size_t bytes)
{
	struct frame *f = &frames[frame_count];
	size_t header = link == LINK_ETHERNET ? 0 : 14, skip = foreign_header(link, data);

	data += skip;
	bytes -= skip;
	if (bytes + header > FRAME_MOST)
		bytes = FRAME_MOST - header;
	if (bytes + header < 14 || frame_count == PACKETS_MOST)
		return;
	snprintf(f->name, sizeof(f->name), "%.50s %u", name, index);
	memset(f->bytes, 0, sizeof(f->bytes));
	if (header) {
		bool ipv6 = link == LINK_RAW_IPV6 || (bytes && data[0] >> 4 == 6);

		memcpy(f->bytes + 12, ipv6 ? "\x86\xdd" : "\x08\x00", 2);
	}
	memcpy(f->bytes + header, data, bytes);
	f->count = bytes + header;
	frame_count++;
}

static void read_capture(const char *name)
{
	static unsigned char file[1 << 20];
	FILE *input CLEANUP(cleanup_file) = fopen(data_path(name), "rb");
	size_t size = input ? fread(file, 1, sizeof(file), input) : 0, at = 24;
	bool swapped;

	if (size < 24) {
		fprintf(stderr, "cannot read %s\n", name);
		exit(1);
	}
	swapped = file[0] == 0xa1;
	for (unsigned int index = 1; at + 16 <= size; index++) {
		size_t bytes = number(file + at + 8, swapped);

		at += 16;
		if (at + bytes > size)
			break;
		keep_frame(name, index, number(file + 20, swapped) & 0xffff, file + at, bytes);
		at += bytes;
	}
}

static int is_capture(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && !strcmp(entry->d_name + length - 5, ".pcap");
}

static void read_captures(void)
{
	struct dirent **list;
	int count = scandir(data_path(""), &list, is_capture, alphasort);

	frames = calloc(PACKETS_MOST, sizeof(*frames));
	if (count <= 0 || !frames) {
		fprintf(stderr, "no captures in %s\n", data_path(""));
		exit(1);
	}
	for (int i = 0; i < count; i++) {
		read_capture(list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

/* ---- a second opinion, written apart from the programs' parser */

/* Where the IP header begins; 0: it is not IP as far as up to two tags tell. */
static size_t find_ip(const struct frame *f)
{
	size_t at = 12;

	for (int tags = 0; tags <= 2 && at + 2 <= f->count; tags++, at += 4) {
		unsigned int type = (unsigned int)f->bytes[at] << 8 | f->bytes[at + 1];

		if (type == 0x0800 || type == 0x86dd)
			return at + 2;
		if (type != 0x8100 && type != 0x88a8)
			return 0;
	}
	return 0;
}

/* Whether some header chain leads to TCP with destination port 80. */
static bool is_web(const struct frame *f, size_t ip)
{
	unsigned int next, version = f->bytes[ip] >> 4;
	size_t at;

	if (version == 4) {
		next = f->bytes[ip + 9];
		at = ip + (f->bytes[ip] & 15) * 4U;
		return next == 6 && at + 4 <= f->count && f->bytes[at + 2] == 0 &&
		       f->bytes[at + 3] == 80;
	}
	next = f->bytes[ip + 6];
	at = ip + 40;
	while (at + 8 <= f->count && (next == 0 || next == 43 || next == 60 || next == 44 ||
				      next == 51 || next == 135 || next == 139 || next == 140)) {
		size_t bytes = next == 44   ? 8
			       : next == 51 ? (f->bytes[at + 1] + 2U) * 4
					    : (f->bytes[at + 1] + 1U) * 8;

		next = f->bytes[at];
		at += bytes;
	}
	return next == 6 && at + 4 <= f->count && f->bytes[at + 2] == 0 && f->bytes[at + 3] == 80;
}

/* ---- runs */

static enum pep_outcome run(struct dry_bed *bed, const struct frame *f, unsigned int program)
{
	static const enum datapath_program programs[] = { PROGRAM_XDP_FRAGS, PROGRAM_TC_INGRESS,
							  PROGRAM_XDP };
	struct datapath_packet packet = { .frame = f->bytes,
					  .bytes = f->count,
					  .program = programs[program % 3],
					  .vlan = PEP_VLAN_NONE,
					  .ifindex = DRY_IFINDEX,
					  .time_ns = 1000000000 };
	struct pep_trace trace;

	/* Kernels take no packet for a TC program that is shorter than its IP header. */
	if (datapath_dry_run(bed->datapath, &packet, &trace) == -EINVAL)
		packet.program = PROGRAM_XDP_FRAGS;
	dry_bed_run(bed, &packet, &trace);
	if (trace.outcome >= PEP_OUTCOME_COUNT) {
		fprintf(stderr, "%s: outcome %u\n", f->name, trace.outcome);
		exit(1);
	}
	return (enum pep_outcome)trace.outcome;
}

static void count(struct dry_bed *bed, bool ok, const struct frame *f, const char *what,
		  enum pep_outcome outcome)
{
	bed->passed += ok;
	bed->failed += !ok;
	bed->outcomes[outcome]++;
	if (ok || bed->failed > 20)
		return;
	fprintf(stderr, "%s: %s, outcome %s\n ", f->name, what, outcome_names[outcome]);
	for (size_t i = 0; i < f->count && i < 96; i++)
		fprintf(stderr, " %02x", f->bytes[i]);
	fprintf(stderr, "\n");
}

static void check_expected(struct dry_bed *bed)
{
	FILE *expected CLEANUP(cleanup_file) = fopen(data_path("expected"), "r");
	bool update = getenv("PEPCTL_UPDATE_EXPECTED") != NULL;
	char line[160], want[160];

	for (size_t i = 0; i < frame_count; i++) {
		enum pep_outcome outcome = run(bed, &frames[i], 0);

		snprintf(want, sizeof(want), "%s %s\n", frames[i].name, outcome_names[outcome]);
		if (update)
			fputs(want, stdout);
		else
			count(bed,
			      expected && fgets(line, sizeof(line), expected) &&
				      !strcmp(line, want),
			      &frames[i], "not as expected", outcome);
		for (unsigned int program = 1; program < 3; program++)
			count(bed, run(bed, &frames[i], program) == outcome, &frames[i],
			      "programs differ", outcome);
	}
}

static void mutate(const struct frame *from, struct frame *to)
{
	*to = *from;
	for (uint32_t i = 1 + draw(4); i > 0; i--) {
		size_t at = draw(3) ? draw((uint32_t)(to->count < 64 ? to->count : 64))
				    : draw((uint32_t)to->count);

		switch (draw(4)) {
		case 0:
			to->bytes[at] ^= (unsigned char)(1U << draw(8));
			break;
		case 1:
			to->bytes[at] = (unsigned char)draw(256);
			break;
		case 2:
			to->bytes[at] = (unsigned char)(draw(2) ? 0 : 255);
			break;
		default:
			to->count = 14 + draw((uint32_t)to->count - 13);
		}
	}
}

static void check_mutations(struct dry_bed *bed, bool web)
{
	for (int i = 0; i < MUTATIONS / 2; i++) {
		enum pep_outcome outcome;
		struct frame f;
		size_t ip;

		mutate(&frames[draw((uint32_t)frame_count)], &f);
		ip = find_ip(&f);
		outcome = run(bed, &f, (unsigned int)i);
		count(bed,
		      outcome_verdicts[outcome] == PEP_DROP || !ip ||
			      (web && outcome == PEP_OUTCOME_POLICY_ALLOW && is_web(&f, ip)),
		      &f, "passes", outcome);
	}
}

int main(void)
{
	struct policyset *none = policyset_new();
	struct policyset *all = parse_set("{\"id\":\"all\",\"action\":\"BLOCK\"}", false);
	struct policyset *web =
		parse_set("{\"id\":\"web\",\"action\":\"ALLOW\",\"protocol\":\"tcp\","
			  "\"dst\":{\"port\":80}}",
			  false);
	struct dry_bed bed;

	read_captures();
	dry_bed_open(&bed);
	bed.state = "captures";
	dry_bed_publish(&bed, all, none, false);
	check_expected(&bed);
	check_mutations(&bed, false);
	dry_bed_publish(&bed, web, none, true);
	check_mutations(&bed, true);
	dry_bed_check_still(&bed);
	policyset_put(&none);
	policyset_put(&all);
	policyset_put(&web);
	free(frames);
	return dry_bed_close(&bed);
}
