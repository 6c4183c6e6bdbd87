/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/alloc.h"
#include "tls/pair.h"

/* The pairs of one name, by kind of key. */
struct choice {
    struct gh_pair *ecdsa, *rsa;
};

struct entry {
    UT_hash_handle hh;
    struct choice choice;
    char name[]; /* lower case */
};

struct gh_certs {
    struct entry *put;        /* by gh_certs_put */
    struct entry *of_files;   /* by gh_certs_put_files */
    struct entry *challenges; /* shown to acme-tls/1 alone */
    struct gh_pair **files;   /* these, in their order */
    size_t file_count;
    struct choice fallback;
    struct gh_certs_wait *waits;
    gh_certs_missing *missing;
    void *missing_context;
};

/* ---- names ---- */

/* NAME in lower case without a dot at the end; false when it is too long, or empty. */
static bool
fold(const char *name, char out[GH_CERTS_NAME_BYTES])
{
    size_t len = strlen(name);

    while (len > 0 && name[len - 1] == '.')
        len--;
    if (len == 0 || len >= GH_CERTS_NAME_BYTES)
        return false;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    out[len] = '\0';
    return true;
}

/* ---- choices and tables ---- */

/* Takes over the reference PAIR. */
static void
set_choice(struct choice *choice, struct gh_pair *pair)
{
    struct gh_pair **slot = gh_pair_facts(pair)->is_ecdsa ? &choice->ecdsa : &choice->rsa;

    gh_pair_unref(slot);
    *slot = pair;
}

static void
done_choice(struct choice *choice)
{
    gh_pair_unref(&choice->ecdsa);
    gh_pair_unref(&choice->rsa);
}

static struct gh_pair *
pick(const struct choice *choice, bool takes_ecdsa)
{
    if (!choice->ecdsa || !choice->rsa)
        return choice->ecdsa ? choice->ecdsa : choice->rsa;
    return takes_ecdsa ? choice->ecdsa : choice->rsa;
}

static const struct choice *
find(const struct entry *table, const char *name)
{
    struct entry *entry;

    HASH_FIND_STR(table, name, entry);
    return entry ? &entry->choice : NULL;
}

/* The choice for NAME to put a pair into. */
static struct choice *
place(struct entry **table, const char *name)
{
    struct entry *entry;

    HASH_FIND_STR(*table, name, entry);
    if (!entry) {
        entry = gh_alloc(sizeof *entry + strlen(name) + 1);
        strcpy(entry->name, name);
        HASH_ADD_STR(*table, name, entry);
    }
    return &entry->choice;
}

static void
drop_entry(struct entry **table, struct entry *entry)
{
    HASH_DEL(*table, entry);
    done_choice(&entry->choice);
    free(entry);
}

static void
drop_name(struct entry **table, const char *name)
{
    char folded[GH_CERTS_NAME_BYTES];
    struct entry *entry = NULL;

    if (fold(name, folded))
        HASH_FIND_STR(*table, folded, entry);
    if (entry)
        drop_entry(table, entry);
}

static void
drop_all(struct entry **table)
{
    struct entry *entry, *next;

    HASH_ITER(hh, *table, entry, next)
    {
        drop_entry(table, entry);
    }
}

/* ---- the set ---- */

struct gh_certs *
gh_certs_new(void)
{
    return gh_alloc(sizeof(struct gh_certs));
}

static void
drop_files(struct gh_certs *certs)
{
    for (size_t i = 0; i < certs->file_count; i++)
        gh_pair_unref(&certs->files[i]);
    gh_free(&certs->files);
    certs->file_count = 0;
    drop_all(&certs->of_files);
    done_choice(&certs->fallback);
}

void
gh_certs_free(struct gh_certs **certs_of)
{
    struct gh_certs *certs = gh_take(*certs_of);

    if (!certs)
        return;
    drop_all(&certs->put);
    drop_all(&certs->challenges);
    drop_files(certs);
    free(certs);
}

static int
put(struct entry **table, const char *name, struct gh_slice chain_pem, struct gh_slice key_pem,
    struct gh_err *err)
{
    char folded[GH_CERTS_NAME_BYTES];
    struct gh_pair *pair;

    if (!fold(name, folded))
        return gh_err_set(err, GH_E_INPUT, "'%.100s' is no name of a host", name);
    int rc = gh_pair_make(chain_pem, key_pem, &pair, err);
    if (rc == GH_OK)
        set_choice(place(table, folded), pair);
    return rc;
}

int
gh_certs_put(struct gh_certs *certs, const char *name, struct gh_slice chain_pem,
             struct gh_slice key_pem, struct gh_err *err)
{
    int rc = put(&certs->put, name, chain_pem, key_pem, err);

    if (rc == GH_OK)
        gh_certs_give_up(certs, name); /* nobody waits any more: it is here */
    return rc;
}

void
gh_certs_drop(struct gh_certs *certs, const char *name)
{
    drop_name(&certs->put, name);
}

int
gh_certs_put_challenge(struct gh_certs *certs, const char *name, struct gh_slice chain_pem,
                       struct gh_slice key_pem, struct gh_err *err)
{
    return put(&certs->challenges, name, chain_pem, key_pem, err);
}

void
gh_certs_drop_challenge(struct gh_certs *certs, const char *name)
{
    drop_name(&certs->challenges, name);
}

/* A name that two files have is the first one's, as with other servers. */
static void
put_file(struct entry **table, struct gh_pair *pair)
{
    const struct gh_words *names = gh_pair_facts(pair)->names;
    bool is_ecdsa = gh_pair_facts(pair)->is_ecdsa;

    for (size_t i = 0; i < names->count; i++) {
        struct choice *choice = place(table, names->list[i]);
        if (!(is_ecdsa ? choice->ecdsa : choice->rsa))
            set_choice(choice, gh_pair_ref(pair));
    }
}

void
gh_certs_put_files(struct gh_certs *certs, struct gh_pair *const *pairs, size_t count)
{
    struct entry *table = NULL;

    drop_files(certs);
    certs->files = gh_alloc((count + 1) * sizeof(struct gh_pair *));
    for (size_t i = 0; i < count; i++) {
        certs->files[certs->file_count++] = gh_pair_ref(pairs[i]);
        put_file(&table, pairs[i]);
        bool has_one = gh_pair_facts(pairs[i])->is_ecdsa ? certs->fallback.ecdsa != NULL
                                                         : certs->fallback.rsa != NULL;
        if (!has_one)
            set_choice(&certs->fallback, gh_pair_ref(pairs[i]));
    }
    certs->of_files = table;
}

/* By its own name, else by the wildcard that stands for its first label. */
static const struct choice *
look_up(const struct gh_certs *certs, const char *name)
{
    const struct entry *const tables[] = {certs->put, certs->of_files};
    char text[GH_CERTS_NAME_BYTES + 1];

    if (!fold(name, text + 1))
        return NULL;
    const char *folded = text + 1;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const struct choice *choice = find(tables[i], folded);
        if (choice)
            return choice;
    }
    char *dot = strchr(text + 1, '.');
    if (!dot || dot == text + 1)
        return NULL;
    dot[-1] = '*';
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const struct choice *choice = find(tables[i], dot - 1);
        if (choice)
            return choice;
    }
    return NULL;
}

struct gh_pair *
gh_certs_find(const struct gh_certs *certs, const char *name, bool takes_ecdsa)
{
    const struct choice *choice = name && *name ? look_up(certs, name) : NULL;

    return pick(choice ? choice : &certs->fallback, takes_ecdsa);
}

bool
gh_certs_has(const struct gh_certs *certs, const char *name)
{
    return look_up(certs, name) != NULL;
}

struct gh_pair *
gh_certs_find_challenge(const struct gh_certs *certs, const char *name)
{
    char folded[GH_CERTS_NAME_BYTES];
    const struct choice *choice = fold(name, folded) ? find(certs->challenges, folded) : NULL;

    return choice ? pick(choice, true) : NULL;
}

bool
gh_certs_has_challenges(const struct gh_certs *certs)
{
    return certs->challenges != NULL;
}

/* ---- names without a pair ---- */

void
gh_certs_on_missing(struct gh_certs *certs, gh_certs_missing *fn, void *context)
{
    certs->missing = fn;
    certs->missing_context = context;
}

bool
gh_certs_minds_missing(const struct gh_certs *certs)
{
    return certs->missing != NULL;
}

/* A pair that signed itself, as this node makes one for all its names, is none that is worth keeping to. */
static bool
has_signed(const struct gh_certs *certs, const char *name)
{
    const struct choice *choice = look_up(certs, name);
    const struct gh_pair *pair = choice ? pick(choice, true) : NULL;

    return pair && !gh_pair_facts(pair)->is_self_signed;
}

bool
gh_certs_wait(struct gh_certs *certs, const char *name, struct gh_certs_wait *wait)
{
    if (!certs->missing || !fold(name, wait->name) || has_signed(certs, name) ||
        !certs->missing(certs->missing_context, wait->name))
        return false;
    DL_APPEND(certs->waits, wait);
    wait->is_on = true;
    return true;
}

void
gh_certs_cancel(struct gh_certs *certs, struct gh_certs_wait *wait)
{
    if (!wait->is_on)
        return;
    DL_DELETE(certs->waits, wait);
    wait->is_on = false;
}

void
gh_certs_give_up(struct gh_certs *certs, const char *name)
{
    char folded[GH_CERTS_NAME_BYTES];
    struct gh_certs_wait *wait;

    if (!fold(name, folded))
        return;
    do { /* from the start each time: what a wait's end does may change the list */
        DL_FOREACH(certs->waits, wait)
        {
            if (strcmp(wait->name, folded) == 0)
                break;
        }
        if (wait) {
            gh_certs_cancel(certs, wait);
            wait->fn(wait->context);
        }
    } while (wait);
}

/* ---- what there is ---- */

void
gh_certs_each(const struct gh_certs *certs,
              void (*fn)(void *context, const char *name, const struct gh_pair *pair),
              void *context)
{
    for (size_t i = 0; i < certs->file_count; i++)
        fn(context, NULL, certs->files[i]);
    for (const struct entry *entry = certs->put; entry; entry = entry->hh.next) {
        if (entry->choice.ecdsa)
            fn(context, entry->name, entry->choice.ecdsa);
        if (entry->choice.rsa)
            fn(context, entry->name, entry->choice.rsa);
    }
}
