/* SPDX-License-Identifier: Apache-2.0
 *
 * node/ledger.h - which process holds how much of this node's CPUs, memory and GPUs.
 *
 * A ledger of promises, not of use: a process is created with a request ("compute"), which is held
 * against what is free now or refused; nothing waits, and nothing stops a process from using more. A
 * GPU is one device: whole GPUs are devices that nobody else has, a fraction shares one device with
 * other fractions. Amounts count in units of 1/10000, as the client's server counts them.
 *
 * Pure accounting, no I/O. Loop thread only. Source: packages-and-processes.md section 3; runhouse
 * 0.0.42 servers/obj_store.py, get_servlet, and the checks of Ray behind it. */
#ifndef GH_NODE_LEDGER_H
#define GH_NODE_LEDGER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct gh_capacity;
struct gh_ledger;

/* What became of a request; each but the first is an exception class at the client. */
enum gh_ledger_verdict {
    GH_LEDGER_HELD,
    GH_LEDGER_NOT_FREE,  /* Exception: not there, or others hold it */
    GH_LEDGER_BAD_VALUE, /* ValueError: negative, or a fraction that cannot be */
    GH_LEDGER_BAD_TYPE,  /* TypeError: no number */
};

/* EXTRA is the setting resources, "NAME=NUMBER,...": what the node has besides, or has more or less
 * of (CPU, memory in bytes). Errors: GH_E_INPUT EXTRA cannot be read. */
int gh_ledger_new(const struct gh_capacity *capacity, const char *node_ip, const char *extra,
                  struct gh_ledger **ledger_out, struct gh_err *err) GH_MUST_USE;
void gh_ledger_free(struct gh_ledger **ledger_of);

/* The devices there are, by the names that CUDA_VISIBLE_DEVICES has for them. May be called again;
 * what is held stays held. */
void gh_ledger_set_gpus(struct gh_ledger *ledger, const char *const *names, unsigned count);

/* Hold what COMPUTE (an object, or NULL for nothing) asks for PROCESS. node_idx is not looked at.
 * All or nothing; WHY is the text for the client when refused. */
enum gh_ledger_verdict gh_ledger_hold(struct gh_ledger *ledger, const char *process,
                                      const json_t *compute, struct gh_buf *why) GH_MUST_USE;

/* What PROCESS holds is free again; nothing when it holds nothing. */
void gh_ledger_release(struct gh_ledger *ledger, const char *process);

/* Append the devices that PROCESS holds, "0,2"; returns their number. */
unsigned gh_ledger_add_gpus_of(const struct gh_ledger *ledger, const char *process,
                               struct gh_buf *out);

/* Append all devices, "0,1,2". */
void gh_ledger_add_all_gpus(const struct gh_ledger *ledger, struct gh_buf *out);

/* Append what is free as the text of a Python dict: {'memory': 16.0, 'CPU': 1.5}. */
void gh_ledger_add_free(const struct gh_ledger *ledger, struct gh_buf *out);

#endif
