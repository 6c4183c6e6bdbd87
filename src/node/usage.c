/* SPDX-License-Identifier: Apache-2.0 */
#include "node/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
gh_usage_memory(struct gh_memory *out)
{
    gh_usage_read_memory("/proc/meminfo", out);
}

void
gh_usage_read_memory(const char *path, struct gh_memory *out)
{
    char line[128];
    FILE *file = fopen(path, "re");

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
