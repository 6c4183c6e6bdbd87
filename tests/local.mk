# SPDX-License-Identifier: Apache-2.0
# --- static: what the tree itself promises ------------------------------------------------------

static_tests += \
	tools/check-exports \
	tools/check-layers \
	tools/check-scripts \
	tools/check-sources

# --- unit: one Check program per source file, <folder>_<file>_test.c ----------------------------

# sorted, programs: unit/*_test.c
unit_programs = \
	%reldir%/unit/api_admit_test \
	%reldir%/unit/api_app_routes_test \
	%reldir%/unit/api_assets_test \
	%reldir%/unit/api_fields_test \
	%reldir%/unit/api_inline_logs_test \
	%reldir%/unit/api_routes_test \
	%reldir%/unit/auth_access_test \
	%reldir%/unit/auth_audit_test \
	%reldir%/unit/auth_den_test \
	%reldir%/unit/auth_denword_test \
	%reldir%/unit/auth_tokens_test \
	%reldir%/unit/base_alloc_test \
	%reldir%/unit/base_base64url_test \
	%reldir%/unit/base_buf_test \
	%reldir%/unit/base_err_test \
	%reldir%/unit/base_ip_test \
	%reldir%/unit/base_journal_test \
	%reldir%/unit/base_jsoncheck_test \
	%reldir%/unit/base_jsontext_test \
	%reldir%/unit/base_log_test \
	%reldir%/unit/base_nearest_test \
	%reldir%/unit/base_notify_test \
	%reldir%/unit/base_unit_test \
	%reldir%/unit/base_words_test \
	%reldir%/unit/cli_arguments_test \
	%reldir%/unit/cli_capture_test \
	%reldir%/unit/cli_daemon_test \
	%reldir%/unit/cli_expiry_test \
	%reldir%/unit/cli_man_test \
	%reldir%/unit/cli_out_test \
	%reldir%/unit/cli_parse_test \
	%reldir%/unit/conf_address_test \
	%reldir%/unit/conf_change_test \
	%reldir%/unit/conf_configfile_test \
	%reldir%/unit/conf_credential_test \
	%reldir%/unit/conf_environment_test \
	%reldir%/unit/conf_home_test \
	%reldir%/unit/conf_identity_test \
	%reldir%/unit/conf_listen_test \
	%reldir%/unit/conf_networks_test \
	%reldir%/unit/conf_origins_test \
	%reldir%/unit/conf_paths_test \
	%reldir%/unit/conf_settings_test \
	%reldir%/unit/conf_yaml_test \
	%reldir%/unit/den_den_test \
	%reldir%/unit/den_meter_test \
	%reldir%/unit/den_uri_test \
	%reldir%/unit/front_activation_test \
	%reldir%/unit/front_chunk_line_test \
	%reldir%/unit/front_coding_test \
	%reldir%/unit/front_crowd_test \
	%reldir%/unit/front_forwarded_test \
	%reldir%/unit/front_guard_test \
	%reldir%/unit/front_packer_test \
	%reldir%/unit/front_tlsio_test \
	%reldir%/unit/net_acme_cert_test \
	%reldir%/unit/net_acme_store_test \
	%reldir%/unit/net_acme_time_test \
	%reldir%/unit/net_http_test \
	%reldir%/unit/net_jws_test \
	%reldir%/unit/net_library_test \
	%reldir%/unit/net_multi_test \
	%reldir%/unit/node_capacity_test \
	%reldir%/unit/node_census_test \
	%reldir%/unit/node_child_test \
	%reldir%/unit/node_env_test \
	%reldir%/unit/node_envs_test \
	%reldir%/unit/node_folder_test \
	%reldir%/unit/node_gpu_test \
	%reldir%/unit/node_ledger_test \
	%reldir%/unit/node_packages_test \
	%reldir%/unit/node_requirement_test \
	%reldir%/unit/node_scratch_test \
	%reldir%/unit/node_shell_test \
	%reldir%/unit/node_tail_test \
	%reldir%/unit/node_usage_test \
	%reldir%/unit/pool_channel_send_test \
	%reldir%/unit/pool_channel_test \
	%reldir%/unit/pool_pool_test \
	%reldir%/unit/pool_process_test \
	%reldir%/unit/pool_restart_test \
	%reldir%/unit/pool_shm_test \
	%reldir%/unit/pool_spill_test \
	%reldir%/unit/python_baton_test \
	%reldir%/unit/python_inbox_test \
	%reldir%/unit/python_literal_test \
	%reldir%/unit/python_outbox_test \
	%reldir%/unit/python_parts_test \
	%reldir%/unit/python_probe_test \
	%reldir%/unit/store_cluster_test \
	%reldir%/unit/store_keys_test \
	%reldir%/unit/store_runs_kept_test \
	%reldir%/unit/store_runs_test \
	%reldir%/unit/tls_certs_test \
	%reldir%/unit/tls_files_test \
	%reldir%/unit/tls_hello_test \
	%reldir%/unit/tls_names_test \
	%reldir%/unit/tls_pair_test \
	%reldir%/unit/tls_selfsigned_test \
	%reldir%/unit/tls_watch_test \
	%reldir%/unit/wire_call_test \
	%reldir%/unit/wire_frame_test \
	%reldir%/unit/wire_httpframe_test \
	%reldir%/unit/wire_jsonscan_test \
	%reldir%/unit/wire_pickle_test \
	%reldir%/unit/wire_pyenv_test \
	%reldir%/unit/wire_reply_test \
	%reldir%/unit/wire_url_test
# Programs that use src/front/ beyond its tables (Makefile.am).
%canon_reldir%_unit_front_activation_test_LDFLAGS = $(AM_LDFLAGS) $(front_ldflags)
%canon_reldir%_unit_front_tlsio_test_LDFLAGS = $(AM_LDFLAGS) $(front_ldflags)

# sorted: fuzz/*.h unit/*.h
EXTRA_DIST += \
	%reldir%/fuzz/lines.h \
	%reldir%/unit/channel_rig.h \
	%reldir%/unit/fake_sink.h \
	%reldir%/unit/fake_worker.h \
	%reldir%/unit/net_rig.h \
	%reldir%/unit/pool_rig.h \
	%reldir%/unit/runs_rig.h \
	%reldir%/unit/suite.h \
	%reldir%/unit/tiny_http.h \
	%reldir%/unit/tls_kit.h

# --- fake: what the tests' daemon meets instead of the real thing --------------------------------

# Never installed; -rpath makes libtool build a shared one all the same.
noinst_LTLIBRARIES += %reldir%/libfake_nvml.la
%canon_reldir%_libfake_nvml_la_SOURCES = %reldir%/fake/nvml.c
%canon_reldir%_libfake_nvml_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
built_links += %reldir%/libnvidia-ml.so.1
%reldir%/libnvidia-ml.so.1: %reldir%/libfake_nvml.la
	$(AM_V_at)rm -f $@ && $(LN_S) .libs/libfake_nvml.so $@

noinst_LTLIBRARIES += %reldir%/libfake_clock.la
%canon_reldir%_libfake_clock_la_SOURCES = %reldir%/fake/clock.c
# Without the sanitizers: it is also preloaded into programs that are built without them.
%canon_reldir%_libfake_clock_la_CFLAGS = $(GH_CFLAGS) $(GH_HARDEN_CFLAGS)
%canon_reldir%_libfake_clock_la_LDFLAGS = $(GH_HARDEN_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

# --- fuzz: <name>_fuzz.c with LLVMFuzzerTestOneInput, corpus in corpus/<name> -------------------

# sorted, programs: fuzz/*_fuzz.c
fuzz_programs = \
	%reldir%/fuzz/acme_fuzz \
	%reldir%/fuzz/arguments_fuzz \
	%reldir%/fuzz/bearer_fuzz \
	%reldir%/fuzz/body_fuzz \
	%reldir%/fuzz/chunkline_fuzz \
	%reldir%/fuzz/clientfiles_fuzz \
	%reldir%/fuzz/coding_fuzz \
	%reldir%/fuzz/config_fuzz \
	%reldir%/fuzz/contents_fuzz \
	%reldir%/fuzz/denword_fuzz \
	%reldir%/fuzz/forwarded_fuzz \
	%reldir%/fuzz/frame_fuzz \
	%reldir%/fuzz/guard_fuzz \
	%reldir%/fuzz/hello_fuzz \
	%reldir%/fuzz/httpframe_fuzz \
	%reldir%/fuzz/jsontext_fuzz \
	%reldir%/fuzz/keyput_fuzz \
	%reldir%/fuzz/literal_fuzz \
	%reldir%/fuzz/package_fuzz \
	%reldir%/fuzz/pair_fuzz \
	%reldir%/fuzz/query_fuzz \
	%reldir%/fuzz/texts_fuzz \
	%reldir%/fuzz/url_fuzz \
	%reldir%/fuzz/words_fuzz

if FUZZING
# libFuzzer brings main; run one with tools/fuzz.
noinst_PROGRAMS += $(fuzz_programs)
LDADD += $(GH_FUZZ_LDFLAGS)
else
# Our main runs the target over its corpus.
check_PROGRAMS += $(fuzz_programs)
fuzz_tests += $(fuzz_programs)
noinst_LTLIBRARIES += %reldir%/libfuzz_replay.la
%canon_reldir%_libfuzz_replay_la_SOURCES = %reldir%/fuzz/replay.c
LDADD += %reldir%/libfuzz_replay.la

if HAVE_CHECK
check_PROGRAMS += $(unit_programs)
unit_tests += $(unit_programs)
else
static_tests += tests/unit/need-check
endif
endif

EXTRA_DIST += %reldir%/unit/need-check

# --- Python suites: pytest in the venv of tools/make-venv ---------------------------------------

pytest_tests += \
	tests/python/run \
	tests/integration/run \
	tests/compat/run \
	tests/ssh/run \
	tests/systemd/run

# sorted: bench compat conftest.py fake fuzz/corpus integration pytest.ini python requirements.txt run-pytest ssh systemd valgrind.supp
EXTRA_DIST += \
	%reldir%/bench \
	%reldir%/compat \
	%reldir%/conftest.py \
	%reldir%/fake \
	%reldir%/fuzz/corpus \
	%reldir%/integration \
	%reldir%/pytest.ini \
	%reldir%/python \
	%reldir%/requirements.txt \
	%reldir%/run-pytest \
	%reldir%/ssh \
	%reldir%/systemd \
	%reldir%/valgrind.supp
