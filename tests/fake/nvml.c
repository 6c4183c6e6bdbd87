/* SPDX-License-Identifier: Apache-2.0
 *
 * fake/nvml.c - a stand-in for NVIDIA's management library, as much of it as the daemon asks.
 *
 * What it answers is in environment variables of the program that loads it:
 *
 *     FAKE_NVML_GPUS         how many GPUs there are (0)
 *     FAKE_NVML_TOTAL_BYTES  memory of each (16 GiB); _USED_BYTES of it (4 GiB)
 *     FAKE_NVML_UTILIZATION  percent of each, "10,20"; the last one counts on
 *     FAKE_NVML_PROCESSES    a file of lines "pid gpu bytes", read at each question
 *     FAKE_NVML_INIT_CODE    what nvmlInit answers instead of success
 *     FAKE_NVML_INIT_UNTIL   a file: nvmlInit does not return before it exists */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define SUCCESS 0
#define INVALID_ARGUMENT 2
#define INSUFFICIENT_SIZE 7

struct memory {
    unsigned long long total, free, used;
};

struct utilization {
    unsigned gpu, memory;
};

struct process {
    unsigned pid;
    unsigned long long used_bytes;
    unsigned gpu_instance, compute_instance;
};

static unsigned long long
number(const char *name, unsigned long long preset)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : preset;
}

/* A handle is the index and one, so that none is NULL. */
static unsigned
index_of(const void *device)
{
    return (unsigned)(size_t)device - 1;
}

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlDeviceGetCount_v2(unsigned *count);
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
EXPORT int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory);
EXPORT int nvmlDeviceGetUtilizationRates(void *device, struct utilization *utilization);
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count,
                                                   struct process *list);
EXPORT int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size);
EXPORT const char *nvmlErrorString(int code);

int
nvmlInit_v2(void)
{
    const char *until = getenv("FAKE_NVML_INIT_UNTIL");
    const struct timespec tick = {0, 2000000};

    while (until && access(until, F_OK) != 0)
        nanosleep(&tick, NULL);
    return (int)number("FAKE_NVML_INIT_CODE", SUCCESS);
}

int
nvmlShutdown(void)
{
    return SUCCESS;
}

int
nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = (unsigned)number("FAKE_NVML_GPUS", 0);
    return SUCCESS;
}

int
nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    if (index >= number("FAKE_NVML_GPUS", 0))
        return INVALID_ARGUMENT;
    *device = (void *)(size_t)(index + 1);
    return SUCCESS;
}

int
nvmlDeviceGetMemoryInfo(void *device, struct memory *memory)
{
    (void)device;
    memory->total = number("FAKE_NVML_TOTAL_BYTES", 16ull << 30);
    memory->used = number("FAKE_NVML_USED_BYTES", 4ull << 30);
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int
nvmlDeviceGetUtilizationRates(void *device, struct utilization *utilization)
{
    const char *text = getenv("FAKE_NVML_UTILIZATION");

    for (unsigned i = 0; text && i < index_of(device) && strchr(text, ','); i++)
        text = strchr(text, ',') + 1;
    *utilization = (struct utilization){text ? (unsigned)atoi(text) : 0, 0};
    return SUCCESS;
}

int
nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, struct process *list)
{
    const char *path = getenv("FAKE_NVML_PROCESSES");
    FILE *file = path ? fopen(path, "re") : NULL;
    unsigned room = *count, found = 0, pid, gpu;
    unsigned long long bytes;

    while (file && fscanf(file, "%u %u %llu", &pid, &gpu, &bytes) == 3) {
        if (gpu != index_of(device))
            continue;
        if (found < room)
            list[found] = (struct process){pid, bytes, 0, 0};
        found++;
    }
    if (file)
        fclose(file);
    *count = found;
    return found > room ? INSUFFICIENT_SIZE : SUCCESS;
}

int
nvmlDeviceGetUUID(void *device, char *uuid, unsigned size)
{
    snprintf(uuid, size, "GPU-%08x-0000-0000-0000-000000000000", 0xabc0u + index_of(device));
    return SUCCESS;
}

const char *
nvmlErrorString(int code)
{
    return code == SUCCESS ? "Success" : "Fake error";
}
