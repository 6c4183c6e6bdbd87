/* SPDX-License-Identifier: Apache-2.0 */
#include "node/nvml.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define NVML_SUCCESS 0
#define NVML_ERROR_INSUFFICIENT_SIZE 7
#define NVML_UUID_BYTES 96u
#define LOOKS 12u            /* that utilization is averaged over */
#define USES_MAX (64u << 10) /* programs on one GPU */

struct nvml_memory {
    unsigned long long total, free, used;
};

struct nvml_utilization {
    unsigned gpu, memory;
};

/* nvmlProcessInfo_t of the calls _v2 and _v3. */
struct nvml_process {
    unsigned pid;
    unsigned long long used_bytes; /* all ones when the driver does not tell */
    unsigned gpu_instance, compute_instance;
};

typedef void *nvml_device;

struct gh_nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *count);
    int (*device)(unsigned index, nvml_device *device);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
    int (*utilization)(nvml_device device, struct nvml_utilization *utilization); /* may be NULL */
    int (*processes)(nvml_device device, unsigned *count,
                     struct nvml_process *to);                  /* may be NULL */
    int (*uuid)(nvml_device device, char *uuid, unsigned size); /* may be NULL */
    const char *(*error)(int code);                             /* may be NULL */

    unsigned gpu_count;
    struct {
        char name[GH_GPU_NAME_BYTES];
        nvml_device device; /* NULL: named in CUDA_VISIBLE_DEVICES, but no whole GPU (MIG) */
        unsigned char looks[LOOKS];
    } gpus[GH_GPUS_MAX];
    unsigned look_count;
};

static void
look_up(struct gh_nvml *nvml)
{
    const struct {
        const char *names[2]; /* the newest first */
        void **function;
    } symbols[] = {
        {{"nvmlInit_v2", "nvmlInit"}, (void **)&nvml->init},
        {{"nvmlShutdown"}, (void **)&nvml->shutdown},
        {{"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}, (void **)&nvml->count},
        {{"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}, (void **)&nvml->device},
        {{"nvmlDeviceGetMemoryInfo"}, (void **)&nvml->memory},
        {{"nvmlDeviceGetUtilizationRates"}, (void **)&nvml->utilization},
        {{"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"},
         (void **)&nvml->processes},
        {{"nvmlDeviceGetUUID"}, (void **)&nvml->uuid},
        {{"nvmlErrorString"}, (void **)&nvml->error},
    };

    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++)
        for (size_t k = 0; k < 2 && symbols[i].names[k] && !*symbols[i].function; k++)
            *symbols[i].function = dlsym(nvml->library, symbols[i].names[k]);
}

static int
failed(const struct gh_nvml *nvml, const char *what, int code, struct gh_err *err)
{
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s (%d)", what,
                      nvml->error ? nvml->error(code) : "error", code);
}

static void
add_gpu(struct gh_nvml *nvml, const char *name, size_t len, nvml_device device)
{
    if (nvml->gpu_count == GH_GPUS_MAX || len >= GH_GPU_NAME_BYTES)
        return;
    memcpy(nvml->gpus[nvml->gpu_count].name, name, len);
    nvml->gpus[nvml->gpu_count++].device = device;
}

static void
add_all(struct gh_nvml *nvml, const nvml_device *devices, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char name[12];
        int len = snprintf(name, sizeof name, "%u", i);
        add_gpu(nvml, name, (size_t)len, devices[i]);
    }
}

/* The device whose UUID begins with the LEN bytes at NAME, or NULL. */
static nvml_device
find_uuid(const struct gh_nvml *nvml, const nvml_device *devices, unsigned count, const char *name,
          size_t len)
{
    char uuid[NVML_UUID_BYTES];

    for (unsigned i = 0; nvml->uuid && i < count; i++)
        if (nvml->uuid(devices[i], uuid, sizeof uuid) == NVML_SUCCESS &&
            strncmp(uuid, name, len) == 0)
            return devices[i];
    return NULL;
}

/* As CUDA reads the variable: from the first entry that names no device, all is invisible. Source:
 * CUDA C++ Programming Guide, "CUDA Environment Variables". */
static void
add_visible(struct gh_nvml *nvml, const nvml_device *devices, unsigned count, const char *visible)
{
    for (const char *at = visible; *at;) {
        size_t len = strcspn(at, ",");
        char *end;

        if (strncmp(at, "MIG-", 4) == 0) {
            add_gpu(nvml, at, len, NULL);
        } else if (strncmp(at, "GPU-", 4) == 0) {
            nvml_device device = find_uuid(nvml, devices, count, at, len);
            if (!device)
                return;
            add_gpu(nvml, at, len, device);
        } else {
            unsigned long index = strtoul(at, &end, 10);
            if (at[0] < '0' || at[0] > '9' || end != at + len || index >= count)
                return;
            add_gpu(nvml, at, len, devices[index]);
        }
        at += len + (at[len] == ',');
    }
}

static int
find_gpus(struct gh_nvml *nvml, const char *visible, struct gh_err *err)
{
    nvml_device devices[GH_GPUS_MAX] = {NULL};
    unsigned count = 0;

    int code = nvml->count(&count);
    if (code != NVML_SUCCESS)
        return failed(nvml, "nvmlDeviceGetCount", code, err);
    if (count > GH_GPUS_MAX)
        count = GH_GPUS_MAX;
    for (unsigned i = 0; i < count; i++) {
        code = nvml->device(i, &devices[i]);
        if (code != NVML_SUCCESS)
            return failed(nvml, "nvmlDeviceGetHandleByIndex", code, err);
    }
    if (visible)
        add_visible(nvml, devices, count, visible);
    else
        add_all(nvml, devices, count);
    return GH_OK;
}

int
gh_nvml_open(const char *library, const char *visible, struct gh_nvml **nvml_out,
             struct gh_err *err)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);

    if (!handle)
        return gh_err_set(err, GH_E_NOT_FOUND, "%s", dlerror());

    struct gh_nvml *nvml = gh_alloc(sizeof *nvml);
    nvml->library = handle;
    look_up(nvml);
    if (!nvml->init || !nvml->shutdown || !nvml->count || !nvml->device || !nvml->memory) {
        gh_err_set(err, GH_E_SYSTEM, "%s is not NVIDIA's management library", library);
        dlclose(handle);
        free(nvml);
        return err ? err->code : GH_E_SYSTEM;
    }

    int code = nvml->init();
    int rc =
        code == NVML_SUCCESS ? find_gpus(nvml, visible, err) : failed(nvml, "nvmlInit", code, err);
    if (rc != GH_OK) {
        if (code == NVML_SUCCESS)
            nvml->shutdown();
        dlclose(handle);
        free(nvml);
        return rc;
    }
    *nvml_out = nvml;
    return GH_OK;
}

void
gh_nvml_close(struct gh_nvml **nvml_of)
{
    struct gh_nvml *nvml = *nvml_of;

    if (!nvml)
        return;
    *nvml_of = NULL;
    nvml->shutdown();
    dlclose(nvml->library);
    free(nvml);
}

/* ---- samples ---- */

static double
average_utilization(struct gh_nvml *nvml, unsigned gpu)
{
    struct nvml_utilization now = {0, 0};
    unsigned looks = nvml->look_count < LOOKS ? nvml->look_count + 1 : LOOKS;
    unsigned sum = 0;

    if (nvml->utilization && nvml->utilization(nvml->gpus[gpu].device, &now) != NVML_SUCCESS)
        now.gpu = 0; /* with MIG there is none */
    nvml->gpus[gpu].looks[nvml->look_count % LOOKS] =
        (unsigned char)(now.gpu > 100 ? 100 : now.gpu);
    for (unsigned i = 0; i < looks; i++)
        sum += nvml->gpus[gpu].looks[i];
    return (double)sum / looks;
}

/* All programs on the device; *COUNT_OUT of them, the caller's to free. */
static struct nvml_process *
list_processes(const struct gh_nvml *nvml, nvml_device device, unsigned *count_out)
{
    struct nvml_process *list = NULL;
    unsigned room = 32;

    *count_out = 0;
    while (nvml->processes && room <= USES_MAX) {
        unsigned count = room;
        list = gh_realloc(list, room * sizeof *list);
        int code = nvml->processes(device, &count, list);
        if (code == NVML_SUCCESS) {
            *count_out = count <= room ? count : room;
            break;
        }
        if (code != NVML_ERROR_INSUFFICIENT_SIZE)
            break;
        room *= 2;
    }
    return list;
}

static void
add_uses(const struct gh_nvml *nvml, unsigned gpu, struct gh_gpu_sample *sample)
{
    unsigned count;
    struct nvml_process *list GH_SCOPED(gh_free) =
        list_processes(nvml, nvml->gpus[gpu].device, &count);

    if (count == 0)
        return;
    sample->uses = gh_realloc(sample->uses, (sample->use_count + count) * sizeof sample->uses[0]);
    for (unsigned i = 0; i < count; i++)
        sample->uses[sample->use_count++] = (struct gh_gpu_use){
            .pid = (int)list[i].pid,
            .gpu = gpu,
            .used_bytes = list[i].used_bytes == ~0ull ? 0 : list[i].used_bytes,
        };
}

struct gh_gpu_sample *
gh_nvml_sample(struct gh_nvml *nvml)
{
    struct gh_gpu_sample *sample = gh_alloc(sizeof *sample);

    sample->gpu_count = nvml->gpu_count;
    for (unsigned i = 0; i < nvml->gpu_count; i++) {
        struct gh_gpu *gpu = &sample->gpus[i];
        struct nvml_memory memory = {0, 0, 0};

        memcpy(gpu->name, nvml->gpus[i].name, sizeof gpu->name);
        if (!nvml->gpus[i].device)
            continue;
        if (nvml->memory(nvml->gpus[i].device, &memory) == NVML_SUCCESS) {
            gpu->total_bytes = memory.total;
            gpu->used_bytes = memory.used;
            gpu->free_bytes = memory.free;
        }
        gpu->utilization_percent = average_utilization(nvml, i);
        add_uses(nvml, i, sample);
    }
    nvml->look_count++;
    return sample;
}

void
gh_gpu_sample_free(struct gh_gpu_sample **sample_of)
{
    struct gh_gpu_sample *sample = *sample_of;

    if (!sample)
        return;
    *sample_of = NULL;
    free(sample->uses);
    free(sample);
}
