/* SPDX-License-Identifier: Apache-2.0 */
#include "node/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
gh_usage_memory(struct gh_memory *out)
{
    char line[128];
    FILE *file = fopen("/proc/meminfo", "re");

    memset(out, 0, sizeof *out);
    while (file && fgets(line, sizeof line, file)) {
        uint64_t kib;
        if (sscanf(line, "MemTotal: %" SCNu64, &kib) == 1)
            out->total_bytes = kib * 1024;
        else if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            out->available_bytes = kib * 1024;
    }
    if (file)
        fclose(file);
    if (out->total_bytes)
        out->used_percent =
            100.0 * (double)(out->total_bytes - out->available_bytes) / (double)out->total_bytes;
}

double
gh_usage_cpu(struct gh_usage *usage)
{
    uint64_t ticks[8] = {0};
    uint64_t all = 0;
    FILE *file = fopen("/proc/stat", "re");

    if (!file)
        return 0;
    /* user nice system idle iowait irq softirq steal: proc(5) */
    int got = fscanf(file,
                     "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                     " %" SCNu64 " %" SCNu64,
                     &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                     &ticks[7]);
    fclose(file);
    for (int i = 0; i < got; i++)
        all += ticks[i];

    uint64_t busy = all - ticks[3] - ticks[4];
    uint64_t all_passed = all - usage->all_ticks;
    uint64_t busy_passed = busy - usage->busy_ticks;
    *usage = (struct gh_usage){busy, all};
    return all_passed ? 100.0 * (double)busy_passed / (double)all_passed : 0;
}

/* CPU seconds of PID and its age in seconds. */
static void
read_times(int pid, double *cpu_s, double *age_s)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    unsigned long long start = 0;
    struct timespec up;
    double tick = (double)sysconf(_SC_CLK_TCK);

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[len] = '\0';

    /* The name in parentheses may hold anything; fields count from behind the last one. */
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d "
                        "%*d %llu",
                        &user, &system, &start) != 3)
        return;
    clock_gettime(CLOCK_BOOTTIME, &up);
    *cpu_s = (double)(user + system) / tick;
    *age_s = (double)up.tv_sec + (double)up.tv_nsec / 1e9 - (double)start / tick;
}

void
gh_usage_process(int pid, struct gh_process_usage *out)
{
    char path[64];
    unsigned long resident = 0, shared = 0;
    double cpu_s = 0, age_s = 0;
    struct gh_memory memory;

    memset(out, 0, sizeof *out);
    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fscanf(file, "%*u %lu %lu", &resident, &shared) == 2)
        out->used_bytes = (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
    fclose(file);

    gh_usage_memory(&memory);
    if (memory.total_bytes)
        out->used_percent = 100.0 * (double)out->used_bytes / (double)memory.total_bytes;
    read_times(pid, &cpu_s, &age_s);
    if (age_s > 0)
        out->cpu_percent = 100.0 * cpu_s / age_s;
}
