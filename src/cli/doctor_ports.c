/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor_ports.c - each address that the daemon would listen on: can it, who has it, who keeps others from it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/capture.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/facts.h"
#include "cli/holder.h"
#include "cli/locate.h"
#include "conf/beside.h"
#include "front/listener.h"

#ifndef GH_BIN_DIR
#define GH_BIN_DIR "/usr/bin"
#endif
#define BY_SSH "; no matter when clients come by ssh"

static enum gh_verdict
verdict_of(const struct gh_place *place)
{
    return place->is_optional ? GH_VERDICT_WARNING : GH_VERDICT_FAILED;
}

/* ---- who has it ---- */

/* Does the daemon that answers on the control socket have our port? The socket's name says it. */
static bool
is_ours(const struct gh_doctor *doctor)
{
    char name[32];

    snprintf(name, sizeof name, "/control-%u.sock", doctor->port);
    return doctor->client && strstr(gh_client_place(doctor->client), name);
}

/* The process of the daemon that answers there; 0 without one. */
static pid_t
our_pid(const struct gh_doctor *doctor)
{
    json_t *node GH_SCOPED(gh_json_drop) = NULL;
    struct gh_err err;

    if (!is_ours(doctor) || gh_facts_node(doctor->client, &node, &err) != GH_EXIT_OK)
        return 0;
    return (pid_t)gh_facts_number(node, "pid");
}

static void
tell_taken(struct gh_doctor *doctor, const struct gh_check *check, const struct gh_place *place)
{
    char *user GH_SCOPED(gh_free) = NULL;
    pid_t ours = our_pid(doctor), pid = 0;
    char number[16];

    snprintf(number, sizeof number, "%u", place->listen.port);
    char *fix GH_SCOPED(gh_free) = gh_doctor_fix(check, number);
    bool is_known = gh_holder_find(place->listen.port, ours, &pid, &user);
    char *name GH_SCOPED(gh_free) = gh_holder_name(pid);
    if (pid == getpid())
        gh_doctor_bad(doctor, verdict_of(place), NULL,
                      "%s is named twice: another of host, port and listen has that port already",
                      place->text);
    else if (pid > 0 && pid == ours)
        gh_doctor_ok(doctor, "%s is our daemon's", place->text);
    else if (pid == GH_HOLDER_MANAGER_PID)
        gh_doctor_bad(
            doctor, GH_VERDICT_WARNING, "systemctl list-sockets",
            "%s is held by %s for a socket unit, which is right if that is gatehoused's own",
            place->text, name);
    else if (pid > 0)
        gh_doctor_bad(doctor, verdict_of(place), fix,
                      "%s is taken by %s (pid %d); end it, or take another port", place->text, name,
                      (int)pid);
    else
        gh_doctor_bad(doctor, verdict_of(place), fix,
                      "%s is taken by another program%s%s; end it, or take another port",
                      place->text, is_known ? " of user " : "", is_known ? user : "");
}

/* ---- may it be had ---- */

/* Does the daemon's program have a right of its own, by setcap? This one has none then. */
static bool
has_right_of_its_own(void)
{
    char *program GH_SCOPED(gh_free) = gh_beside("gatehoused", GH_BIN_DIR "/gatehoused");

    return getxattr(program, "security.capability", NULL, 0) > 0;
}

static void
tell_refused(struct gh_doctor *doctor, const struct gh_place *place)
{
    if (has_right_of_its_own())
        gh_doctor_ok(doctor, "%s needs a right, which gatehoused has been given by setcap",
                     place->text);
    else
        gh_doctor_bad(doctor, verdict_of(place),
                      "sudo setcap cap_net_bind_service=ep \"$(command -v gatehoused)\"",
                      "%s needs a right that this user lacks, as all ports below "
                      "net.ipv4.ip_unprivileged_port_start; gatehoused.service has it "
                      "(CAP_NET_BIND_SERVICE)",
                      place->text);
}

/* *LISTENER_OUT listens there when it is free. */
static void
look_at_tcp(struct gh_doctor *doctor, const struct gh_check *check, const struct gh_place *place,
            struct gh_listener *listener_out)
{
    struct gh_err err;

    if (place->is_main && is_ours(doctor)) {
        gh_doctor_ok(doctor, "%s is our daemon's (%s)", place->text,
                     gh_client_place(doctor->client));
    } else if (gh_listen_tcp(place->listen.host, place->listen.port, listener_out, &err) == GH_OK) {
        gh_doctor_ok(doctor, "%s is free", place->text);
    } else if (errno == EADDRINUSE) {
        tell_taken(doctor, check, place);
    } else if (errno == EACCES) {
        tell_refused(doctor, place);
    } else {
        gh_doctor_bad(doctor, verdict_of(place),
                      errno == EADDRNOTAVAIL ? "ip -brief address" : NULL, "%s", err.text);
    }
}

static void
look_at_unix(struct gh_doctor *doctor, const struct gh_place *place)
{
    const char *path = place->listen.host;
    const char *slash = strrchr(path, '/');
    char *folder GH_SCOPED(gh_free) = gh_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    struct stat info;
    int fd = gh_locate_connect(path, 0);

    if (fd >= 0)
        close(fd);
    if (fd >= 0 && is_ours(doctor))
        gh_doctor_ok(doctor, "%s is served", place->text);
    else if (fd >= 0)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL,
                      "%s is served by another program; end it, or take another path", place->text);
    else if (errno == ENAMETOOLONG)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL, "%s is too long for a socket", place->text);
    else if (lstat(path, &info) == 0 && !S_ISSOCK(info.st_mode))
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL,
                      "%s cannot be listened on: what is there is no socket", place->text);
    else if (access(folder, W_OK | X_OK) != 0)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL, "%s cannot be listened on: %s: %s",
                      place->text, folder, strerror(errno));
    else
        gh_doctor_ok(doctor, "%s is free", place->text);
}

/* All are held until the last was tried: two of them may be in each other's way. */
static void
look_at_ports(struct gh_doctor *doctor, const struct gh_check *check)
{
    size_t count = doctor->places.count;
    struct gh_listener *held = gh_alloc(count * sizeof held[0]);

    for (size_t i = 0; i < count; i++) {
        const struct gh_place *place = &doctor->places.list[i];
        held[i].fd = -1;
        if (place->listen.is_unix)
            look_at_unix(doctor, place);
        else
            look_at_tcp(doctor, check, place, &held[i]);
    }
    for (size_t i = 0; i < count; i++)
        gh_listener_close(&held[i]);
    free(held);
}

/* ---- firewall ---- */

/* What the firewalls of the machine say, as far as this user may ask. */
struct walls {
    struct gh_buf of_ufw, of_nft;
    const char *ufw;   /* the rules of an active ufw, or NULL */
    const char *rules; /* of nftables, or NULL */
    char *drops; /* "inet filter input", its chain that drops what it does not know, or NULL */
    bool is_seen;
};

/* "32300", "32300/tcp" or "Anywhere" with ALLOW in a line of `ufw status`. */
static bool
ufw_allows(const char *status, unsigned port)
{
    char wanted[16];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%u", port);

    while (*status) {
        size_t line_len = strcspn(status, "\n");
        char *line GH_SCOPED(gh_free) = gh_strndup(status, line_len);
        bool is_named = strncmp(line, wanted, len) == 0 && strchr(" /", line[len]) != NULL;
        if (is_named && strstr(line, "ALLOW"))
            return true;
        status += line_len + (status[line_len] != '\0');
    }
    return false;
}

/* Is PORT named in RULES, as a number of its own? */
static bool
nft_names(const char *rules, unsigned port)
{
    char wanted[16];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%u", port);

    for (const char *at = rules; (at = strstr(at, wanted)); at += len)
        if ((at == rules || !strchr("0123456789.", at[-1])) && !strchr("0123456789.", at[len]))
            return true;
    return false;
}

/* The chain of the input hook whose policy is drop. Source: nft(8), `list ruleset`: "table inet filter {",
 * "chain input {", "type filter hook input priority filter; policy drop;". */
static char *
find_drop(const char *rules)
{
    char family[32] = "", table[64] = "", chain[64] = "";

    while (*rules) {
        size_t len = strcspn(rules, "\n");
        char *line GH_SCOPED(gh_free) = gh_strndup(rules, len);
        if (sscanf(line, " table %31s %63s {", family, table) == 2)
            chain[0] = '\0';
        (void)!sscanf(line, " chain %63s {", chain);
        if (strstr(line, "hook input") && strstr(line, "policy drop"))
            return gh_asprintf("%s %s %s", family, table, chain);
        rules += len + (rules[len] != '\0');
    }
    return NULL;
}

static void
ask_walls(struct walls *walls)
{
    static const char *const ufw[] = {"ufw", "status", NULL};
    static const char *const nft[] = {"nft", "list", "ruleset", NULL};

    bool has_ufw = gh_capture(ufw, GH_DOCTOR_TOOL_MS, &walls->of_ufw) == 0;
    bool has_nft = gh_capture(nft, GH_DOCTOR_TOOL_MS, &walls->of_nft) == 0;
    walls->is_seen = has_ufw || has_nft;
    if (has_ufw && strstr(gh_buf_text(&walls->of_ufw), "Status: active"))
        walls->ufw = gh_buf_text(&walls->of_ufw);
    if (has_nft)
        walls->rules = gh_buf_text(&walls->of_nft);
    walls->drops = has_nft ? find_drop(walls->rules) : NULL;
}

static void
walls_done(struct walls *walls)
{
    gh_buf_done(&walls->of_ufw);
    gh_buf_done(&walls->of_nft);
    gh_free(&walls->drops);
}

static void
look_at_ufw(struct gh_doctor *doctor, const struct gh_check *check, const char *ufw,
            const struct gh_place *place)
{
    unsigned port = place->listen.port;
    char number[16];

    snprintf(number, sizeof number, "%u", port);
    char *fix GH_SCOPED(gh_free) = gh_doctor_fix(check, number);
    if (ufw_allows(ufw, port))
        gh_doctor_ok(doctor, "ufw lets others reach port %u", port);
    else
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, fix, "ufw keeps others from port %u%s", port,
                      place->is_loopback ? BY_SSH : "");
}

static void
tell_nft(struct gh_doctor *doctor, const char *chain, const struct gh_place *place)
{
    unsigned port = place->listen.port;
    char *fix GH_SCOPED(gh_free) =
        gh_asprintf("sudo nft insert rule %s tcp dport %u accept", chain, port);

    gh_doctor_bad(doctor, GH_VERDICT_WARNING, fix,
                  "nftables drops what it does not know (%s), and has no rule for port %u%s", chain,
                  port, place->is_loopback ? BY_SSH : "");
}

/* Returns whether there was something to say. */
static bool
look_at_walls(struct gh_doctor *doctor, const struct gh_check *check, const struct walls *walls,
              const struct gh_place *place)
{
    if (walls->ufw)
        look_at_ufw(doctor, check, walls->ufw, place);
    else if (walls->drops && !nft_names(walls->rules, place->listen.port))
        tell_nft(doctor, walls->drops, place);
    else
        return false;
    return true;
}

static void
look_at_firewall(struct gh_doctor *doctor, const struct gh_check *check)
{
    struct walls walls GH_SCOPED(walls_done) = {0};
    bool has_spoken = false;

    ask_walls(&walls);
    for (size_t i = 0; i < doctor->places.count; i++) {
        const struct gh_place *place = &doctor->places.list[i];
        if (place->is_main || !place->is_loopback)
            has_spoken |= look_at_walls(doctor, check, &walls, place);
    }
    if (!has_spoken)
        gh_doctor_ok(doctor, walls.is_seen ? "no rule in the way was found"
                                           : "none can be seen by this user");
}

const struct gh_check gh_port_checks[] = {
    {"port", look_at_ports, "ss -ltnp 'sport = :%s'"},
    {"firewall", look_at_firewall, "sudo ufw allow %s/tcp"},
    {NULL, NULL, NULL},
};
