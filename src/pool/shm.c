/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int
system_error(struct gh_err *err, const char *what)
{
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", what, strerror(errno));
}

int
gh_shm_open(struct gh_err *err)
{
    int fd = memfd_create("gatehouse-body", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        system_error(err, "memfd_create");
    return fd;
}

/* Take back the last LEN bytes: whoever writes on, writes behind what was there before. */
static void
take_back(int fd, size_t len)
{
    off_t end = lseek(fd, -(off_t)len, SEEK_CUR);

    if (end >= 0)
        (void)!ftruncate(fd, end);
}

int
gh_shm_write(int fd, const void *bytes, size_t len, struct gh_err *err)
{
    const char *cursor = bytes;
    size_t done = 0;

    while (done < len) {
        ssize_t written = write(fd, cursor + done, len - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            system_error(err, "writing a body to shared memory");
            take_back(fd, done);
            return err->code;
        }
        done += (size_t)written;
    }
    return GH_OK;
}

int
gh_shm_seal(int fd, struct gh_err *err)
{
    if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        return system_error(err, "sealing shared memory");
    return GH_OK;
}

int
gh_shm_check(int fd, size_t *len_out, struct gh_err *err)
{
    struct stat info;
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0 || (seals & SEALS) != SEALS)
        return gh_err_set(err, GH_E_INPUT, "descriptor from a worker is no sealed memfd");
    if (fstat(fd, &info) != 0)
        return system_error(err, "fstat of shared memory");
    *len_out = (size_t)info.st_size;
    return GH_OK;
}

const char *
gh_shm_map(int fd, size_t len, struct gh_err *err)
{
    void *bytes = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        system_error(err, "mapping a body");
        return NULL;
    }
    return bytes;
}

void
gh_shm_unmap(const char *bytes, size_t len)
{
    if (bytes)
        munmap((void *)(uintptr_t)bytes, len);
}
