/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/denfacts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"

static uint64_t
now_ms(const struct gh_denfacts *facts)
{
    return uv_now(facts->loop);
}

bool
gh_denfacts_has_den(const struct gh_denfacts *facts)
{
    return facts->net && facts->settings->api_server_url[0];
}

/* ---- the table ---- */

/* Nobody waits for FACT. */
static void
fact_free(struct gh_denfact *fact)
{
    gh_denask_cancel(fact->ask);
    free(fact);
}

/* One that is asked for goes when its waiters have been told, who may do anything meanwhile. */
static void
free_if_over(struct gh_denfact *fact)
{
    if (fact->is_dropped && !fact->is_telling && !fact->ask && !fact->waits)
        fact_free(fact);
}

/* Out of the table. */
static void
drop(struct gh_denfacts *facts, struct gh_denfact *fact)
{
    HASH_DEL(facts->by_names, fact);
    fact->is_dropped = true;
    free_if_over(fact);
}

static void
make_room(struct gh_denfacts *facts)
{
    struct gh_denfact *fact, *next;

    HASH_ITER(hh, facts->by_names, fact, next)
    {
        if (HASH_COUNT(facts->by_names) < GH_DENFACTS_MAX)
            return;
        if (!fact->ask)
            drop(facts, fact);
    }
}

static void
add(struct gh_denfacts *facts, struct gh_denfact *fact)
{
    HASH_ADD(hh, facts->by_names, names, sizeof fact->names, fact);
}

/* The fact about NAME; one that is not there is made only to be asked for, or strangers whom nobody asks
 * about would push others out. */
static struct gh_denfact *
find(struct gh_denfacts *facts, const struct gh_denfact_name *name, bool may_add)
{
    struct gh_slice uri = {name->uri, strlen(name->uri)};
    struct gh_digest names[2] = {*name->digest, gh_digest_of(uri)};
    struct gh_denfact *fact;

    HASH_FIND(hh, facts->by_names, names, sizeof names, fact);
    if (fact || !may_add)
        return fact;
    make_room(facts);
    fact = gh_alloc(sizeof *fact);
    memcpy(fact->names, names, sizeof names);
    add(facts, fact);
    return fact;
}

/* ---- whether Den is there ---- */

/* Said once when it goes and once when it is back: one that answers some questions and fails at others
 * stays one that fails. */
static void
note_failure(struct gh_denfacts *facts, const char *problem)
{
    unsigned pause_ms = GH_DENFACTS_PAUSE_MS;

    if (!facts->is_failing)
        gh_log(GH_LOG_WARN, "auth.den_failed", "url=%s reason=%s note=%s",
               gh_log_quote(facts->settings->api_server_url), gh_log_quote(problem),
               "\"callers it has let in lately still get in, others are asked to come again\"");
    facts->is_failing = true;
    facts->successes = 0;
    if (facts->failures >= GH_DENFACTS_FAILURES && now_ms(facts) < facts->closed_until_ms)
        return; /* of a question from before the pause */
    facts->failures++;
    for (unsigned i = GH_DENFACTS_FAILURES;
         i < facts->failures && pause_ms < GH_DENFACTS_PAUSE_MAX_MS; i++)
        pause_ms *= 2;
    facts->closed_until_ms =
        now_ms(facts) + (pause_ms < GH_DENFACTS_PAUSE_MAX_MS ? pause_ms : GH_DENFACTS_PAUSE_MAX_MS);
}

static void
note_success(struct gh_denfacts *facts)
{
    facts->failures = 0;
    facts->closed_until_ms = 0;
    if (facts->is_failing && ++facts->successes >= GH_DENFACTS_SUCCESSES) {
        facts->is_failing = false;
        facts->successes = 0;
        gh_log(GH_LOG_INFO, "auth.den_back", "url=%s",
               gh_log_quote(facts->settings->api_server_url));
    }
}

/* A few failures pass: Den may answer the next question. After more of them one question at a time goes
 * out when a pause is over, to find out. */
static bool
may_ask_now(const struct gh_denfacts *facts)
{
    if (facts->is_stopped || facts->asking >= GH_DENFACTS_ASKING_MAX)
        return false;
    if (facts->failures < GH_DENFACTS_FAILURES)
        return true;
    return facts->asking == 0 && now_ms(facts) >= facts->closed_until_ms;
}

unsigned
gh_denfacts_retry_s(const struct gh_denfacts *facts)
{
    uint64_t now = now_ms(facts);
    return facts->closed_until_ms > now ? (unsigned)((facts->closed_until_ms - now + 999) / 1000)
                                        : 1;
}

/* ---- asking ---- */

static void
tell_waiters(struct gh_denfact *fact)
{
    fact->is_telling = true;
    while (fact->waits) {
        struct gh_denfact_wait *wait = fact->waits;
        gh_denfact_leave(wait);
        wait->fn(wait->context);
    }
    fact->is_telling = false;
}

static bool
allows(const struct gh_denask_word *word)
{
    return word->is_valid || word->level != GH_LEVEL_NONE || word->user[0];
}

static void
take_word(struct gh_denfacts *facts, struct gh_denfact *fact, const struct gh_denask_word *word)
{
    const struct gh_settings *settings = facts->settings;
    bool is_yes = allows(word);

    fact->is_known = true;
    fact->word = *word;
    uint64_t seconds = is_yes ? settings->den_cache_s : settings->den_denied_cache_s;
    fact->fresh_until_ms = now_ms(facts) + 1000 * seconds;
    fact->stale_until_ms = fact->fresh_until_ms + (is_yes ? 1000 * settings->den_stale_s : 0);
}

/* FACT is not asked for any more, and must not be touched afterwards. */
static void
end_ask(struct gh_denfacts *facts, struct gh_denfact *fact)
{
    DL_DELETE(facts->in_flight, fact);
    facts->asking--;
    fact->ask = NULL;
    tell_waiters(fact);
    free_if_over(fact);
}

/* Part of the questions may have failed where another allows: that one counts. */
static void
on_answer(void *context, const struct gh_denask_answer *answer)
{
    struct gh_denfact *fact = context;
    struct gh_denfacts *facts = fact->ask_of;

    if (!fact->is_dropped) { /* the oldest of the table are the first to go */
        HASH_DEL(facts->by_names, fact);
        add(facts, fact);
    }
    if (answer->problem)
        note_failure(facts, answer->problem);
    else
        note_success(facts);
    if (!answer->problem || allows(&answer->word))
        take_word(facts, fact, &answer->word);
    else
        fact->failed_until_ms = now_ms(facts) + GH_DENFACTS_PAUSE_MS;
    end_ask(facts, fact);
}

static void
ask(struct gh_denfacts *facts, struct gh_denfact *fact, const struct gh_denfact_name *name)
{
    const struct gh_settings *settings = facts->settings;
    const struct gh_denask_order order = {
        .url = settings->api_server_url,
        .uri = name->uri,
        .token = name->token,
        .asks_validity = facts->has_own_token,
        .timeout_ms = (unsigned)settings->den_timeout_ms,
        .ca_file = settings->den_ca[0] ? settings->den_ca : NULL,
    };

    facts->asking++;
    DL_APPEND(facts->in_flight, fact);
    fact->ask_of = facts;
    fact->ask = gh_denask_start(facts->net, &order, on_answer, fact);
}

static bool
is_asked_about(const struct gh_denfact *fact, enum gh_denfact_asking asking)
{
    return asking == GH_DENFACT_ASK ||
           (asking == GH_DENFACT_ASK_AGAIN && fact && fact->is_known && allows(&fact->word));
}

enum gh_denfact_state
gh_denfacts_look(struct gh_denfacts *facts, const struct gh_denfact_name *name,
                 enum gh_denfact_asking asking, struct gh_denfact **fact_out)
{
    bool can_ask = may_ask_now(facts);
    struct gh_denfact *fact = find(facts, name, can_ask && asking == GH_DENFACT_ASK);
    uint64_t now = now_ms(facts);

    *fact_out = fact;
    if (!fact)
        return GH_DENFACT_UNKNOWN;
    if (fact->is_known && now <= fact->fresh_until_ms)
        return GH_DENFACT_KNOWN;
    if (fact->ask)
        return GH_DENFACT_ASKED;
    if (!is_asked_about(fact, asking))
        return GH_DENFACT_UNKNOWN;
    if (can_ask && now >= fact->failed_until_ms) {
        ask(facts, fact, name);
        return GH_DENFACT_ASKED;
    }
    return fact->is_known && now <= fact->stale_until_ms ? GH_DENFACT_KNOWN : GH_DENFACT_UNKNOWN;
}

void
gh_denfact_await(struct gh_denfact *fact, struct gh_denfact_wait *wait)
{
    wait->fact = fact;
    DL_APPEND(fact->waits, wait);
}

void
gh_denfact_leave(struct gh_denfact_wait *wait)
{
    if (wait->fact)
        DL_DELETE(wait->fact->waits, wait);
    wait->fact = NULL;
}

/* ---- start, flush, end ---- */

void
gh_denfacts_init(struct gh_denfacts *facts, uv_loop_t *loop, struct gh_net *net,
                 const struct gh_settings *settings, bool has_own_token)
{
    *facts = (struct gh_denfacts){
        .loop = loop, .net = net, .settings = settings, .has_own_token = has_own_token};
}

/* An answer on its way may be older than the reason to forget: who waits for it asks again. */
void
gh_denfacts_flush(struct gh_denfacts *facts)
{
    struct gh_denfact *fact, *next;

    HASH_ITER(hh, facts->by_names, fact, next)
    {
        drop(facts, fact);
    }
    facts->failures = 0; /* it may be another Den from now on */
    facts->closed_until_ms = 0;
}

void
gh_denfacts_stop(struct gh_denfacts *facts)
{
    facts->is_stopped = true;
    while (facts->in_flight) {
        gh_denask_cancel(facts->in_flight->ask);
        end_ask(facts, facts->in_flight);
    }
}

void
gh_denfacts_done(struct gh_denfacts *facts)
{
    if (facts->settings)
        gh_denfacts_stop(facts);
    gh_denfacts_flush(facts);
}
