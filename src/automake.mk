# SPDX-License-Identifier: Apache-2.0

bin_PROGRAMS += pepctl
pepctl_SOURCES = src/main.c
pepctl_LDADD = $(PEP_LIBS)

# What every program is linked with.
PEP_LIBS = libpep.a $(LIBBPF_LIBS) $(LIBNL_LIBS) $(LIBEVENT_LIBS) $(JSON_LIBS) $(SYSTEMD_LIBS)
LDADD = $(PEP_LIBS)

# Everything but main.c. Sorted, one a line.
noinst_LIBRARIES += libpep.a
libpep_a_SOURCES = \
	src/attach.h \
	src/attachment.h \
	src/cleanup.h \
	src/daemon.h \
	src/datapath.h \
	src/event_feed.h \
	src/history.h \
	src/http.h \
	src/image.h \
	src/json.h \
	src/links.h \
	src/log.h \
	src/policy.h \
	src/policy_json.h \
	src/policyset.h \
	src/problem.h \
	src/rules.h \
	src/settings.h \
	src/store.h \
	$(END)

# The objects that include a skeleton, which must be there first.
SKELETON_OBJECTS = src/datapath.$(OBJEXT)
$(SKELETON_OBJECTS): $(SKELETONS)
