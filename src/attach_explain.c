/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an errno and the kernel's words to what it means and what cures it.  The
 * same dozen of causes fills the peers' issue trackers; each is one row here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach_anchor.h"
#include "cleanup.h"

/* One cause. In the sentence @ stands for the interface. */
struct cause {
	int error; /* 0: any */
	const struct attach_mechanism *mechanism; /* NULL: any */
	const char *words; /* that the kernel's contain, whatever their case; NULL: any */
	const char *sentence;
};

/* The first row that applies: narrow ones before wide ones. */
static const struct cause causes[] = {
	{ EPERM, NULL, NULL,
	  "not permitted: it takes the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, which "
	  "the unit gives: `systemctl restart pepctl`" },
	{ ENODEV, NULL, NULL, "@ is gone" },
	{ ENOLINK, NULL, NULL,
	  "the kernel reported success, but the program is not in force on @" },
	{ EMFILE, NULL, NULL,
	  "too many open files: raise LimitNOFILE= of the service, `systemctl edit pepctl`" },
	{ ENFILE, NULL, NULL,
	  "the system has too many open files: `sysctl -w fs.file-max=N` with a larger N" },

	{ EBUSY, &attach_xdp, NULL,
	  "another XDP program holds @, and is left alone: see `ip -d link show dev @`" },
	{ EEXIST, &attach_xdp, NULL,
	  "another XDP program holds @ in the other mode, and is left alone: see "
	  "`ip -d link show dev @`" },
	{ 0, &attach_xdp, "lro", "@ merges packets (LRO): `ethtool -K @ lro off`" },
	{ 0, &attach_xdp, "gro_hw", "@ merges packets in hardware: `ethtool -K @ rx-gro-hw off`" },
	{ 0, &attach_xdp, "csum", "@ leaves checksums to the receiver: `ethtool -K @ rx off`" },
	{ 0, &attach_xdp, "peer mtu",
	  "the MTU of the other end of @ is too large for XDP: lower it there, with "
	  "`ip link set dev PEER mtu 3498` or less" },
	{ 0, &attach_xdp, "mtu",
	  "the MTU of @ is too large for XDP: `ip link set dev @ mtu 1500`, or a driver that "
	  "takes XDP in fragments" },
	{ 0, &attach_xdp, "too large",
	  "the MTU of @ is too large for XDP: `ip link set dev @ mtu 1500`" },
	{ 0, &attach_xdp, "peer tx queues",
	  "the other end of @ sends by more queues than @ has receive queues: `ethtool -L @ rx "
	  "N` for more here, or there `ethtool -L PEER tx 1`" },
	{ 0, &attach_xdp, "queue",
	  "@ has too few queues for XDP beside those in use: `ethtool -l @` shows them, "
	  "`ethtool -L @ combined N` sets fewer" },
	{ 0, &attach_xdp, "ring",
	  "@ has too few transmit rings left for XDP: `ethtool -l @` shows them, "
	  "`ethtool -L @ combined N` sets fewer (half of the maximum is often right)" },
	{ 0, &attach_xdp, "channel",
	  "@ uses too many channels for XDP: `ethtool -L @ combined N` with half of the maximum "
	  "that `ethtool -l @` shows" },
	{ 0, &attach_xdp, "slave device",
	  "a member of @ takes no XDP: name the members that do instead of @, or use TC" },
	{ ERANGE, &attach_xdp, NULL,
	  "the MTU of @ or of its peer is too large for XDP: `ip link set dev @ mtu 1500`" },
	{ EOPNOTSUPP, &attach_xdp, NULL, "the driver of @ does not take XDP in this mode" },
	{ EINVAL, &attach_xdp, NULL,
	  "the driver of @ refuses XDP as it is set up, most often for its MTU: "
	  "`ip link set dev @ mtu 1500`" },
	{ ENOMEM, &attach_xdp, NULL,
	  "the driver of @ has no memory or no rings left for XDP: `ethtool -L @ combined N` "
	  "with fewer" },
	{ ENOSPC, &attach_xdp, NULL,
	  "@ has too few queues for XDP: `ethtool -l @` shows them; a veth needs as many receive "
	  "queues as its peer has transmit queues" },

	{ EOPNOTSUPP, &attach_tcx, NULL, "this kernel has no TCX, clsact takes its place" },
	{ ERANGE, &attach_tcx, NULL,
	  "the chain of TCX programs of @ is full: see `bpftool net show dev @`" },
	{ EBUSY, &attach_clsact, NULL,
	  "the qdisc at the hook of @ is somebody else's, and is left alone: "
	  "`tc qdisc show dev @`" },
	{ EEXIST, &attach_clsact, NULL,
	  "somebody took the priority meanwhile: `tc filter show dev @ ingress`" },
	{ ENOENT, &attach_clsact, NULL, "the kernel lacks the BPF classifier: `modprobe cls_bpf`" },
	{ EOPNOTSUPP, &attach_clsact, NULL,
	  "the kernel lacks the clsact qdisc or the BPF classifier: `modprobe sch_ingress "
	  "cls_bpf`" },
	{ ENOSPC, &attach_clsact, NULL, "no priority is free: `tc filter show dev @ ingress`" },
};

static bool cause_applies(const struct cause *cause, int error,
			  const struct attach_mechanism *mechanism, const char *words)
{
	return (!cause->error || cause->error == error) &&
	       (!cause->mechanism || cause->mechanism == mechanism) &&
	       (!cause->words || (words && strcasestr(words, cause->words)));
}

static const char *find_sentence(int error, const struct attach_mechanism *mechanism,
				 const char *words)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(causes); i++)
		if (cause_applies(&causes[i], error, mechanism, words))
			return causes[i].sentence;
	return strerror(error);
}

char *attach_explain(int error, const struct attach_mechanism *mechanism, const char *interface,
		     const char *words)
{
	const char *at = find_sentence(-error, mechanism, words);
	CLEANUP(cleanup_file) FILE *stream = NULL;
	char *text = NULL;
	size_t bytes;

	stream = open_memstream(&text, &bytes);
	if (!stream)
		return NULL;
	for (; *at; at++) {
		if (*at == '@')
			fputs(interface, stream);
		else
			fputc(*at, stream);
	}
	if (words)
		fprintf(stream, " (%s)", words);
	if (fclose(TAKE_PTR(stream))) {
		free(text);
		return NULL;
	}
	return text;
}
