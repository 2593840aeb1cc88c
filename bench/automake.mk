# SPDX-License-Identifier: Apache-2.0

# `make bench/NAME`, to be run as root.
bench_programs = \
	bench/classifier \
	bench/packet_cost \
	$(END)

bench_scripts = \
	bench/update \
	$(END)

EXTRA_PROGRAMS += $(bench_programs)
CLEANFILES += $(bench_programs)

bench_packet_cost_SOURCES = \
	bench/packet_cost.c \
	tests/frame.c \
	tests/frame.h \
	tests/oracle.h \
	tests/root/random_policies.c \
	tests/root/random_policies.h \
	$(END)

bench_classifier_SOURCES = \
	bench/bed.c \
	bench/bed.h \
	bench/bench.h \
	bench/classifier.c \
	bench/figures.c \
	bench/figures.h \
	bench/programs.c \
	bench/programs.h \
	bench/trace.c \
	bench/trace.h \
	tests/classbench.c \
	tests/classbench.h \
	tests/frame.c \
	tests/frame.h \
	tests/oracle.c \
	tests/oracle.h \
	tests/root/random_policies.c \
	tests/root/random_policies.h \
	$(END)

# Programs of their own for the kernel; the classifier in them is bpf/classify.h.
bench_bpf_programs = \
	bench/feed.bpf.c \
	bench/lookup.bpf.c \
	$(END)
BENCH_SKELETONS = bench/feed.skel.h bench/lookup.skel.h

EXTRA_DIST += $(bench_bpf_programs) $(bench_scripts)
CLEANFILES += bench/*.clang.o bench/*.bpf.o bench/*.skel.h bench/*.tmp

bench/programs.$(OBJEXT): $(BENCH_SKELETONS)

bench/feed.bpf.o: bench/feed.bpf.c bench/bench.h $(bpf_headers)
	$(bpf_compile)

bench/lookup.bpf.o: bench/lookup.bpf.c bench/bench.h $(bpf_headers)
	$(bpf_compile)

bench/feed.skel.h: bench/feed.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bench/feed.bpf.o name bench_feed >$@.tmp && mv $@.tmp $@

bench/lookup.skel.h: bench/lookup.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bench/lookup.bpf.o name bench_lookup >$@.tmp && mv $@.tmp $@
