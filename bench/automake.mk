# SPDX-License-Identifier: Apache-2.0

# `make bench`, as root, or `make bench/NAME` for one alone.
bench_programs = \
	bench/classifier \
	bench/generate \
	bench/load \
	bench/packet_cost \
	bench/tree_quality \
	$(END)

bench_scripts = \
	bench/live \
	bench/live_peers.py \
	bench/meter.py \
	bench/plot \
	bench/report \
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
	bench/measured.c \
	bench/measured.h \
	bench/programs.c \
	bench/programs.h \
	bench/trace.c \
	bench/trace.h \
	bench/worst.c \
	bench/worst.h \
	tests/classbench.c \
	tests/classbench.h \
	tests/frame.c \
	tests/frame.h \
	tests/oracle.c \
	tests/oracle.h \
	tests/root/random_policies.c \
	tests/root/random_policies.h \
	$(END)

bench_generate_SOURCES = bench/generate.c
bench_load_SOURCES = bench/load.c

# Programs of their own for the kernel; the classifier in them is bpf/classify.h.
bench_bpf_programs = \
	bench/feed.bpf.c \
	bench/generate.bpf.c \
	bench/lookup.bpf.c \
	$(END)
BENCH_SKELETONS = bench/feed.skel.h bench/generate.skel.h bench/lookup.skel.h

EXTRA_DIST += $(bench_bpf_programs) $(bench_scripts)
CLEANFILES += bench/*.clang.o bench/*.bpf.o bench/*.skel.h bench/*.tmp

bench/programs.$(OBJEXT) bench/generate.$(OBJEXT): $(BENCH_SKELETONS)

bench/feed.bpf.o: bench/feed.bpf.c bench/bench.h $(bpf_headers)
	$(bpf_compile)

bench/generate.bpf.o: bench/generate.bpf.c
	$(bpf_compile)

bench/lookup.bpf.o: bench/lookup.bpf.c bench/bench.h $(bpf_headers)
	$(bpf_compile)

bench/feed.skel.h: bench/feed.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bench/feed.bpf.o name bench_feed >$@.tmp && mv $@.tmp $@

bench/generate.skel.h: bench/generate.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bench/generate.bpf.o name bench_generate >$@.tmp && mv $@.tmp $@

bench/lookup.skel.h: bench/lookup.bpf.o
	$(AM_V_GEN)$(BPFTOOL) gen skeleton bench/lookup.bpf.o name bench_lookup >$@.tmp && mv $@.tmp $@

# All of it, 10 to 12 minutes, in namespaces of its own. Results are of this machine: they
# stay in the build directory, and what fails is left out of the table at the end.
BENCH_SETS = $(srcdir)/tests/data/classbench/*.gz
bench_run = srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) PEPCTL=$(abs_top_builddir)/pepctl \
	$(srcdir)/tests/root/isolate $(srcdir)/bench

bench: all $(bench_programs)
	$(MKDIR_P) bench/results
	rm -f bench/results/*.json bench/results/*.svg
	status=0; \
	bench/classifier --rounds 15 --output bench/results/classifier.json $(BENCH_SETS) || status=1; \
	$(bench_run)/update --output bench/results/update.json || status=1; \
	$(bench_run)/live --output bench/results/live.json || status=1; \
	$(srcdir)/bench/plot bench/results || status=1; \
	echo; $(srcdir)/bench/report bench/results || status=1; \
	exit $$status

clean-local:
	rm -rf bench/results

.PHONY: bench
bench_tree_quality_SOURCES = \
	bench/tree_quality.c \
	tests/rule_sets.c \
	tests/rule_sets.h \
	$(END)
