/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/settings.h - every setting of the daemon, one row each.
 *
 * A row makes the flag (--port), the environment variable (GATEHOUSE_PORT), the key of gatehouse.yaml,
 * the line in --help and in the manuals, and the field of struct gh_settings. Strings are never NULL;
 * an empty one means "not set".
 *
 * Precedence: flag; GATEHOUSE_ variable, then the client's RH_ variable; gatehouse.yaml; what the client
 * wrote to ~/.rh/cluster_config.json, then ~/.rh/config.yaml; default. conf/rows.h tells where a value
 * came from. */
#ifndef GH_CONF_SETTINGS_H
#define GH_CONF_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/declared.h"
#include "conf/faults.h"

/* X(kind, name, default, lowest, highest, unit, when, what it does): kind UINT, TEXT or FLAG. A value
 * of LIVE may change while the daemon runs: it is read through the settings wherever it is used. One of
 * START is what the daemon was built with. A TEXT whose unit is "a|b" is one of these words. */
#define GH_SETTINGS(X)                                                                             \
    X(TEXT, config, "", 0, 0, "FILE", START,                                                       \
      "configuration file; default gatehouse.yaml where such files are kept")                      \
    X(TEXT, host, "127.0.0.1", 0, 0, "ADDRESS", START, "address to listen on")                     \
    X(UINT, port, "32300", 0, 65535, "N", START, "TCP port to listen on; 0 picks a free one")      \
    X(FLAG, insecure, "0", 0, 1, "", START,                                                        \
      "listen on an address that is not loopback also when no caller is checked")                  \
    X(FLAG, use_den_auth, "0", 0, 1, "", START,                                                    \
      "check callers: whoever has no token of this node, or of the Den it asks, is refused")       \
    X(TEXT, api_server_url, "", 0, 0, "URL", LIVE,                                                 \
      "Den to ask about the tokens of callers; none: only this node's own tokens count")           \
    X(TEXT, den_ca, "", 0, 0, "FILE", LIVE,                                                        \
      "PEM file of the authorities that Den's certificate is checked by; default: the system's")   \
    X(UINT, den_timeout_ms, "2000", 50, 60000, "ms", LIVE, "time for Den to answer one question")  \
    X(UINT, den_cache_s, "60", 1, 86400, "s", LIVE,                                                \
      "how long what Den allowed is not asked again")                                              \
    X(UINT, den_denied_cache_s, "5", 1, 86400, "s", LIVE,                                          \
      "how long what Den denied is not asked again")                                               \
    X(UINT, den_stale_s, "600", 0, 604800, "s", LIVE,                                              \
      "how much longer what Den allowed counts while it cannot be asked")                          \
    X(TEXT, audit_log, "", 0, 0, "FILE", LIVE,                                                     \
      "write who asked for what, a line of JSON each, to this file")                               \
    X(FLAG, refuse_pickle, "0", 0, 1, "", LIVE, "answer pickled bodies from the network with 415") \
    X(TEXT, env, "", 0, 0, "PATH", START,                                                          \
      "Python environment of the workers: an interpreter, a venv or a conda env")                  \
    X(TEXT, state_dir, "", 0, 0, "DIR", START, "where state is kept; default by XDG_STATE_HOME")   \
    X(TEXT, log_format, "auto", 0, 0, "auto|text|json", LIVE, "form of the log lines")             \
    X(TEXT, log_level, "INFO", 0, 0, "LEVEL", LIVE, "DEBUG, INFO, WARNING or ERROR")               \
    X(UINT, ready_fd, "0", 0, 65535, "N", START,                                                   \
      "write one line of JSON to this descriptor when ready")                                      \
    X(TEXT, rh_version, "0.0.42", 0, 0, "V", LIVE, "version that /check tells the client")         \
    X(UINT, body_max_bytes, "4294967296", 1024, 1099511627776, "bytes", LIVE,                      \
      "largest request body; more is answered with 413")                                           \
    X(UINT, connections_max, "10000", 1, 1000000, "N", START,                                      \
      "open connections; more are answered with 503")                                              \
    X(UINT, calls_in_flight_max, "1000", 1, 100000, "N", LIVE,                                     \
      "open calls of one process; more are answered with 503")                                     \
    X(UINT, channel_backlog_bytes, "16777216", 65536, 1073741824, "bytes", LIVE,                   \
      "unsent frames to one process; more calls are answered with 503")                            \
    X(UINT, processes_max, "256", 1, 10000, "N", LIVE, "worker processes")                         \
    X(UINT, header_timeout_ms, "15000", 10, 3600000, "ms", LIVE,                                   \
      "time for a request's head to arrive whole")                                                 \
    X(UINT, body_timeout_ms, "30000", 10, 3600000, "ms", LIVE,                                     \
      "time in which a body must make progress of 64 KiB or end")                                  \
    X(UINT, keepalive_timeout_ms, "75000", 10, 3600000, "ms", LIVE,                                \
      "time until the next request on an open connection")                                         \
    X(UINT, send_timeout_ms, "60000", 10, 3600000, "ms", LIVE,                                     \
      "time in which a client must take some bytes of its answer")                                 \
    X(UINT, start_timeout_ms, "30000", 100, 600000, "ms", LIVE,                                    \
      "time for a worker to become ready")                                                         \
    X(UINT, drain_timeout_ms, "10000", 0, 600000, "ms", LIVE, "wait for running calls on SIGTERM") \
    X(UINT, logs_wait_ms, "5000", 0, 60000, "ms", LIVE,                                            \
      "how long /logs waits for its run to begin")                                                 \
    X(UINT, inline_logs_wait_ms, "500", 0, 60000, "ms", LIVE,                                      \
      "when output of a call goes into its answer, for clients up to 0.0.35; 0: never")            \
    X(UINT, logs_keep_s, "300", 0, 86400, "s", LIVE,                                               \
      "how long the output of an ended run is kept")                                               \
    X(UINT, run_log_max_bytes, "1048576", 4096, 1073741824, "bytes", LIVE,                         \
      "output kept of one run; the oldest goes first")                                             \
    X(UINT, logs_kept_max_bytes, "67108864", 4096, 1099511627776, "bytes", LIVE,                   \
      "output kept of all ended runs together; the oldest goes first")                             \
    X(UINT, runs_kept_max, "1000", 1, 1000000, "N", LIVE, "ended runs whose output is kept")       \
    X(TEXT, resources, "", 0, 0, "NAME=NUMBER,...", START,                                         \
      "what processes may reserve besides, or CPU and memory other than found")                    \
    X(TEXT, gpu_library, "libnvidia-ml.so.1", 0, 0, "PATH", START,                                 \
      "library that knows of GPUs (NVML)")                                                         \
    X(FLAG, all_gpus_visible, "0", 0, 1, "", LIVE,                                                 \
      "show all GPUs also to processes that reserved some of them")                                \
    X(UINT, installs_waiting_max, "64", 1, 10000, "N", LIVE,                                       \
      "package installs that wait for one env; more are answered with 503")                        \
    X(UINT, install_timeout_s, "3600", 1, 604800, "s", LIVE, "time for one package install")       \
    X(TEXT, torch_index_url, "", 0, 0, "URL", LIVE,                                                \
      "package index for torch, torchvision and torchaudio, beside the default one")               \
    X(TEXT, miniconda_url, "", 0, 0, "URL", LIVE,                                                  \
      "Miniconda's install script, to run where conda is asked for and missing")                   \
    X(UINT, commands_max, "256", 1, 100000, "N", LIVE,                                             \
      "shell commands on this node at once; more are answered with 503")                           \
    X(UINT, command_output_max_bytes, "8388608", 4096, 1073741824, "bytes", LIVE,                  \
      "kept of each output of a shell command; the oldest goes first")                             \
    X(UINT, lazy_idle_s, "3600", 1, 31536000, "s", LIVE,                                           \
      "a generator or coroutine that nobody asks for so long is closed and dropped")               \
    X(UINT, lazy_keep_s, "300", 0, 31536000, "s", LIVE,                                            \
      "how long a generator or coroutine that has ended is kept")                                  \
    X(TEXT, allowed_hosts, "", 0, 0, "NAME,...", LIVE,                                             \
      "names that a browser may use for this node, beside addresses, localhost and domain")        \
    X(FLAG, den, "0", 0, 1, "", START,                                                             \
      "be a Den too: users, what they save and whom they share it with, in the state folder")      \
    X(TEXT, listen, "", 0, 0, "ADDRESS:PORT,...", START,                                           \
      "more to listen on: 0.0.0.0:80, [::]:443/https, unix:/run/x.sock")                           \
    X(FLAG, use_https, "0", 0, 1, "", START, "speak HTTPS on host and port")                       \
    X(TEXT, ssl_certfile, "", 0, 0, "FILE,...", START,                                             \
      "certificates for HTTPS, PEM, each with those of its issuers; without: one made here")       \
    X(TEXT, ssl_keyfile, "", 0, 0, "FILE,...", START, "their keys, PEM, in the same order")        \
    X(TEXT, ssl_ocspfile, "", 0, 0, "FILE,...", START,                                             \
      "OCSP answers to show with them, DER, in the same order")                                    \
    X(TEXT, domain, "", 0, 0, "NAME,...", START, "names of this node, for its certificate")        \
    X(TEXT, certs_address, "", 0, 0, "ADDRESS,...", START,                                         \
      "addresses and names of this node that it cannot see itself, for its certificate")           \
    X(TEXT, client_ca, "", 0, 0, "FILE", START,                                                    \
      "HTTPS only for who shows a certificate that one of these, PEM, has signed")                 \
    X(UINT, handshake_timeout_ms, "10000", 10, 3600000, "ms", LIVE, "time for a TLS handshake")    \
    X(UINT, redirect_http, "80", 0, 65535, "N", START,                                             \
      "with HTTPS on port 443: port whose clients are sent on to it; 0: none")                     \
    X(UINT, hsts_max_age_s, "0", 0, 2147483647, "s", LIVE,                                         \
      "tell browsers over HTTPS to come back by HTTPS alone for so long; 0: do not")               \
    X(TEXT, acme_directory, "https://acme-v02.api.letsencrypt.org/directory", 0, 0, "URL", START,  \
      "CA that gives certificates for the names in domain, by ACME; off for none")                 \
    X(TEXT, acme_ca, "", 0, 0, "FILE", START,                                                      \
      "certificate of the CA that acme_directory is trusted by; default: what the system trusts")  \
    X(TEXT, acme_email, "", 0, 0, "ADDRESS", START, "where the CA may write to about the account") \
    X(TEXT, acme_eab_kid, "", 0, 0, "ID", START,                                                   \
      "name of the external account that the CA has given, where it wants one")                    \
    X(TEXT, acme_eab_key_file, "", 0, 0, "FILE", START, "file with the key of that account")       \
    X(TEXT, acme_challenge, "auto", 0, 0, "auto|http-01|tls-alpn-01", START,                       \
      "how the CA sees that a name is ours: on port 80, on 443, or whichever works")               \
    X(TEXT, acme_profile, "", 0, 0, "NAME", START,                                                 \
      "kind of certificate, where the CA offers several, as in shortlived")                        \
    X(UINT, acme_retry_s, "60", 1, 86400, "s", LIVE,                                               \
      "pause after a failed order; four times as long after each further one, up to a day")        \
    X(UINT, connections_per_address_max, "4096", 0, 1000000, "N", LIVE,                            \
      "open connections of one address, of IPv6 a /64; more are answered with 429; 0: any number") \
    X(UINT, target_max_bytes, "16384", 64, 30000, "bytes", LIVE,                                   \
      "longest request target; more is answered with 414")                                         \
    X(UINT, header_max_bytes, "16384", 256, 30000, "bytes", LIVE,                                  \
      "names and values of a request's headers; more are answered with 431")                       \
    X(UINT, header_count_max, "100", 8, 400, "N", LIVE,                                            \
      "headers of a request; more are answered with 431")                                          \
    X(TEXT, cors_origins, "", 0, 0, "ORIGIN,...", LIVE,                                            \
      "web pages of other origins that may call this node, or *")                                  \
    X(FLAG, cors_credentials, "0", 0, 1, "", LIVE,                                                 \
      "let pages of cors_origins send cookies and the like; never where that is *")                \
    X(UINT, cors_max_age_s, "600", 0, 86400, "s", LIVE,                                            \
      "how long a browser may keep what it was told of CORS")                                      \
    X(UINT, compress_min_bytes, "4096", 0, 1073741824, "bytes", LIVE,                              \
      "compress JSON and text from this size on, where the client takes it; 0: never")             \
    X(UINT, compress_level, "1", 1, 9, "N", LIVE, "how hard to compress: 1 is fastest")            \
    X(TEXT, trusted_proxies, "", 0, 0, "ADDRESS,...", LIVE,                                        \
      "addresses, networks or unix, whose Forwarded and X-Forwarded headers are believed")

#define GH_SETTING_FIELD_UINT(name) uint64_t name;
#define GH_SETTING_FIELD_TEXT(name) char *name;
#define GH_SETTING_FIELD_FLAG(name) bool name;

enum {
#define X(kind, name, ...) GH_ROW_INDEX_##name,
    GH_SETTINGS(X)
#undef X
        GH_ROW_COUNT
};

struct gh_settings {
#define X(kind, name, ...) GH_SETTING_FIELD_##kind(name)
    GH_SETTINGS(X)
#undef X
    char *sources[GH_ROW_COUNT]; /* of each value, in the order of the rows; NULL is "default" */
    struct gh_declared declared; /* modules and envs */
    char *file;                  /* the configuration file that was read, absolute, or NULL */
};

enum gh_settings_result {
    GH_SETTINGS_RUN,
    GH_SETTINGS_DONE,     /* --help or another that prints: exit 0 */
    GH_SETTINGS_USAGE,    /* unknown option or missing value: exit 64, FAULTS says which */
    GH_SETTINGS_BAD_VALUE /* exit 78: FAULTS names each setting or place in a file that is wrong */
};

/* Fill SETTINGS from all sources, ARGV over the others. Reads files, so at the start only, or where
 * waiting for a local disk does no harm. SETTINGS is to be let go of in any case. */
enum gh_settings_result gh_settings_load(struct gh_settings *settings, int argc, char **argv,
                                         struct gh_faults *faults) GH_MUST_USE;
void gh_settings_done(struct gh_settings *settings);

#endif
