# SPDX-License-Identifier: Apache-2.0

# `make check`: tests/test_X.c is about src/X.c; no privilege, no network.
# Sorted, one a line.
unit_tests = \
	tests/test_address \
	tests/test_address_set \
	tests/test_address_set_text \
	tests/test_attach_explain \
	tests/test_audit \
	tests/test_change \
	tests/test_client \
	tests/test_client_add \
	tests/test_client_check \
	tests/test_client_complete \
	tests/test_client_http \
	tests/test_client_pcap \
	tests/test_client_set \
	tests/test_client_text \
	tests/test_client_write \
	tests/test_commits \
	tests/test_confine \
	tests/test_daemon_start \
	tests/test_datapath_base \
	tests/test_deadlines \
	tests/test_doctor \
	tests/test_documents \
	tests/test_expiry \
	tests/test_findings \
	tests/test_history \
	tests/test_http_access \
	tests/test_http_connection \
	tests/test_http_listener \
	tests/test_http_query \
	tests/test_image \
	tests/test_interfaces_choice \
	tests/test_interfaces_watch \
	tests/test_json \
	tests/test_lint \
	tests/test_log \
	tests/test_merge_patch \
	tests/test_metrics_text \
	tests/test_notify \
	tests/test_number \
	tests/test_pending \
	tests/test_policy \
	tests/test_policy_cursor \
	tests/test_policy_document \
	tests/test_policy_json \
	tests/test_policy_round_trip \
	tests/test_policy_sets \
	tests/test_policy_view \
	tests/test_policyset \
	tests/test_probe \
	tests/test_problem_document \
	tests/test_reload \
	tests/test_route \
	tests/test_rules \
	tests/test_set_change \
	tests/test_settings \
	tests/test_settings_parse \
	tests/test_settings_policies \
	tests/test_settings_sets \
	tests/test_store \
	tests/test_store_faults \
	tests/test_store_load \
	tests/test_store_pending \
	tests/test_store_set \
	tests/test_timestamp \
	tests/test_token \
	tests/test_tree \
	tests/test_units \
	tests/test_vlan_policies \
	tests/test_words \
	$(END)

# The same, of scripts.
client_server = tests/client_server.c tests/client_server.h
client_session = $(client_server) tests/client_session.c tests/client_session.h
tests_test_client_SOURCES = tests/test_client.c $(client_session)
tests_test_client_add_SOURCES = tests/test_client_add.c $(client_session)
tests_test_client_check_SOURCES = tests/test_client_check.c $(client_session)
tests_test_client_complete_SOURCES = tests/test_client_complete.c $(client_session)
tests_test_client_http_SOURCES = tests/test_client_http.c $(client_server)
tests_test_findings_SOURCES = tests/test_findings.c tests/findings_bed.c tests/findings_bed.h \
	tests/oracle.c tests/oracle.h \
	tests/root/random_policies.c tests/root/random_policies.h \
	tests/root/random_samples.c tests/root/random_samples.h $(policy_text)
tests_test_client_pcap_SOURCES = tests/test_client_pcap.c $(policy_text)
tests_test_client_set_SOURCES = tests/test_client_set.c $(client_session)
tests_test_client_write_SOURCES = tests/test_client_write.c $(client_session)

stubs = tests/stubs.c tests/stubs.h tests/stubs_store.c
tests_test_audit_SOURCES = tests/test_audit.c $(stubs)
tests_test_change_SOURCES = tests/test_change.c $(stubs)
tests_test_commits_SOURCES = tests/test_commits.c $(stubs)
tests_test_datapath_base_SOURCES = tests/test_datapath_base.c $(policy_text)
tests_test_confine_SOURCES = tests/test_confine.c $(policy_text)
tests_test_daemon_start_SOURCES = tests/test_daemon_start.c $(stubs)
tests_test_expiry_SOURCES = tests/test_expiry.c $(stubs) \
	tests/set_text.c tests/set_text.h
tests_test_history_SOURCES = tests/test_history.c $(stubs)
tests_test_interfaces_watch_SOURCES = tests/test_interfaces_watch.c $(stubs) $(policy_text)
tests_test_pending_SOURCES = tests/test_pending.c $(stubs)
tests_test_reload_SOURCES = tests/test_reload.c $(stubs)
tests_test_set_change_SOURCES = tests/test_set_change.c $(stubs) \
	tests/set_text.c tests/set_text.h

# Tests that make policies of JSON text.
policy_text = tests/policy_text.c tests/policy_text.h
set_text = tests/set_text.c tests/set_text.h
tests_test_address_SOURCES = tests/test_address.c $(policy_text)
tests_test_address_set_SOURCES = tests/test_address_set.c $(policy_text) $(set_text)
tests_test_address_set_text_SOURCES = tests/test_address_set_text.c $(policy_text) $(set_text)
tests_test_http_access_SOURCES = tests/test_http_access.c $(policy_text)
tests_test_http_connection_SOURCES = tests/test_http_connection.c $(policy_text)
tests_test_http_listener_SOURCES = tests/test_http_listener.c $(policy_text)
tests_test_http_query_SOURCES = tests/test_http_query.c $(policy_text)
tests_test_merge_patch_SOURCES = tests/test_merge_patch.c $(policy_text)
tests_test_metrics_text_SOURCES = tests/test_metrics_text.c $(policy_text)
tests_test_policy_sets_SOURCES = tests/test_policy_sets.c $(policy_text) $(set_text)
tests_test_policy_cursor_SOURCES = tests/test_policy_cursor.c $(policy_text)
tests_test_vlan_policies_SOURCES = tests/test_vlan_policies.c $(stubs) $(policy_text)
tests_test_policy_view_SOURCES = tests/test_policy_view.c $(policy_text)
tests_test_probe_SOURCES = tests/test_probe.c $(policy_text)
tests_test_problem_document_SOURCES = tests/test_problem_document.c $(policy_text)
tests_test_route_SOURCES = tests/test_route.c $(policy_text)
tests_test_documents_SOURCES = tests/test_documents.c $(policy_text)
tests_test_json_SOURCES = tests/test_json.c $(policy_text)
tests_test_number_SOURCES = tests/test_number.c $(policy_text)
tests_test_policy_SOURCES = tests/test_policy.c $(policy_text)
tests_test_deadlines_SOURCES = tests/test_deadlines.c $(policy_text)
tests_test_policy_document_SOURCES = tests/test_policy_document.c $(policy_text)
tests_test_policy_json_SOURCES = tests/test_policy_json.c $(policy_text)
tests_test_policy_round_trip_SOURCES = tests/test_policy_round_trip.c $(policy_text)
tests_test_policyset_SOURCES = tests/test_policyset.c $(policy_text)
tests_test_image_SOURCES = tests/test_image.c $(policy_text)
tests_test_rules_SOURCES = tests/test_rules.c $(policy_text)
tests_test_timestamp_SOURCES = tests/test_timestamp.c $(policy_text)
tests_test_token_SOURCES = tests/test_token.c $(policy_text)
tests_test_tree_SOURCES = tests/test_tree.c tests/rule_sets.c tests/rule_sets.h $(policy_text)
tests_test_units_SOURCES = tests/test_units.c $(policy_text)
tests_test_words_SOURCES = tests/test_words.c $(policy_text)

settings_fixture = tests/settings_fixture.c tests/settings_fixture.h
tests_test_settings_SOURCES = tests/test_settings.c $(settings_fixture)
tests_test_settings_parse_SOURCES = tests/test_settings_parse.c $(settings_fixture)
tests_test_settings_policies_SOURCES = tests/test_settings_policies.c $(settings_fixture)
tests_test_settings_sets_SOURCES = tests/test_settings_sets.c $(settings_fixture) $(set_text)
store_fixture = tests/store_fixture.c tests/store_fixture.h
store_opened = tests/store_opened.c tests/store_opened.h
tests_test_store_SOURCES = tests/test_store.c $(store_fixture) $(store_opened)
tests_test_store_faults_SOURCES = tests/test_store_faults.c tests/faulty_io.c tests/faulty_io.h \
	$(store_fixture)
tests_test_store_set_SOURCES = tests/test_store_set.c tests/faulty_io.c tests/faulty_io.h \
	$(store_fixture) $(set_text)
tests_test_store_pending_SOURCES = tests/test_store_pending.c $(store_fixture) $(store_opened) \
	$(set_text)
tests_test_store_load_SOURCES = tests/test_store_load.c $(store_fixture) $(store_opened)

# Scripts that `make check` runs too.
test_scripts = \
	tests/test_completion_bash.sh \
	tests/test_completion_zsh.sh \
	tests/test_openapi.py \
	tests/test_schemas.py \
	tests/test_versions.sh \
	$(END)

# `make check-root`: namespaces and BPF. Programs of one C file of that name,
# and scripts. Sorted, one a line.
root_programs = \
	tests/root/test_attach \
	tests/root/test_attach_change \
	tests/root/test_attach_foreign \
	tests/root/test_captures \
	tests/root/test_classbench \
	tests/root/test_evasion \
	tests/root/test_faults \
	tests/root/test_flow_cache \
	tests/root/test_headers \
	tests/root/test_links \
	tests/root/test_mixture \
	tests/root/test_oracle \
	tests/root/test_sequence \
	tests/root/test_slots \
	$(END)
attach_bed = tests/root/attach_bed.c tests/root/attach_bed.h
tests_root_test_attach_SOURCES = tests/root/test_attach.c $(attach_bed)
tests_root_test_attach_change_SOURCES = tests/root/test_attach_change.c $(attach_bed)
tests_root_test_attach_foreign_SOURCES = tests/root/test_attach_foreign.c $(attach_bed)

dry_sources = \
	tests/frame.c tests/frame.h \
	tests/oracle.c tests/oracle.h \
	tests/root/dry_bed.c tests/root/dry_bed.h \
	tests/root/random_policies.c tests/root/random_policies.h
classbench = tests/classbench.c tests/classbench.h
real_bed = tests/root/real_bed.c tests/root/real_bed.h
random_samples = tests/root/random_samples.c tests/root/random_samples.h
tests_root_test_classbench_SOURCES = tests/root/test_classbench.c $(classbench) $(dry_sources)
tests_root_test_captures_SOURCES = tests/root/test_captures.c $(dry_sources)
tests_root_test_evasion_SOURCES = tests/root/test_evasion.c $(dry_sources) $(real_bed)
tests_root_test_faults_SOURCES = tests/root/test_faults.c $(dry_sources) $(real_bed)
tests_root_test_flow_cache_SOURCES = tests/root/test_flow_cache.c $(dry_sources)
tests_root_test_headers_SOURCES = tests/root/test_headers.c $(dry_sources) $(real_bed)
tests_root_test_mixture_SOURCES = tests/root/test_mixture.c $(dry_sources)
tests_root_test_oracle_SOURCES = tests/root/test_oracle.c $(dry_sources) $(random_samples)
tests_root_test_sequence_SOURCES = tests/root/test_sequence.c $(dry_sources) $(random_samples)
tests_root_test_slots_SOURCES = tests/root/test_slots.c $(dry_sources) $(real_bed)
# The last one looks at what all others have seen.
root_scripts = \
	tests/root/test_audit.py \
	tests/root/test_client.py \
	tests/root/test_clock.py \
	tests/root/test_confirm.py \
	tests/root/test_coexistence.py \
	tests/root/test_counters.py \
	tests/root/test_devices.py \
	tests/root/test_doctor.py \
	tests/root/test_durability.py \
	tests/root/test_egress.py \
	tests/root/test_events.py \
	tests/root/test_expiry.py \
	tests/root/test_explain.py \
	tests/root/test_footprint.py \
	tests/root/test_fragments.py \
	tests/root/test_hostile.py \
	tests/root/test_http_connections.py \
	tests/root/test_http_events.py \
	tests/root/test_http_policies.py \
	tests/root/test_http_refusals.py \
	tests/root/test_limits.py \
	tests/root/test_outages.py \
	tests/root/test_prometheus.py \
	tests/root/test_reload.py \
	tests/root/test_sets.py \
	tests/root/test_startup.py \
	tests/root/test_states.py \
	tests/root/test_takeover.py \
	tests/root/test_tls.py \
	tests/root/test_tokens.py \
	tests/root/test_verdicts.py \
	tests/root/test_vlan.py \
	tests/root/test_contract.py \
	$(END)

# `make soak`: ten million changes and packets.
soak_programs = \
	$(END)
soak_scripts = \
	tests/root/soak_random \
	$(END)

# What tests include or read.
test_files = \
	tests/data \
	tests/golden/policies.bad.json \
	tests/golden/policies.bad.txt \
	tests/golden/policies.in.json \
	tests/golden/policies.out.json \
	tests/root/README.md \
	tests/root/contract.py \
	tests/root/daemon.py \
	tests/root/die_at.c \
	tests/root/flood.c \
	tests/root/foreign.py \
	tests/root/harness.py \
	tests/root/http_api.py \
	tests/root/isolate \
	tests/root/network.py \
	tests/root/packets.py \
	tests/root/run \
	tests/root/valgrind \
	tests/root/valgrind.supp \
	$(END)

# A package's life in booted containers, run by hand and by .ci/run.
container_files = \
	tests/container/container.py \
	tests/container/image \
	tests/container/intruder.c \
	tests/container/machine.sh \
	tests/container/rpm \
	tests/container/run \
	tests/container/scenarios.py \
	tests/container/sender.c \
	tests/container/steps/autopkgtest.py \
	tests/container/steps/confinement.py \
	tests/container/steps/downgrade.py \
	tests/container/steps/enable.py \
	tests/container/steps/install.py \
	tests/container/steps/kill.py \
	tests/container/steps/logrotate.py \
	tests/container/steps/ordering.py \
	tests/container/steps/purge.py \
	tests/container/steps/reboot.py \
	tests/container/steps/reinstall.py \
	tests/container/steps/reload.py \
	tests/container/steps/remove.py \
	tests/container/steps/restart.py \
	tests/container/steps/upgrade.py \
	tests/container/steps/watchdog.py \
	tests/container/traffic.py \
	$(END)

# Kernels in an emulator, and the programs that are run there: `make check-kernels`,
# of which KERNELS names some.
kernel_files = \
	tests/kernels/init \
	tests/kernels/inside \
	tests/kernels/run \
	tests/mirror.sh \
	$(END)
kernel_programs = \
	tests/root/test_attach \
	tests/root/test_flow_cache \
	tests/root/test_headers \
	tests/root/test_oracle \
	tests/root/test_sequence \
	$(END)

EXTRA_DIST += $(test_files) $(test_scripts) $(root_scripts) $(soak_scripts) $(container_files) \
	$(kernel_files)
EXTRA_PROGRAMS += $(root_programs) $(soak_programs)
CLEANFILES += $(root_programs) $(soak_programs)

LDADD += $(CHECK_LIBS)

# Builders of distributions are slow, and their seconds long.
AM_TESTS_ENVIRONMENT = srcdir=$(top_srcdir); builddir=$(top_builddir); CK_DEFAULT_TIMEOUT=60; \
	export srcdir builddir CK_DEFAULT_TIMEOUT;
TESTS = $(unit_tests) $(test_scripts)
if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
else
check-local:
	@echo "The unit tests need Check (check.pc): install it and run configure again." >&2
	@exit 1
endif

# All of them, unless chosen: make check-root ROOT_TESTS=tests/root/NAME
ROOT_TESTS = $(root_programs) $(root_scripts)
SOAK_TESTS = $(soak_programs) $(soak_scripts)
CLEANFILES += tests/root/*.log tests/root/contract-seen

check-root: all $(root_programs)
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) SANITIZERS=$(enable_sanitizers) \
		$(top_srcdir)/tests/root/run $(ROOT_TESTS)

soak: all $(soak_programs) tests/root/test_oracle tests/root/test_mixture tests/root/test_sequence
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) TEST_SECONDS=86400 \
		$(top_srcdir)/tests/root/run $(SOAK_TESTS)

check-kernels: all $(kernel_programs)
	srcdir=$(abs_top_srcdir) builddir=$(abs_top_builddir) $(top_srcdir)/tests/kernels/run $(KERNELS)

.PHONY: check-kernels check-root soak
