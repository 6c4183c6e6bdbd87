/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deadline.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

int64_t
gh_deadline_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ssize_t
gh_deadline_read(int fd, void *room, size_t size, int64_t end_ms)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    int count;

    do {
        int64_t left_ms = end_ms - gh_deadline_now_ms();
        count = left_ms > 0 ? poll(&input, 1, (int)left_ms) : 0;
    } while (count < 0 && errno == EINTR);
    if (count <= 0)
        return -1;
    ssize_t len = read(fd, room, size);
    return len > 0 ? len : 0;
}
