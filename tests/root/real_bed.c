// SPDX-License-Identifier: Apache-2.0
#include "real_bed.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath_interfaces.h"
#include "random_policies.h"

#define TC_SHOT 2

void real_bed_check(struct dry_bed *bed, bool ok, const char *what)
{
	bed->passed += ok;
	bed->failed += !ok;
	if (!ok)
		fprintf(stderr, "FAILED: %s: %s\n", what, bed->state);
}

bool real_bed_run(struct dry_bed *bed, const void *frame, size_t bytes, struct __sk_buff *skb)
{
	enum datapath_program program = skb ? PROGRAM_TC_INGRESS : PROGRAM_XDP_FRAGS;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)bytes,
		    .ctx_in = skb, .ctx_size_in = skb ? sizeof(*skb) : 0, .repeat = 1);
	int fd = datapath_program(bed->datapath, program, NULL);

	if (fd < 0 || bpf_prog_test_run_opts(fd, &options)) {
		fprintf(stderr, "cannot run: %s\n", strerror(errno));
		exit(1);
	}
	return options.retval == (skb ? TC_SHOT : XDP_DROP);
}

bool real_bed_drops(struct dry_bed *bed, struct sample *sample)
{
	unsigned char frame[FRAME_BYTES_MAX];

	return real_bed_run(bed, frame, frame_build(sample, false, frame), NULL);
}

struct sample real_bed_udp(uint16_t dport)
{
	struct sample s = { .interface = "lo",
			    .outer_vlan = PEP_VLAN_NONE,
			    .inner_vlan = PEP_VLAN_NONE,
			    .src = { 0x0a010203 },
			    .dst = { 0x0a010204 },
			    .protocol = 17,
			    .sport = 1000,
			    .dport = dport,
			    .ttl = 64,
			    .payload = 92 };

	return s;
}

void real_bed_publish(struct dry_bed *bed, const char *json)
{
	struct policyset *set = parse_set(json, false), *none = policyset_new();

	bed->state = json;
	dry_bed_publish(bed, set, none, false);
	policyset_put(&set);
	policyset_put(&none);
}

void real_bed_open(struct dry_bed *bed)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	dry_bed_open(bed);
	if (datapath_interface_add(bed->datapath, LOOPBACK, "lo", false)) {
		fprintf(stderr, "no interface\n");
		exit(1);
	}
}
