/* SPDX-License-Identifier: Apache-2.0
 *
 * store/keys.h - which key lives in which process, and what it was made of.
 *
 * Workers report their keys; the index answers "where is it" without asking them. For modules it
 * also keeps the requests that made them (the spec), and sends them again to a worker that was
 * started anew, so that a module outlives its worker: it is then as it was put. Plain objects have
 * no spec and die with their worker. Specs live in memory. Loop thread only. */
#ifndef GH_STORE_KEYS_H
#define GH_STORE_KEYS_H

#include <stdbool.h>
#include <uthash.h>

#include "pool/pool.h"

struct gh_spec {
    struct gh_spec *next;
    enum gh_frame_kind kind;
    enum gh_serialization serialization;
    unsigned flags; /* GH_CALL_* */
    char *key;      /* its name then */
    char *method;
    uint8_t *data; /* inline data, or NULL when it is in FD */
    int fd;        /* sealed memfd, or -1 */
    uint64_t data_offset, data_len;
};

struct gh_key {
    UT_hash_handle hh; /* by name; iteration is in order of insertion */
    char *name;
    char *address;    /* "/user/name", or NULL */
    char *visibility; /* or NULL */
    char *type;       /* as /status shows it */
    char *app;        /* "asgi" or "wsgi": all below /NAME is its; NULL for what is called */
    bool is_resource;
    bool is_pending; /* its worker is new and has not been sent all of its specs */
    struct gh_process *process;
    uint64_t put_call_id; /* of the request that put it last; 0 when none of ours */
    struct gh_spec *specs;
    char *problem; /* why it could not be built, as plain text, or NULL */
};

struct gh_keys {
    struct gh_key *by_name;
};

struct gh_key *gh_keys_find(struct gh_keys *keys, struct gh_slice name);

/* Name NAME as living in PROCESS before its worker has said so. */
struct gh_key *gh_keys_declare(struct gh_keys *keys, const char *name, struct gh_process *process);
void gh_keys_drop(struct gh_keys *keys, struct gh_key *key);
void gh_keys_done(struct gh_keys *keys);

/* A copy of what HEAD and FD (dup'ed) hold. */
struct gh_spec *gh_spec_new(enum gh_frame_kind kind, const struct gh_call_head *head, int fd);

/* The list that begins with SPEC, copied. */
struct gh_spec *gh_spec_copy(const struct gh_spec *spec);
void gh_spec_append(struct gh_spec **list, struct gh_spec *spec);

/* Free the whole list. */
void gh_spec_free(struct gh_spec **spec_of);

/* The request CALL_ID put its key for good: SPEC takes the place of what the key was made of.
 * Frees SPEC when the key is no longer there. */
void gh_keys_made_of(struct gh_keys *keys, uint64_t call_id, struct gh_spec *spec);

/* SPEC is a further step in making KEY: the constructor call, which takes the place of an earlier
 * one. */
void gh_keys_add_spec(struct gh_key *key, struct gh_spec *spec);

/* KEY is made of the list *SPECS from now on, which is NULL afterwards. */
void gh_keys_take_specs(struct gh_key *key, struct gh_spec **specs);

/* For struct gh_pool_events; CONTEXT is the struct gh_keys. */
void gh_keys_on_started(void *context, struct gh_process *process);
void gh_keys_on_put(void *context, struct gh_process *process, struct gh_call *call,
                    const char *json, size_t len);
void gh_keys_on_gone(void *context, struct gh_process *process, struct gh_slice name);
void gh_keys_on_died(void *context, struct gh_process *process);
void gh_keys_on_removed(void *context, struct gh_process *process);

#endif
