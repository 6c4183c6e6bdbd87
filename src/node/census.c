/* SPDX-License-Identifier: Apache-2.0 */
#include "node/census.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/alloc.h"

#define BASELINE_MS 1000u /* ticks of the clock are 10 ms; less time than this would tell nothing */
#define DEPTH_MAX 64u     /* of a family; processes come and go while /proc is read */

struct person {
    int pid, parent;
    uint64_t used_bytes; /* resident and not shared */
    uint64_t cpu_ms;     /* user and system time so far */
    uint64_t born_ms;    /* since boot; tells apart two that had the same pid */
};

/* One census. */
struct count {
    uint64_t taken_ms; /* since boot */
    size_t count;
    struct person *people; /* in order of their pids */
    uint32_t *by_parent;   /* indices of people in order of their parents; of the newest only */
};

/* What the thread pool works on; its own until it is done. */
struct job {
    uv_work_t work;
    struct gh_census *census;
    struct count result;
};

struct gh_census {
    uv_loop_t *loop;
    bool is_taken; /* just now, for the waiters */
    struct gh_census_waiter *waiters;
    struct count newest;
    struct count before[2]; /* what CPU time is counted from: [0] until [1] is old enough */
};

static uint64_t
ms_since_boot(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- in the thread pool ---- */

static bool
read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    size_t len = fread(out, 1, size - 1, file);
    fclose(file);
    out[len] = '\0';
    return len > 0;
}

static bool
read_person(int pid, struct person *out)
{
    const uint64_t ms_per_tick = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    char path[64], text[1024];
    uint64_t user, system, start, resident, shared;
    int parent;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (!read_file(path, text, sizeof text))
        return false;
    /* The name in parentheses may hold anything; fields count from behind the last one. */
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest + 1,
                        " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                        " %*d %*d %*d %*d %*d %*d %" SCNu64,
                        &parent, &user, &system, &start) != 4)
        return false;

    snprintf(path, sizeof path, "/proc/%d/statm", pid);
    if (!read_file(path, text, sizeof text) ||
        sscanf(text, "%*u %" SCNu64 " %" SCNu64, &resident, &shared) != 2)
        return false;
    *out = (struct person){
        .pid = pid,
        .parent = parent,
        .used_bytes = resident > shared ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) : 0,
        .cpu_ms = (user + system) * ms_per_tick,
        .born_ms = start * ms_per_tick,
    };
    return true;
}

static int
by_pid(const void *a, const void *b)
{
    const struct person *one = a, *other = b;
    return (one->pid > other->pid) - (one->pid < other->pid);
}

static int
by_parent(const void *a, const void *b, void *context)
{
    const struct person *people = context;
    const struct person *one = &people[*(const uint32_t *)a],
                        *other = &people[*(const uint32_t *)b];
    return (one->parent > other->parent) - (one->parent < other->parent);
}

static void
sort(struct count *count)
{
    if (count->count == 0)
        return;
    qsort(count->people, count->count, sizeof count->people[0], by_pid);
    count->by_parent = gh_alloc(count->count * sizeof count->by_parent[0]);
    for (size_t i = 0; i < count->count; i++)
        count->by_parent[i] = (uint32_t)i;
    qsort_r(count->by_parent, count->count, sizeof count->by_parent[0], by_parent, count->people);
}

static void
take(uv_work_t *work)
{
    struct job *job = work->data;
    struct count *result = &job->result;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    size_t room = 0;

    result->taken_ms = ms_since_boot();
    while (folder && (entry = readdir(folder))) {
        int pid = atoi(entry->d_name);
        if (pid <= 0)
            continue;
        if (result->count == room) {
            room = room ? room * 2 : 256;
            result->people = gh_realloc(result->people, room * sizeof result->people[0]);
        }
        if (read_person(pid, &result->people[result->count]))
            result->count++;
    }
    if (folder)
        closedir(folder);
    sort(result);
}

/* ---- in the loop ---- */

static void
count_done(struct count *count)
{
    free(count->people);
    free(count->by_parent);
    *count = (struct count){0};
}

static struct count
copy_of(const struct count *from)
{
    struct count copy = *from;
    size_t size = from->count * sizeof from->people[0];

    copy.by_parent = NULL;
    copy.people = gh_alloc(size ? size : 1);
    if (size)
        memcpy(copy.people, from->people, size);
    return copy;
}

/* The newest becomes a starting point once the last one is BASELINE_MS old. */
static void
move_on(struct gh_census *census, struct count *taken)
{
    if (taken->taken_ms - census->before[1].taken_ms >= BASELINE_MS) {
        count_done(&census->before[0]);
        census->before[0] = census->before[1];
        census->before[1] = copy_of(taken);
    }
    count_done(&census->newest);
    census->newest = *taken;
    *taken = (struct count){0};
}

static void
on_taken(uv_work_t *work, int status)
{
    struct job *job = work->data;
    struct gh_census *census = job->census;
    struct gh_census_waiter *waiters = gh_take(census->waiters); /* who asks from here on is next */

    census->is_taken = false;
    if (status == 0)
        move_on(census, &job->result);
    count_done(&job->result);
    free(job);
    while (waiters) {
        struct gh_census_waiter *waiter = waiters;
        DL_DELETE(waiters, waiter);
        waiter->on_taken(waiter->context);
    }
}

struct gh_census *
gh_census_new(uv_loop_t *loop)
{
    struct gh_census *census = gh_alloc(sizeof *census);

    census->loop = loop;
    return census;
}

void
gh_census_free(struct gh_census **census_of)
{
    struct gh_census *census = *census_of;

    if (!census)
        return;
    *census_of = NULL;
    count_done(&census->newest);
    count_done(&census->before[0]);
    count_done(&census->before[1]);
    free(census);
}

void
gh_census_take(struct gh_census *census, struct gh_census_waiter *waiter)
{
    DL_APPEND(census->waiters, waiter);
    if (census->is_taken)
        return;
    struct job *job = gh_alloc(sizeof *job);
    job->census = census;
    job->work.data = job;
    census->is_taken = true;
    uv_queue_work(census->loop, &job->work, take, on_taken);
}

/* ---- families ---- */

static const struct person *
find(const struct count *count, int pid)
{
    struct person wanted = {.pid = pid};

    return count->count ? bsearch(&wanted, count->people, count->count, sizeof wanted, by_pid)
                        : NULL;
}

bool
gh_census_is_family(const struct gh_census *census, int root, int pid)
{
    const struct person *person = find(&census->newest, pid);

    for (unsigned depth = 0; person && depth < DEPTH_MAX; depth++) {
        if (person->pid == root)
            return true;
        person = find(&census->newest, person->parent);
    }
    return false;
}

/* CPU time that PERSON had at BEFORE; a process that was not there yet had none. */
static uint64_t
cpu_ms_before(const struct count *before, const struct person *person)
{
    const struct person *then = find(before, person->pid);

    return then && then->born_ms == person->born_ms && then->cpu_ms <= person->cpu_ms ? then->cpu_ms
                                                                                      : 0;
}

/* Where in by_parent the children of PARENT begin. */
static size_t
first_child(const struct count *count, int parent)
{
    size_t low = 0, high = count->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (count->people[count->by_parent[middle]].parent < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Add PERSON and all below; *CPU_MS is what they used since BEFORE. */
static void
add_family(const struct gh_census *census, const struct person *person, unsigned depth,
           struct gh_family_usage *out, uint64_t *cpu_ms)
{
    const struct count *now = &census->newest;

    out->process_count++;
    out->used_bytes += person->used_bytes;
    *cpu_ms += person->cpu_ms - cpu_ms_before(&census->before[0], person);
    if (depth == DEPTH_MAX)
        return;
    for (size_t i = first_child(now, person->pid); i < now->count; i++) {
        const struct person *child = &now->people[now->by_parent[i]];
        if (child->parent != person->pid)
            break;
        add_family(census, child, depth + 1, out, cpu_ms);
    }
}

void
gh_census_family(const struct gh_census *census, int root, struct gh_family_usage *out)
{
    const struct count *now = &census->newest;
    const struct person *head = root > 0 ? find(now, root) : NULL;
    uint64_t from_ms = census->before[0].taken_ms;
    uint64_t cpu_ms = 0;

    memset(out, 0, sizeof *out);
    if (!head)
        return;
    add_family(census, head, 0, out, &cpu_ms);
    if (from_ms < head->born_ms)
        from_ms = head->born_ms;
    if (now->taken_ms > from_ms)
        out->cpu_percent = 100.0 * (double)cpu_ms / (double)(now->taken_ms - from_ms);
}
