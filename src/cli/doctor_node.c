/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor_node.c - the machine: programs, state folder, memory, limits, clock. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "wire/pyenv.h"

#define DISK_FAILED_BYTES (100.0 * (1 << 20))
#define DISK_WARNING_BYTES (1024.0 * (1 << 20)) /* a torch wheel unpacked is more */
#define INODES_WARNING 10000u
#define MEMORY_WARNING_KIB (512ull << 10)
#define FILES_WARNING                                                                              \
    4096u /* connections, workers and their pipes; the daemon takes the hard limit */
#define CLOCK_OLDEST 1767225600 /* 2026-01-01: no clock of a node that runs this is before it */

static void
look_at_program(struct gh_doctor *doctor, const struct gh_check *check)
{
    char path[PATH_MAX];

    if (gh_pyenv_find_on_path(check->name, path) == 0)
        gh_doctor_ok(doctor, "%s", path);
    else
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, check->fix,
                      "there is no %s on PATH: packages from git repositories cannot be installed",
                      check->name);
}

/* ---- who keeps it running ---- */

static void
look_at_service(struct gh_doctor *doctor, const struct gh_check *check)
{
    json_t *node GH_SCOPED(gh_json_drop) = NULL;
    struct gh_err err;

    (void)check;
    if (!doctor->client || gh_facts_node(doctor->client, &node, &err) != GH_EXIT_OK || !node)
        gh_doctor_ok(doctor, "no daemon runs here now");
    else if (gh_facts_text(node, "unit"))
        gh_doctor_ok(doctor, "systemd runs it, as %s", gh_facts_text(node, "unit"));
    else
        gh_doctor_ok(doctor, "it was started by hand, and will not be back after a reboot "
                             "(docs/systemd.md)");
}

/* ---- state folder and disk ---- */

/* PATH or the nearest folder above it that is there. */
static char *
nearest_folder(const char *path)
{
    char *folder = gh_strdup(path);
    char *slash;

    while (access(folder, F_OK) != 0 && (slash = strrchr(folder, '/')) && slash != folder)
        *slash = '\0';
    if (access(folder, F_OK) != 0)
        strcpy(folder, "/");
    return folder;
}

static void
look_at_state(struct gh_doctor *doctor, const struct gh_check *check)
{
    char *folder GH_SCOPED(gh_free) = nearest_folder(doctor->state_dir);
    bool is_there = strcmp(folder, doctor->state_dir) == 0;
    struct stat info;

    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, NULL,
                      "%s is no folder; name another by --state-dir", folder);
    else if (access(folder, R_OK | W_OK | X_OK) == 0)
        gh_doctor_ok(doctor, "%s can be %s", doctor->state_dir, is_there ? "written to" : "made");
    else {
        char *fix GH_SCOPED(gh_free) = gh_doctor_fix(check, doctor->state_dir);
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, fix, "%s cannot be %s: %s", doctor->state_dir,
                      is_there ? "written to" : "made", strerror(errno));
    }
}

static void
look_at_disk(struct gh_doctor *doctor, const struct gh_check *check)
{
    char *folder GH_SCOPED(gh_free) = nearest_folder(doctor->state_dir);
    char *fix GH_SCOPED(gh_free) = gh_doctor_fix(check, folder);
    char free_text[GH_QUANTITY_MAX_BYTES];
    struct statvfs disk;

    if (statvfs(folder, &disk) != 0)
        return; /* the row above says what is wrong with it */
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    bool lacks_inodes = disk.f_files > 0 && disk.f_favail < INODES_WARNING;
    gh_out_bytes(free_text, sizeof free_text, free_bytes);
    if (free_bytes < DISK_WARNING_BYTES)
        gh_doctor_bad(doctor,
                      free_bytes < DISK_FAILED_BYTES ? GH_VERDICT_FAILED : GH_VERDICT_WARNING, fix,
                      "%s are free where %s is", free_text, folder);
    else if (lacks_inodes)
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, fix, "%llu files can still be made where %s is",
                      (unsigned long long)disk.f_favail, folder);
    else
        gh_doctor_ok(doctor, "%s are free where %s is", free_text, folder);
}

/* ---- memory and limits ---- */

static unsigned long long
available_kib(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long long kib = 0;
    char line[128];

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

static void
look_at_memory(struct gh_doctor *doctor, const struct gh_check *check)
{
    unsigned long long kib = available_kib();
    char text[GH_QUANTITY_MAX_BYTES];

    gh_out_bytes(text, sizeof text, (double)kib * 1024);
    if (kib < MEMORY_WARNING_KIB)
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, check->fix, "%s of memory are available", text);
    else
        gh_doctor_ok(doctor, "%s are available", text);
}

static void
look_at_files(struct gh_doctor *doctor, const struct gh_check *check)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    unsigned long long most = (unsigned long long)limit.rlim_max;
    if (most < FILES_WARNING)
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, check->fix,
                      "a process may have %llu open files (ulimit -Hn), which is few for many "
                      "connections",
                      most);
    else
        gh_doctor_ok(doctor, "up to %llu (ulimit -Hn)", most);
}

/* ---- clock ---- */

static void
look_at_clock(struct gh_doctor *doctor, const struct gh_check *check)
{
    struct timex state = {.modes = 0};
    time_t now = time(NULL);
    char text[32];
    struct tm parts;

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    if (now < CLOCK_OLDEST)
        gh_doctor_bad(doctor, GH_VERDICT_FAILED, check->fix,
                      "it is %s by the clock, and certificates will not be valid", text);
    else if (adjtimex(&state) == TIME_ERROR && (state.status & STA_UNSYNC))
        gh_doctor_bad(doctor, GH_VERDICT_WARNING, check->fix, "%s, and nothing keeps it right",
                      text);
    else
        gh_doctor_ok(doctor, "%s", text);
}

const struct gh_check gh_node_checks[] = {
    {"git", look_at_program, "apt-get install git"},
    {"service", look_at_service, NULL},
    {"state folder", look_at_state, "sudo install -d -o \"$(id -un)\" -m 700 %s"},
    {"disk", look_at_disk, "du -xh --max-depth=2 %s | sort -h | tail"},
    {"memory", look_at_memory, "ps -eo rss,pid,args --sort=-rss | head"},
    {"open files", look_at_files,
     "echo \"$(id -un) hard nofile 65536\" | sudo tee /etc/security/limits.d/gatehouse.conf"},
    {"clock", look_at_clock, "sudo apt-get install systemd-timesyncd"},
    {NULL, NULL, NULL},
};
