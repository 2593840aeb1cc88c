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
	src/address.c \
	src/address.h \
	src/address_math.c \
	src/address_math.h \
	src/address_set.c \
	src/attach.c \
	src/attach.h \
	src/attach_anchor.h \
	src/attach_clsact.c \
	src/attach_device.c \
	src/attach_device.h \
	src/attach_entry.h \
	src/attach_explain.c \
	src/attach_foreign.c \
	src/attach_foreign.h \
	src/attach_link.c \
	src/attach_order.c \
	src/attach_tcx.c \
	src/attach_tcx.h \
	src/attach_xdp.c \
	src/attachment.h \
	src/cleanup.h \
	src/client.c \
	src/client.h \
	src/client_add.c \
	src/client_apply.c \
	src/client_backup.c \
	src/client_backup.h \
	src/client_check.c \
	src/client_command.h \
	src/client_delete.c \
	src/client_describe.c \
	src/client_describe.h \
	src/client_diff.c \
	src/client_endpoint.c \
	src/client_endpoint.h \
	src/client_events.c \
	src/client_file.c \
	src/client_file.h \
	src/client_help.c \
	src/client_help.h \
	src/client_http.c \
	src/client_http.h \
	src/client_input.c \
	src/client_input.h \
	src/client_json.c \
	src/client_json.h \
	src/client_list.c \
	src/client_match.c \
	src/client_match.h \
	src/client_request.c \
	src/client_request.h \
	src/client_sse.c \
	src/client_sse.h \
	src/client_text.c \
	src/client_text.h \
	src/client_write.c \
	src/client_write.h \
	src/daemon.h \
	src/datapath.h \
	src/directories.h \
	src/event_feed.h \
	src/heap.h \
	src/history.h \
	src/http.h \
	src/image.h \
	src/json.c \
	src/json.h \
	src/json_cleanup.h \
	src/json_pointer.c \
	src/json_pointer.h \
	src/json_scan.c \
	src/json_scan.h \
	src/json_string.c \
	src/json_string.h \
	src/links.c \
	src/links.h \
	src/lint.c \
	src/lint.h \
	src/log.c \
	src/log.h \
	src/log_line.c \
	src/log_line.h \
	src/number.c \
	src/number.h \
	src/policy.c \
	src/policy.h \
	src/policy_check.c \
	src/policy_field.c \
	src/policy_field.h \
	src/policy_field_address.c \
	src/policy_field_choice.c \
	src/policy_field_limit.c \
	src/policy_field_name.c \
	src/policy_field_number.c \
	src/policy_field_protocol.c \
	src/policy_json.c \
	src/policy_json.h \
	src/policy_list.c \
	src/policy_order.c \
	src/policy_order.h \
	src/policy_read.h \
	src/policy_value.c \
	src/policy_value.h \
	src/policyset.c \
	src/policyset.h \
	src/problem.c \
	src/problem.h \
	src/protocol.c \
	src/protocol.h \
	src/reason.c \
	src/reason.h \
	src/rtnetlink.c \
	src/rtnetlink.h \
	src/rules.h \
	src/settings.c \
	src/settings.h \
	src/settings_failsafe.c \
	src/settings_key.c \
	src/settings_key.h \
	src/settings_kind.c \
	src/settings_kind.h \
	src/settings_list.c \
	src/settings_listen.c \
	src/settings_parse.c \
	src/settings_policies.c \
	src/settings_print.c \
	src/store.h \
	src/suggest.c \
	src/suggest.h \
	src/tc_filters.c \
	src/tc_filters.h \
	src/timestamp.c \
	src/timestamp.h \
	src/units.c \
	src/units.h \
	src/words.c \
	src/words.h \
	$(END)

# The objects that include a skeleton, which must be there first.
SKELETON_OBJECTS = src/datapath_load.$(OBJEXT) src/datapath_maps.$(OBJEXT)
$(SKELETON_OBJECTS): $(SKELETONS)
