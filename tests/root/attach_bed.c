/* SPDX-License-Identifier: Apache-2.0 */
#include "attach_bed.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "attach_anchor.h"
#include "attach_tcx.h"
#include "cleanup.h"
#include "datapath_interfaces.h"
#include "tc_filters.h"

#define ETHERTYPE_EXPERIMENT 0x88b5
#define FRAME_BYTES 60
#define MARKER_AT 14
#define TC_NEXT (-1)
#define TCX_INGRESS 46
#define TCX_FIRST (1U << 3)

struct bed bed;

const struct bed_way bed_ways[BED_WAYS] = {
	{ ATTACH_NATIVE, false, "native", "xdp" },
	{ ATTACH_TC, false, "tc", "tcx" },
	{ ATTACH_TC, true, "tc", "clsact" },
	{ ATTACH_GENERIC, false, "generic", "xdp" },
};

/* ---- the datapath's place */

int datapath_program(struct datapath *datapath, enum datapath_program program, char **ret_detail)
{
	if (datapath->fd[program] < 0)
		*ret_detail = strdup("the test gave no program");
	return datapath->fd[program];
}

int datapath_interface_add(struct datapath *datapath, uint32_t ifindex, const char *name, bool l3)
{
	size_t i;

	(void)name;
	(void)l3;
	for (i = 0; i < ARRAY_SIZE(datapath->known); i++)
		if (!datapath->known[i] || datapath->known[i] == ifindex) {
			datapath->known[i] = ifindex;
			return 0;
		}
	return -ENOSPC;
}

void datapath_interface_remove(struct datapath *datapath, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(datapath->known); i++)
		if (datapath->known[i] == ifindex)
			datapath->known[i] = 0;
}

/* ---- programs, instruction by instruction */

#define INSN(op, d, s, o, i)                                                                       \
	{                                                                                          \
		.code = (op), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)               \
	}

static int load(unsigned int type, const char *name, const struct bpf_insn *code, size_t count,
		unsigned int flags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = flags);
	int fd = bpf_prog_load(type, name, "GPL", code, count, &options);

	ck_assert_msg(fd >= 0, "load %s: %s", name, strerror(errno));
	return fd;
}

/* Drops frames whose byte at MARKER_AT says so. */
static int load_marked(bool xdp, const char *name, unsigned int flags)
{
	const int data = xdp ? offsetof(struct xdp_md, data) : offsetof(struct __sk_buff, data);
	const int end = xdp ? offsetof(struct xdp_md, data_end)
			    : offsetof(struct __sk_buff, data_end);
	const struct bpf_insn code[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1, data, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_3, BPF_REG_1, end, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, xdp ? XDP_PASS : TC_NEXT),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_4, BPF_REG_2, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_4, 0, 0, MARKER_AT + 1),
		INSN(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_4, BPF_REG_3, 3, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_B, BPF_REG_5, BPF_REG_2, MARKER_AT, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_5, 0, 1, BED_DROP),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, xdp ? XDP_DROP : TC_ACT_SHOT),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load(xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, name, code, ARRAY_SIZE(code),
		    flags);
}

void bed_load_programs(void)
{
	size_t i;

	for (i = 0; i < PROGRAMS; i++)
		cleanup_fd(&bed.datapath.fd[i]);
	bed.datapath.fd[PROGRAM_XDP_FRAGS] = load_marked(true, "pep_xdp", BPF_F_XDP_HAS_FRAGS);
	bed.datapath.fd[PROGRAM_XDP] = load_marked(true, "pep_xdp", 0);
	bed.datapath.fd[PROGRAM_TC_INGRESS] = load_marked(false, "pep_tc_ingress", 0);
	bed.datapath.fd[PROGRAM_TC_EGRESS] = load_marked(false, "pep_tc_egress", 0);
}

struct bed_foreign bed_foreign_load(unsigned int type, const char *name, int verdict)
{
	struct bed_foreign foreign = { .link_fd = -1 };
	struct bpf_prog_info info = { 0 };
	uint32_t bytes = sizeof(info);

	foreign.map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "seen", 4, 8, 1, NULL);
	ck_assert_int_ge(foreign.map_fd, 0);
	const struct bpf_insn code[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4),
		INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, foreign.map_fd),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 2, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, verdict),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	foreign.program_fd = load(type, name, code, ARRAY_SIZE(code), 0);
	ck_assert_int_eq(bpf_obj_get_info_by_fd(foreign.program_fd, &info, &bytes), 0);
	foreign.program_id = info.id;
	return foreign;
}

uint64_t bed_foreign_seen(const struct bed_foreign *foreign)
{
	const uint32_t key = 0;
	uint64_t seen = 0;

	ck_assert_int_eq(bpf_map_lookup_elem(foreign->map_fd, &key, &seen), 0);
	return seen;
}

void bed_foreign_tcx(struct bed_foreign *foreign, bool egress, bool first)
{
	/* As in attach_tcx.c: BPF_LINK_CREATE with the member tcx. */
	struct {
		uint32_t program_fd, ifindex, type, flags, relative, reserved;
		uint64_t revision;
	} attr = { .program_fd = (uint32_t)foreign->program_fd, .ifindex = bed.link.ifindex };

	attr.type = TCX_INGRESS + egress;
	attr.flags = first ? TCX_FIRST : 0;
	foreign->link_fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	ck_assert_msg(foreign->link_fd >= 0, "foreign TCX: %s", strerror(errno));
}

void bed_foreign_filter(struct bed_foreign *foreign, uint32_t priority)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)bed.link.ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = foreign->program_fd, .priority = priority,
		    .handle = 1);

	ck_assert_int_eq(bpf_tc_attach(&hook, &options), 0);
}

const struct attach_foreign *bed_foreign_listed(const struct attachment *attachment,
						uint32_t program_id)
{
	size_t i;

	for (i = 0; i < attachment->foreign_count; i++)
		if (attachment->foreign[i].program_id == program_id)
			return &attachment->foreign[i];
	return NULL;
}

size_t bed_filters(void)
{
	CLEANUP(cleanup_free) struct tc_filter *filters = NULL;
	size_t seen = 0;
	size_t count;
	size_t i;

	ck_assert_int_eq(tc_filters_list(bed.link.ifindex, false, &filters, &count), 0);
	for (i = 0; i < count; i++)
		seen += filters[i].handle != 0;
	return seen;
}

/* ---- frames */

bool bed_try_send(uint8_t marker)
{
	/* To all, from 02:00:00:00:00:01. */
	uint8_t frame[FRAME_BYTES] = "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x88\xb5";
	const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)bed.peer };

	frame[MARKER_AT] = marker;
	return sendto(bed.sender, frame, sizeof(frame), 0, (const void *)&to, sizeof(to)) ==
	       sizeof(frame);
}

void bed_send(uint8_t marker)
{
	ck_assert(bed_try_send(marker));
}

uint8_t bed_receive(void)
{
	struct pollfd ready = { .fd = bed.receiver, .events = POLLIN };
	uint8_t frame[FRAME_BYTES];

	if (poll(&ready, 1, 2000) != 1)
		return 0;
	ck_assert_int_ge(recv(bed.receiver, frame, sizeof(frame), 0), MARKER_AT + 1);
	return frame[MARKER_AT];
}

/* One CPU and one queue keep the order: what did not come before the second frame is lost. */
bool bed_passes(uint8_t marker)
{
	uint8_t seen;
	bool passed = false;

	bed_send(marker);
	bed_send('.');
	while ((seen = bed_receive()) != '.') {
		ck_assert_msg(seen != 0, "nothing gets through at all");
		passed |= seen == marker;
	}
	return passed;
}

void bed_expect_enforced(void)
{
	ck_assert(!bed_passes(BED_DROP));
	ck_assert(bed_passes(BED_PASS));
}

/* A socket bound to the interface sees what is left after XDP and TC. */
static int open_receiver(uint32_t ifindex)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_EXPERIMENT),
		.sll_ifindex = (int)ifindex,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const void *)&at, sizeof(at)), 0);
	return fd;
}

/* ---- the bed itself */

void bed_run(const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	ck_assert_msg(system(command) == 0, "%s", command);
}

static int keep_quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

void bed_open(void)
{
	memset(&bed, 0, sizeof(bed));
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	stay_on_one_cpu();
	libbpf_set_print(keep_quiet);
	bed_run("ip link add pepa type veth peer name pepb");
	bed_run("ip link set pepa up addrgenmode none && ip link set pepb up addrgenmode none");
	bed.link = (struct link){ .ifindex = if_nametoindex("pepa"),
				  .name = "pepa",
				  .kind = "veth",
				  .mtu = 1500,
				  .up = true };
	bed.peer = if_nametoindex("pepb");
	memset(bed.datapath.fd, -1, sizeof(bed.datapath.fd));
	bed_load_programs();
	bed.attachments = attachments_new(&bed.datapath);
	ck_assert_ptr_nonnull(bed.attachments);
	bed.sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(bed.sender, 0);
	bed.receiver = open_receiver(bed.link.ifindex);
}

void bed_close(void)
{
	size_t i;

	if (bed.attachments)
		attach_detach_all(bed.attachments);
	attachments_free(&bed.attachments);
	for (i = 0; i < PROGRAMS; i++)
		cleanup_fd(&bed.datapath.fd[i]);
	cleanup_fd(&bed.sender);
	cleanup_fd(&bed.receiver);
}

const struct attachment *bed_attach_as(const struct attach_wanted *wanted, int expected)
{
	const struct attachment *attachment;
	int err = attach_interface(bed.attachments, &bed.link, wanted);

	attachment = attachments_find(bed.attachments, bed.link.ifindex);
	ck_assert_ptr_nonnull(attachment);
	ck_assert_msg(err == expected, "attaching gave %d (%s)", err,
		      attachment->refused ? attachment->refused : "");
	return attachment;
}

const struct attachment *bed_attach(enum attach_mode mode, int expected)
{
	const struct attach_wanted wanted = { .mode = mode };

	return bed_attach_as(&wanted, expected);
}

bool bed_has_tcx(void)
{
	uint32_t ids[TCX_PROGRAMS];
	size_t count;

	return !tcx_query(bed.link.ifindex, false, ids, &count);
}

bool bed_way_is_clsact(int way)
{
	return bed_ways[way].mode == ATTACH_TC && (bed_ways[way].without_tcx || !bed_has_tcx());
}

const struct attachment *bed_attach_way(int way)
{
	const char *mechanism = bed_way_is_clsact(way) ? "clsact" : bed_ways[way].mechanism;
	const struct attachment *attachment;

	if (bed_ways[way].without_tcx)
		attach_without_tcx(bed.attachments);
	attachment = bed_attach(bed_ways[way].mode, 0);
	ck_assert_str_eq(attachment->mode, bed_ways[way].shown);
	ck_assert_str_eq(attachment->mechanism, mechanism);
	return attachment;
}
