/* SPDX-License-Identifier: Apache-2.0
 *
 * node/nvml.h - what NVIDIA's management library knows of this machine's GPUs.
 *
 * The library is looked up by dlopen at run time and never linked. Every function here may block, for
 * a second when the driver has to be woken, for ever when it is broken: not for the loop's thread
 * (node/gpu.h calls it from one of its own). Source: nvml.h of the CUDA toolkit; symbols and structs
 * used are those of driver 510 and later, older ones where they are the same. */
#ifndef GH_NODE_NVML_H
#define GH_NODE_NVML_H

#include <stdint.h>

#include "base/err.h"

#define GH_GPUS_MAX 64u
#define GH_GPU_NAME_BYTES 96u

struct gh_nvml;

struct gh_gpu {
    char name[GH_GPU_NAME_BYTES]; /* what CUDA_VISIBLE_DEVICES calls it: "0", "GPU-..", "MIG-.." */
    uint64_t total_bytes, used_bytes, free_bytes; /* zero when it cannot be asked */
    double utilization_percent;                   /* over the last minute */
};

/* Memory that one program holds on one GPU. */
struct gh_gpu_use {
    int pid;
    unsigned gpu; /* index in the sample */
    uint64_t used_bytes;
};

struct gh_gpu_sample {
    unsigned gpu_count;
    struct gh_gpu gpus[GH_GPUS_MAX];
    struct gh_gpu_use *uses;
    unsigned use_count;
};

/* Load LIBRARY (a path, or a name for the loader) and count. VISIBLE is the CUDA_VISIBLE_DEVICES that
 * we were started with, or NULL: only what it names counts, in its order.
 * Errors: GH_E_NOT_FOUND there is no such library; GH_E_SYSTEM it, or its driver, does not work. */
int gh_nvml_open(const char *library, const char *visible, struct gh_nvml **nvml_out,
                 struct gh_err *err) GH_MUST_USE;
void gh_nvml_close(struct gh_nvml **nvml_of);

/* Look at all GPUs. Call it at regular times: utilization is averaged over the last twelve. */
struct gh_gpu_sample *gh_nvml_sample(struct gh_nvml *nvml);
void gh_gpu_sample_free(struct gh_gpu_sample **sample_of);

#endif
