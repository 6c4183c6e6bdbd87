/* SPDX-License-Identifier: Apache-2.0
 *
 * gatehoused.c - reads settings, builds each stage, runs the loop, drains.
 *
 * Exit status by sysexits.h: 0 ok, 1 ended at once by a second signal, 64 usage, 69 port not
 * available, 70 the worker program could not be started, 77 not permitted, 78 bad value. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include "api/api.h"
#include "api/heartbeat.h"
#include "auth/audit.h"
#include "auth/auth.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsontext.h"
#include "base/log.h"
#include "base/self.h"
#include "conf/address.h"
#include "conf/beside.h"
#include "conf/change.h"
#include "conf/home.h"
#include "conf/identity.h"
#include "conf/settings.h"
#include "den/den.h"
#include "front/manager.h"
#include "front/ports.h"
#include "net/acme.h"
#include "net/http.h"
#include "node/declare.h"
#include "node/envmaker.h"
#include "node/installer.h"
#include "node/ledger.h"
#include "node/node.h"
#include "node/shell.h"
#include "pool/pool.h"
#include "store/cluster.h"
#include "store/keys.h"
#include "store/runs.h"
#include "tls/tls.h"

#ifndef GH_ASSET_DIR
#define GH_ASSET_DIR "/usr/share/gatehouse/assets"
#endif
#define STOP_GRACE_MS 2000 /* for workers to run their exit functions */
#define DRAIN_TICK_MS 20
#define SIGNAL_COUNT 3

struct daemon {
    uv_loop_t loop;
    struct gh_settings settings;
    struct gh_cluster cluster;
    struct gh_net *net;
    struct gh_acme *acme; /* NULL where no certificates are ordered */
    struct gh_auth auth;
    struct gh_audit audit;
    struct gh_den *den; /* NULL without --den */
    struct gh_keys keys;
    struct gh_node node;
    struct gh_shells shells;
    struct gh_api api;
    struct gh_ports ports;
    struct gh_manager manager; /* the service manager that started us */
    char *asset_dir;
    struct gh_pool *pool;
    struct gh_installer *installer;
    struct gh_envmaker *envs;
    struct gh_declare declare;
    struct gh_runs *runs;
    int argc; /* for SIGHUP */
    char **argv;
    uv_prepare_t turn_end;
    uv_signal_t signals[SIGNAL_COUNT];
    uv_timer_t drain;
    uint64_t drain_until_ms;
    uint64_t stop_grace_ms;
    bool is_stopping;
};

/* ---- the parts ---- */

/* Called while a worker of a process is greeted, before its modules are sent to it. */
static void
on_started(void *context, struct gh_process *process)
{
    struct daemon *daemon = context;

    gh_declare_modules(&daemon->declare, process);
    gh_keys_on_started(&daemon->keys, process);
}

static void
on_env_changed(void *context, const struct gh_made_env *env)
{
    struct daemon *daemon = context;
    gh_declare_env_changed(&daemon->declare, env);
}

static void
on_key_put(void *context, struct gh_process *process, struct gh_call *call, const char *json,
           size_t len)
{
    struct daemon *daemon = context;
    gh_keys_on_put(&daemon->keys, process, call, json, len);
}

static void
on_key_gone(void *context, struct gh_process *process, struct gh_slice key)
{
    struct daemon *daemon = context;
    gh_keys_on_gone(&daemon->keys, process, key);
}

static void
on_died(void *context, struct gh_process *process)
{
    struct daemon *daemon = context;
    gh_keys_on_died(&daemon->keys, process);
}

static void
on_removed(void *context, struct gh_process *process)
{
    struct daemon *daemon = context;
    gh_keys_on_removed(&daemon->keys, process);
    gh_ledger_release(daemon->node.ledger, process->name);
}

static void
add_hello(void *context, struct gh_buf *out)
{
    struct daemon *daemon = context;

    gh_cluster_add_hello(&daemon->cluster, out);
    gh_buf_add_text(out, ",\"control_socket\":");
    const char *path = daemon->ports.control_path;
    gh_jsontext_quote(out, path, strlen(path), GH_JSONTEXT_UTF8);
}

static void
add_environment(void *context, const struct gh_process *process, json_t *variables)
{
    struct daemon *daemon = context;
    gh_node_add_environment(&daemon->node, process->name, variables);
}

/* GPUs were counted after the workers had been started. */
static void
on_gpus(void *context)
{
    struct daemon *daemon = context;

    gh_cluster_set(&daemon->cluster, "is_gpu", json_boolean(gh_node_gpu_count(&daemon->node) > 0));
    gh_pool_renew_environment(daemon->pool);
    gh_api_tell_config(&daemon->api);
}

/* ---- the end ---- */

static void
on_workers_gone(void *context)
{
    struct daemon *daemon = context;

    gh_ports_stop(&daemon->ports);
    gh_audit_flush(&daemon->audit);
    gh_acme_stop(&daemon->acme);
    gh_net_stop(daemon->net, NULL, NULL);
    gh_runs_free(&daemon->runs);
    gh_node_stop(&daemon->node);
    uv_close((uv_handle_t *)&daemon->turn_end, NULL);
    for (int i = 0; i < SIGNAL_COUNT; i++)
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    uv_close((uv_handle_t *)&daemon->drain, NULL);
    gh_notify_stop(&daemon->manager.notify);
    gh_log(GH_LOG_INFO, "daemon.stopped", "pid=%d", getpid());
}

/* Nothing waits for an install: what waits for workers is told by their end. */
static void
on_installs_gone(void *context)
{
    struct daemon *daemon = context;

    gh_pool_stop(daemon->pool, daemon->stop_grace_ms, on_workers_gone, daemon);
}

/* What envs still needed of the installer fails now. */
static void
on_envs_gone(void *context)
{
    struct daemon *daemon = context;

    gh_installer_stop(daemon->installer, daemon->stop_grace_ms, on_installs_gone, daemon);
}

static void
on_drain_tick(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    unsigned requests = gh_ports_requests(&daemon->ports);

    if (requests > 0 && uv_now(&daemon->loop) < daemon->drain_until_ms)
        return;
    uv_timer_stop(timer);
    if (requests > 0)
        gh_log(GH_LOG_WARN, "daemon.drain_timeout", "requests=%u", requests);
    gh_auth_stop(&daemon->auth);
    gh_heartbeat_stop(&daemon->api.heartbeat);
    gh_shells_stop(&daemon->shells);
    gh_runs_end_readers(daemon->runs);
    daemon->stop_grace_ms = requests > 0 ? 0 : STOP_GRACE_MS;
    gh_envmaker_stop(daemon->envs, on_envs_gone, daemon);
}

/* Settings that may change now do, by what all sources say; all or none of them. The audit log is opened
 * again, tokens are read again, envs that failed are tried again. */
static void
reload(struct daemon *daemon)
{
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};
    struct gh_err err;

    gh_notify_reloading(&daemon->manager.notify);
    if (gh_change_reload(&daemon->settings, daemon->argc, daemon->argv, &faults) == GH_OK) {
        gh_api_settings_changed(&daemon->api);
    } else {
        for (size_t i = 0; i < faults.texts.count; i++)
            gh_log(GH_LOG_ERR, "config.refused", "reason=%s", gh_log_quote(faults.texts.list[i]));
        gh_api_reopen_audit(&daemon->api); /* whoever rotates it does not mind the rest */
    }
    if (gh_tokens_reload(&daemon->auth.tokens, &err) != GH_OK)
        gh_log(GH_LOG_ERR, "token.not_reloaded", "reason=%s", gh_log_quote(err.text));
    gh_ports_reload(&daemon->ports);
    gh_envmaker_start(daemon->envs);
    gh_manager_ready(&daemon->manager, &daemon->ports, &faults);
}

static void
on_signal(uv_signal_t *signal, int number)
{
    struct daemon *daemon = signal->data;

    if (number == SIGHUP) {
        reload(daemon);
        return;
    }
    if (daemon->is_stopping) {
        gh_log(GH_LOG_WARN, "daemon.ended_at_once", "signal=%d", number);
        gh_pool_kill_all(daemon->pool);
        gh_envmaker_kill(daemon->envs);
        gh_installer_kill(daemon->installer);
        _exit(EXIT_FAILURE);
    }
    daemon->is_stopping = true;
    daemon->api.is_draining = true;
    gh_log(GH_LOG_INFO, "daemon.draining", "signal=%d requests=%u", number,
           gh_ports_requests(&daemon->ports));
    gh_notify_stopping(&daemon->manager.notify, "Stops; %u requests may end first",
                       gh_ports_requests(&daemon->ports));
    gh_ports_drain(&daemon->ports);
    daemon->drain_until_ms = uv_now(&daemon->loop) + daemon->settings.drain_timeout_ms;
    uv_timer_start(&daemon->drain, on_drain_tick, 0, DRAIN_TICK_MS);
}

/* ---- the turn of the loop ---- */

static void
on_turn_end(uv_prepare_t *prepare)
{
    struct daemon *daemon = prepare->data;

    gh_ports_run(&daemon->ports);
    gh_pool_flush(daemon->pool);
    gh_audit_flush(&daemon->audit);
}

/* ---- the start ---- */

static void
announce(const struct daemon *daemon)
{
    const struct gh_settings *settings = &daemon->settings;
    unsigned port = gh_ports_first(&daemon->ports);
    char line[96];

    const char *host =
        gh_activation_has_clients(&daemon->manager.handed) ? "handed over" : settings->host;

    gh_log(GH_LOG_INFO, "daemon.ready", "host=%s port=%u pid=%d", gh_log_quote(host), port,
           getpid());
    gh_manager_ready(&daemon->manager, &daemon->ports, &(struct gh_faults){0});
    if (settings->port == 0)
        printf("%u\n", port);
    fflush(stdout);
    if (settings->ready_fd > 0) {
        int len = snprintf(line, sizeof line, "{\"port\": %u, \"pid\": %d}\n", port, getpid());
        if (write((int)settings->ready_fd, line, (size_t)len) != len)
            gh_log(GH_LOG_WARN, "daemon.ready_fd", "reason=%s", gh_log_quote(strerror(errno)));
        if (settings->ready_fd > STDERR_FILENO)
            close((int)settings->ready_fd);
    }
}

static int
fail(int status, const struct gh_err *err)
{
    fprintf(stderr, "gatehoused: %s\n", err->text);
    return status;
}

static int
listen_failed(const struct gh_err *err)
{
    return fail(err->code == GH_E_INPUT && errno == EINVAL ? EX_CONFIG
                : errno == EACCES || errno == EPERM        ? EX_NOPERM
                                                           : EX_UNAVAILABLE,
                err);
}

static int
check_host(struct daemon *daemon, struct gh_err *err)
{
    const struct gh_settings *settings = &daemon->settings;
    const char *host = gh_manager_open_address(&daemon->manager, &daemon->ports);

    if (!host || settings->use_den_auth)
        return GH_OK;
    if (settings->insecure) {
        gh_log(GH_LOG_WARN, "daemon.insecure", "host=%s note=%s", gh_log_quote(host),
               "\"whoever reaches this address can run code here\"");
        return GH_OK;
    }
    return gh_err_set(
        err, GH_E_INPUT,
        "it would listen on '%s'%s, which others can reach, and no caller is checked: anyone could "
        "run code here. Listen on 127.0.0.1, check callers with --use-den-auth, or say "
        "--insecure if the network is closed",
        host, strcmp(host, settings->host) == 0 ? " (host)" : "");
}

/* The node's own token is in memory no longer than this. */
static int
start_auth(struct daemon *daemon, const char *state, struct gh_err *err)
{
    struct gh_identity identity GH_SCOPED(gh_identity_done) = {0};
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};

    if (gh_identity_load(&identity, &faults) != GH_OK)
        return gh_err_set(err, GH_E_INPUT, "%s", faults.texts.list[0]);
    if (daemon->settings.den && gh_den_open(state, &daemon->den, err) != GH_OK)
        return err->code;
    const struct gh_auth_place place = {
        .loop = &daemon->loop,
        .net = daemon->net,
        .den = daemon->den,
        .settings = &daemon->settings,
        .state_dir = state,
        .node_address = gh_cluster_address(&daemon->cluster),
    };
    int rc = gh_auth_open(&daemon->auth, &place, &identity, err);
    if (rc == GH_OK && daemon->settings.use_den_auth)
        gh_auth_announce(&daemon->auth);
    return rc;
}

static int
start_acme(struct daemon *daemon, const char *state, struct gh_err *err)
{
    if (!daemon->ports.tls)
        return GH_OK; /* nobody would see the certificates */
    return gh_acme_start(&daemon->loop, &daemon->settings, daemon->net,
                         gh_tls_certs(daemon->ports.tls), state, &daemon->acme, err);
}

static int
start_default_process(struct daemon *daemon, struct gh_err *err)
{
    const struct gh_process_spec spec = {
        .name = "default_process",
        .compute = "{\"node_idx\": 0}",
        .runtime_env = "null",
        .env_vars = "{}",
        .python = gh_installer_python(daemon->installer),
    };
    return gh_pool_start(daemon->pool, &spec, NULL, NULL, err);
}

static void
watch_signals(struct daemon *daemon)
{
    static const int numbers[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* LimitFSIZE counts for memfds too: a write says EFBIG instead */
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        uv_signal_init(&daemon->loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
    }
}

/* Everything but the loop. Returns 0 or an exit status. */
static int
start(struct daemon *daemon)
{
    struct gh_settings *settings = &daemon->settings;
    struct gh_err err;
    struct gh_pool_events events = {daemon,  on_started, on_key_put, on_key_gone,
                                    on_died, on_removed, add_hello,  add_environment};

    gh_change_apply_log(settings);
    gh_ports_init(&daemon->ports, &daemon->loop, settings, &daemon->api);
    if (gh_manager_take(&daemon->manager, settings->ready_fd, &err) != GH_OK ||
        check_host(daemon, &err) != GH_OK)
        return fail(EX_CONFIG, &err);
    gh_self_prepare_fds();
    gh_self_keep_rights();
    gh_self_dump_memory(false);
    uv_loop_init(&daemon->loop);

    if (gh_manager_open(&daemon->manager, &daemon->ports, &err) != GH_OK)
        return listen_failed(&err);
    char *state GH_SCOPED(gh_free) = gh_state_dir(settings->state_dir);
    if (gh_ports_open_control(&daemon->ports, state, &err) != GH_OK)
        return listen_failed(&err);
    if (gh_ports_start_tls(&daemon->ports, state, &err) != GH_OK)
        return fail(EX_CONFIG, &err);
    if (gh_cluster_load(&daemon->cluster, settings, gh_ports_first(&daemon->ports), &err) != GH_OK)
        return fail(EX_CONFIG, &err);
    daemon->net = gh_net_new(&daemon->loop);
    if (start_auth(daemon, state, &err) != GH_OK || start_acme(daemon, state, &err) != GH_OK)
        return fail(EX_CONFIG, &err);

    if (gh_node_start(&daemon->node, &daemon->loop, settings, gh_cluster_ip(&daemon->cluster),
                      on_gpus, daemon, &err) != GH_OK)
        return fail(EX_CONFIG, &err);
    gh_cluster_set(&daemon->cluster, "is_gpu", json_boolean(gh_node_gpu_count(&daemon->node) > 0));

    daemon->pool = gh_pool_new(&daemon->loop, settings, state, &events);
    daemon->runs = gh_runs_new(&daemon->loop, settings);
    daemon->installer = gh_installer_new(&daemon->loop, settings, state);
    daemon->envs =
        gh_envmaker_new(&daemon->loop, settings, daemon->installer, state, on_env_changed, daemon);
    daemon->declare = (struct gh_declare){settings, &daemon->keys, daemon->pool, daemon->envs};
    gh_shells_init(&daemon->shells, &daemon->loop, settings);
    daemon->asset_dir = gh_beside("assets", GH_ASSET_DIR);
    daemon->api = (struct gh_api){
        .loop = &daemon->loop,
        .settings = settings,
        .auth = &daemon->auth,
        .audit = &daemon->audit,
        .den = daemon->den,
        .pool = daemon->pool,
        .keys = &daemon->keys,
        .runs = daemon->runs,
        .cluster = &daemon->cluster,
        .node = &daemon->node,
        .installer = daemon->installer,
        .envs = daemon->envs,
        .shells = &daemon->shells,
        .acme = daemon->acme,
        .certs = gh_ports_certs(&daemon->ports),
        .asset_dir = daemon->asset_dir,
        .unit = daemon->manager.unit.name,
        .open_address = gh_manager_open_address(&daemon->manager, &daemon->ports),
        .started_ns = uv_hrtime(),
    };

    daemon->api.heartbeat = gh_heartbeat_new(&daemon->api, daemon->net);
    gh_audit_init(&daemon->audit, &daemon->loop);
    if (gh_api_open_audit(&daemon->api, &err) != GH_OK)
        return fail(EX_CONFIG, &err);

    uv_prepare_init(&daemon->loop, &daemon->turn_end);
    daemon->turn_end.data = daemon;
    uv_prepare_start(&daemon->turn_end, on_turn_end);
    uv_timer_init(&daemon->loop, &daemon->drain);
    daemon->drain.data = daemon;
    watch_signals(daemon);

    if (start_default_process(daemon, &err) != GH_OK)
        return fail(EX_SOFTWARE, &err);
    gh_declare_processes(&daemon->declare, gh_installer_python(daemon->installer));
    gh_envmaker_start(daemon->envs);
    gh_notify_start(&daemon->manager.notify, &daemon->loop);
    announce(daemon);
    gh_heartbeat_start(daemon->api.heartbeat);
    return 0;
}

/* Say what is wrong, a line each. */
static int
fail_all(int status, struct gh_faults *faults)
{
    for (size_t i = 0; i < faults->texts.count; i++)
        fprintf(stderr, "gatehoused: %s\n", faults->texts.list[i]);
    if (faults->omitted > 0)
        fprintf(stderr, "gatehoused: and %zu more\n", faults->omitted);
    gh_faults_done(faults);
    return status;
}

int
main(int argc, char **argv)
{
    static struct daemon daemon;
    struct gh_faults faults = {0};

    daemon.argc = argc;
    daemon.argv = argv;
    switch (gh_settings_load(&daemon.settings, argc, argv, &faults)) {
    case GH_SETTINGS_RUN:
        break;
    case GH_SETTINGS_DONE:
        return 0;
    case GH_SETTINGS_USAGE:
        return fail_all(EX_USAGE, &faults);
    case GH_SETTINGS_BAD_VALUE:
    default:
        return fail_all(EX_CONFIG, &faults);
    }

    int status = start(&daemon);
    if (status != 0)
        return status;
    uv_run(&daemon.loop, UV_RUN_DEFAULT);

    gh_pool_free(&daemon.pool);
    gh_envmaker_free(&daemon.envs);
    gh_installer_free(&daemon.installer);
    gh_keys_done(&daemon.keys);
    gh_node_done(&daemon.node);
    gh_audit_done(&daemon.audit);
    gh_auth_close(&daemon.auth);
    gh_cluster_done(&daemon.cluster);
    gh_settings_done(&daemon.settings);
    gh_ports_done(&daemon.ports);
    gh_manager_done(&daemon.manager);
    free(daemon.asset_dir);
    uv_loop_close(&daemon.loop);
    return 0;
}
