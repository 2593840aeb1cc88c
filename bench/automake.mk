# SPDX-License-Identifier: Apache-2.0

# `make bench/packet_cost`, to be run as root.
EXTRA_PROGRAMS += bench/packet_cost
CLEANFILES += bench/packet_cost
bench_packet_cost_SOURCES = \
	bench/packet_cost.c \
	tests/frame.c \
	tests/frame.h \
	tests/oracle.h \
	tests/root/random_policies.c \
	tests/root/random_policies.h \
	$(END)
