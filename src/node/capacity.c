/* SPDX-License-Identifier: Apache-2.0 */
#include "node/capacity.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/usage.h"

#define CPUS_MAX 8192

static double
cpus_we_may_run_on(void)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int count = set && sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;

    CPU_FREE(set);
    return count > 0 ? count : online > 0 ? (double)online : 1;
}

static uint64_t
memory_of_machine(const char *root)
{
    char path[PATH_MAX];
    struct gh_memory memory;

    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    gh_usage_read_memory(path, &memory);
    return memory.total_bytes;
}

/* The first line of FOLDER/NAME; false when there is none. */
static bool
read_line(const char *folder, const char *name, char *out, size_t size)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    bool is_read = file && fgets(out, (int)size, file);
    if (file)
        fclose(file);
    return is_read;
}

static void
lower_cpus(struct gh_capacity *out, int64_t quota_us, int64_t period_us)
{
    if (quota_us > 0 && period_us > 0 && (double)quota_us / (double)period_us < out->cpus)
        out->cpus = (double)quota_us / (double)period_us;
}

static void
lower_memory(struct gh_capacity *out, const char *text)
{
    uint64_t bytes;

    if (sscanf(text, "%" SCNu64, &bytes) == 1 && bytes > 0 && bytes < out->memory_bytes)
        out->memory_bytes = bytes;
}

/* What the group whose folder is FOLDER allows; files that are not there limit nothing. */
static void
apply_group(const char *folder, struct gh_capacity *out)
{
    char text[128], period_text[128];
    int64_t quota_us, period_us;

    /* Version 2: "max 100000" has no number in front. */
    if (read_line(folder, "cpu.max", text, sizeof text) &&
        sscanf(text, "%" SCNd64 " %" SCNd64, &quota_us, &period_us) == 2)
        lower_cpus(out, quota_us, period_us);
    if (read_line(folder, "memory.max", text, sizeof text))
        lower_memory(out, text);

    /* Version 1: a quota of -1 is none. */
    if (read_line(folder, "cpu.cfs_quota_us", text, sizeof text) &&
        read_line(folder, "cpu.cfs_period_us", period_text, sizeof period_text) &&
        sscanf(text, "%" SCNd64, &quota_us) == 1 &&
        sscanf(period_text, "%" SCNd64, &period_us) == 1)
        lower_cpus(out, quota_us, period_us);
    if (read_line(folder, "memory.limit_in_bytes", text, sizeof text))
        lower_memory(out, text);
}

/* The group PATH ("/a/b") under MOUNT and all above it. In a container that sees the machine's paths
 * but mounts its own group alone, only the last of these is there. */
static void
apply_groups(const char *mount, const char *path, struct gh_capacity *out)
{
    char folder[PATH_MAX];
    size_t mount_len = strlen(mount);

    if (snprintf(folder, sizeof folder, "%s%s", mount, path) >= (int)sizeof folder)
        return;
    for (;;) {
        apply_group(folder, out);
        char *slash = strrchr(folder + mount_len, '/');
        if (!slash)
            return;
        *slash = '\0';
    }
}

/* One line of /proc/self/cgroup, "0::/path" or "4:cpu,cpuacct:/path". */
static void
apply_line(const char *root, char *line, struct gh_capacity *out)
{
    char mount[PATH_MAX];
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;

    if (!path)
        return;
    *controllers++ = '\0';
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (strcmp(path, "/") == 0)
        path = "";

    if (*controllers == '\0') {
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
        apply_groups(mount, path, out);
    }
    char *rest = NULL;
    for (char *name = strtok_r(controllers, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (strcmp(name, "cpu") != 0 && strcmp(name, "memory") != 0)
            continue;
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, name);
        apply_groups(mount, path, out);
    }
}

void
gh_capacity_read(const char *root, struct gh_capacity *out)
{
    char path[PATH_MAX], line[PATH_MAX];

    *out = (struct gh_capacity){cpus_we_may_run_on(), memory_of_machine(root)};
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        apply_line(root, line, out);
    if (file)
        fclose(file);
}
