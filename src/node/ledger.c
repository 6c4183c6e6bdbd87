/* SPDX-License-Identifier: Apache-2.0 */
#include "node/ledger.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "node/capacity.h"
#include "node/nvml.h"

#define UNIT 10000             /* Ray's: RESOURCE_UNIT_SCALING */
#define AMOUNT_MAX (1ll << 49) /* whole units that still fit, times UNIT, into an int64_t */

/* One kind of thing: "CPU". */
struct amount {
    struct amount *prev, *next;
    char *name;
    int64_t total, free; /* in 1/UNIT; total is less than what is held after a device has gone */
};

struct device {
    char *name; /* in CUDA_VISIBLE_DEVICES */
    int64_t free;
};

/* What one process holds of one kind. */
struct share {
    struct amount *amount;
    int64_t held;
};

struct holder {
    struct holder *prev, *next;
    char *process;
    size_t share_count;
    struct share *shares;
    int64_t of_device[GH_GPUS_MAX];
};

struct gh_ledger {
    struct amount *amounts; /* in the order in which they are shown */
    struct amount *gpu;
    struct holder *holders;
    struct device devices[GH_GPUS_MAX];
    unsigned device_count;
};

static struct amount *
find_amount(const struct gh_ledger *ledger, const char *name)
{
    struct amount *amount;

    DL_FOREACH(ledger->amounts, amount)
    {
        if (strcmp(amount->name, name) == 0)
            return amount;
    }
    return NULL;
}

static struct amount *
set_amount(struct gh_ledger *ledger, const char *name, double value)
{
    struct amount *amount = find_amount(ledger, name);

    if (!amount) {
        amount = gh_alloc(sizeof *amount);
        amount->name = gh_strdup(name);
        DL_APPEND(ledger->amounts, amount);
    }
    amount->total = amount->free = (int64_t)floor(value * UNIT);
    return amount;
}

static struct holder *
find_holder(const struct gh_ledger *ledger, const char *process)
{
    struct holder *holder;

    DL_FOREACH(ledger->holders, holder)
    {
        if (strcmp(holder->process, process) == 0)
            return holder;
    }
    return NULL;
}

/* ---- what there is ---- */

/* One "NAME=NUMBER" of the setting. */
static int
add_extra(struct gh_ledger *ledger, const char *text, struct gh_err *err)
{
    const char *equals = strchr(text, '=');
    char *end;
    double value = equals ? strtod(equals + 1, &end) : -1;

    if (!equals || equals == text || end == equals + 1 || *end || !isfinite(value) || value < 0 ||
        value > (double)AMOUNT_MAX || strncmp(text, "GPU=", 4) == 0)
        return gh_err_set(
            err, GH_E_INPUT,
            "resources has '%s', but must read NAME=NUMBER,... as in CPU=8,licence=2; "
            "GPUs are counted, not declared",
            text);
    char *name GH_SCOPED(gh_free) = gh_strndup(text, (size_t)(equals - text));
    set_amount(ledger, name, value);
    return GH_OK;
}

static int
add_extras(struct gh_ledger *ledger, const char *extra, struct gh_err *err)
{
    char *copy GH_SCOPED(gh_free) = gh_strdup(extra);
    char *rest = NULL;

    for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        int rc = add_extra(ledger, item, err);
        if (rc != GH_OK)
            return rc;
    }
    return GH_OK;
}

int
gh_ledger_new(const struct gh_capacity *capacity, const char *node_ip, const char *extra,
              struct gh_ledger **ledger_out, struct gh_err *err)
{
    struct gh_ledger *ledger GH_SCOPED(gh_ledger_free) = gh_alloc(sizeof *ledger);
    char *node GH_SCOPED(gh_free) = gh_asprintf("node:%s", node_ip);

    set_amount(ledger, node, 1);
    set_amount(ledger, "memory", (double)capacity->memory_bytes);
    set_amount(ledger, "CPU", capacity->cpus);
    ledger->gpu = set_amount(ledger, "GPU", 0);
    set_amount(ledger, "node:__internal_head__", 1);

    int rc = add_extras(ledger, extra, err);
    if (rc == GH_OK)
        *ledger_out = gh_take(ledger);
    return rc;
}

static void
holder_free(struct gh_ledger *ledger, struct holder *holder)
{
    DL_DELETE(ledger->holders, holder);
    free(holder->process);
    free(holder->shares);
    free(holder);
}

void
gh_ledger_free(struct gh_ledger **ledger_of)
{
    struct gh_ledger *ledger = *ledger_of;
    struct amount *amount, *next;

    if (!ledger)
        return;
    *ledger_of = NULL;
    while (ledger->holders)
        holder_free(ledger, ledger->holders);
    DL_FOREACH_SAFE(ledger->amounts, amount, next)
    {
        free(amount->name);
        free(amount);
    }
    for (unsigned i = 0; i < ledger->device_count; i++)
        free(ledger->devices[i].name);
    free(ledger);
}

void
gh_ledger_set_gpus(struct gh_ledger *ledger, const char *const *names, unsigned count)
{
    int64_t held = ledger->gpu->total - ledger->gpu->free;
    struct holder *holder;

    for (unsigned i = 0; i < ledger->device_count; i++)
        free(ledger->devices[i].name);
    ledger->device_count = count < GH_GPUS_MAX ? count : GH_GPUS_MAX;
    for (unsigned i = 0; i < ledger->device_count; i++) {
        ledger->devices[i] = (struct device){gh_strdup(names[i]), UNIT};
        DL_FOREACH(ledger->holders, holder)
        {
            ledger->devices[i].free -= holder->of_device[i];
        }
    }
    ledger->gpu->total = (int64_t)ledger->device_count * UNIT;
    ledger->gpu->free = ledger->gpu->total - held;
}

/* ---- text, as Python writes it ---- */

/* A float that is a whole number of 1/UNIT. */
static void
add_float(struct gh_buf *out, int64_t value)
{
    int64_t whole = value / UNIT, part = value % UNIT;
    int digits = 4;

    while (digits > 1 && part % 10 == 0) {
        part /= 10;
        digits--;
    }
    gh_buf_addf(out, "%" PRId64 ".%0*" PRId64, whole, digits, part);
}

void
gh_ledger_add_free(const struct gh_ledger *ledger, struct gh_buf *out)
{
    const struct amount *amount;
    const char *comma = "";

    gh_buf_add_byte(out, '{');
    DL_FOREACH(ledger->amounts, amount)
    {
        if (amount->free <= 0)
            continue; /* as Ray has it: of what is not listed, nothing is free */
        gh_buf_addf(out, "%s'%s': ", comma, amount->name);
        add_float(out, amount->free);
        comma = ", ";
    }
    gh_buf_add_byte(out, '}');
}

/* VALUE as str() has it, near enough for a person. */
static void
add_value(struct gh_buf *out, const json_t *value)
{
    if (json_is_boolean(value)) {
        gh_buf_add_text(out, json_is_true(value) ? "True" : "False");
    } else if (json_is_null(value)) {
        gh_buf_add_text(out, "None");
    } else if (json_is_string(value)) {
        gh_buf_add_text(out, json_string_value(value));
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        gh_buf_add_text(out, text ? text : "?");
        free(text);
    }
}

/* ---- requests ---- */

static enum gh_ledger_verdict
not_free(const struct gh_ledger *ledger, const char *name, const json_t *value, const char *more,
         struct gh_buf *why)
{
    gh_buf_addf(why, "Requested resource %s=", name);
    add_value(why, value);
    gh_buf_add_text(why, " is not available on the cluster. Available resources: ");
    gh_ledger_add_free(ledger, why);
    gh_buf_add_text(why, more);
    return GH_LEDGER_NOT_FREE;
}

/* The words of Ray for its own options. */
static const char *
option_name(const char *name)
{
    return strcmp(name, "CPU") == 0 ? "num_cpus" : strcmp(name, "GPU") == 0 ? "num_gpus" : name;
}

static double
number_of(const json_t *value)
{
    return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
}

/* What one entry asks, in 1/UNIT. */
static enum gh_ledger_verdict
read_entry(const struct gh_ledger *ledger, const char *name, const json_t *value,
           const struct amount *amount, int64_t *asked_out, struct gh_buf *why)
{
    if (!json_is_number(value) && !json_is_boolean(value)) {
        if (!amount)
            return not_free(ledger, name, value, "", why);
        gh_buf_addf(why, "Requested resource %s=", name);
        add_value(why, value);
        gh_buf_add_text(why, " is no number.");
        return GH_LEDGER_BAD_TYPE;
    }

    double number = number_of(value);
    if (number < 0) {
        gh_buf_addf(why, "The quantity of resource %s cannot be negative", option_name(name));
        return GH_LEDGER_BAD_VALUE;
    }
    if (number > 0 && number * UNIT < 1) {
        gh_buf_addf(why,
                    "The precision of the fractional quantity of resource %s cannot go beyond "
                    "0.0001",
                    option_name(name));
        return GH_LEDGER_BAD_VALUE;
    }
    if (strcmp(name, "GPU") == 0 && number > 1 && number != floor(number)) {
        gh_buf_add_text(
            why, "GPU resource quantities >1 must be whole numbers. The specified quantity ");
        add_value(why, value);
        gh_buf_add_text(why, " is invalid.");
        return GH_LEDGER_BAD_VALUE;
    }
    if (number > 0 && (!amount || number > (double)AMOUNT_MAX))
        return not_free(ledger, name, value, "", why);
    *asked_out = (int64_t)floor(number * UNIT + 1e-6); /* 0.3 * 10000 is a little less than 3000 */
    return *asked_out > 0 && *asked_out > amount->free ? not_free(ledger, name, value, "", why)
                                                       : GH_LEDGER_HELD;
}

/* The device on which ASKED, less than one, leaves the least; -1 when it fits on none. */
static int
best_device(const struct gh_ledger *ledger, int64_t asked)
{
    int best = -1;

    for (unsigned i = 0; i < ledger->device_count; i++)
        if (ledger->devices[i].free >= asked &&
            (best < 0 || ledger->devices[i].free < ledger->devices[best].free))
            best = (int)i;
    return best;
}

/* Choose devices for ASKED; false when no device, or not enough whole ones, are left. */
static bool
choose_devices(const struct gh_ledger *ledger, int64_t asked, struct holder *holder)
{
    if (asked > 0 && asked < UNIT) {
        int device = best_device(ledger, asked);
        if (device >= 0)
            holder->of_device[device] = asked;
        return device >= 0;
    }
    for (unsigned i = 0; i < ledger->device_count && asked > 0; i++) {
        if (ledger->devices[i].free < UNIT)
            continue;
        holder->of_device[i] = UNIT;
        asked -= UNIT;
    }
    return asked == 0;
}

/* Read all of COMPUTE into HOLDER, before anything is taken. */
static enum gh_ledger_verdict
read_compute(const struct gh_ledger *ledger, json_t *compute, struct holder *holder,
             struct gh_buf *why)
{
    const char *name;
    json_t *value;

    holder->shares = gh_alloc((json_object_size(compute) + 1) * sizeof holder->shares[0]);
    json_object_foreach(compute, name, value)
    {
        struct amount *amount = find_amount(ledger, name);
        int64_t asked = 0;
        if (strcmp(name, "node_idx") == 0)
            continue;

        enum gh_ledger_verdict verdict = read_entry(ledger, name, value, amount, &asked, why);
        if (verdict != GH_LEDGER_HELD)
            return verdict;
        if (asked == 0)
            continue; /* nothing of anything is always there */
        if (amount == ledger->gpu && !choose_devices(ledger, asked, holder))
            return not_free(ledger, name, value,
                            asked < UNIT ? " No single GPU has that much left."
                                         : " Not so many GPUs are wholly free.",
                            why);
        holder->shares[holder->share_count++] = (struct share){amount, asked};
    }
    return GH_LEDGER_HELD;
}

/* Give (SIGN -1) or take back (+1) what HOLDER has. */
static void
book(struct gh_ledger *ledger, const struct holder *holder, int sign)
{
    for (size_t i = 0; i < holder->share_count; i++)
        holder->shares[i].amount->free += sign * holder->shares[i].held;
    for (unsigned i = 0; i < ledger->device_count; i++)
        ledger->devices[i].free += sign * holder->of_device[i];
}

enum gh_ledger_verdict
gh_ledger_hold(struct gh_ledger *ledger, const char *process, const json_t *compute,
               struct gh_buf *why)
{
    struct holder *holder = gh_alloc(sizeof *holder);

    holder->process = gh_strdup(process);
    DL_APPEND(ledger->holders, holder);
    enum gh_ledger_verdict verdict =
        read_compute(ledger, (json_t *)(uintptr_t)compute, holder, why);
    if (verdict == GH_LEDGER_HELD && holder->share_count > 0)
        book(ledger, holder, -1);
    else
        holder_free(ledger, holder);
    return verdict;
}

void
gh_ledger_release(struct gh_ledger *ledger, const char *process)
{
    struct holder *holder = find_holder(ledger, process);

    if (!holder)
        return;
    book(ledger, holder, 1);
    holder_free(ledger, holder);
}

/* ---- what a process sees ---- */

unsigned
gh_ledger_add_gpus_of(const struct gh_ledger *ledger, const char *process, struct gh_buf *out)
{
    const struct holder *holder = find_holder(ledger, process);
    unsigned count = 0;

    for (unsigned i = 0; holder && i < ledger->device_count; i++)
        if (holder->of_device[i] > 0)
            gh_buf_addf(out, "%s%s", count++ ? "," : "", ledger->devices[i].name);
    return count;
}

void
gh_ledger_add_all_gpus(const struct gh_ledger *ledger, struct gh_buf *out)
{
    for (unsigned i = 0; i < ledger->device_count; i++)
        gh_buf_addf(out, "%s%s", i ? "," : "", ledger->devices[i].name);
}
