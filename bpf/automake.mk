# SPDX-License-Identifier: Apache-2.0
# clang compiles, bpftool drops what only a debugger needs (BTF stays) and
# makes the skeletons. All products are in the build directory.

SKELETONS = bpf/collect.skel.h bpf/gate.skel.h bpf/tc.skel.h bpf/xdp.skel.h

# Sorted, one a line.
bpf_headers = \
	bpf/account.h \
	bpf/classify.h \
	bpf/context_tc.h \
	bpf/context_xdp.h \
	bpf/cursor.h \
	bpf/event.h \
	bpf/extra.h \
	bpf/flow.h \
	bpf/fragment.h \
	bpf/leaf.h \
	bpf/link.h \
	bpf/maps.h \
	bpf/network.h \
	bpf/packet.h \
	bpf/parse.h \
	bpf/pep.h \
	bpf/pipeline.h \
	bpf/plain.h \
	bpf/ratelimit.h \
	bpf/slot.h \
	bpf/transport.h \
	bpf/verdict.h \
	$(END)

bpf_programs = \
	bpf/collect.bpf.c \
	bpf/gate.bpf.c \
	bpf/tc.bpf.c \
	bpf/xdp.bpf.c \
	$(END)

EXTRA_DIST += $(bpf_headers) $(bpf_programs)
CLEANFILES += bpf/*.clang.o bpf/*.bpf.o bpf/*.skel.h bpf/*.tmp

BPF_COMPILE = $(CLANG) $(BPF_TARGET) $(BPF_WARNINGS) $(LIBBPF_CFLAGS) -I$(top_srcdir)/bpf \
	-fdebug-prefix-map=$(abs_top_srcdir)/= $(BPF_CFLAGS)

bpf/xdp.bpf.o: bpf/xdp.bpf.c $(bpf_headers)
	$(bpf_compile)

bpf/tc.bpf.o: bpf/tc.bpf.c $(bpf_headers)
	$(bpf_compile)

bpf/collect.bpf.o: bpf/collect.bpf.c $(bpf_headers)
	$(bpf_compile)

bpf/collect.skel.h: bpf/collect.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bpf/collect.bpf.o name pep_collect >$@.tmp && mv $@.tmp $@

bpf/gate.bpf.o: bpf/gate.bpf.c
	$(bpf_compile)

bpf/gate.skel.h: bpf/gate.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bpf/gate.bpf.o name pep_gate >$@.tmp && mv $@.tmp $@

bpf/xdp.skel.h: bpf/xdp.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bpf/xdp.bpf.o name pep_xdp >$@.tmp && mv $@.tmp $@

bpf/tc.skel.h: bpf/tc.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bpf/tc.bpf.o name pep_tc >$@.tmp && mv $@.tmp $@

# $@ from its .c, which may be in the source directory.
bpf_compile = $(AM_V_CC)$(MKDIR_P) $(@D) && \
	source=$(@:.o=.c) && test -f $$source || source=$(srcdir)/$$source && \
	$(BPF_COMPILE) -c -o $(@:.bpf.o=.clang.o) $$source && \
	$(BPFTOOL) gen object $@ $(@:.bpf.o=.clang.o)
