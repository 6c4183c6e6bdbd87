/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/spill.h"

#include <unistd.h>

#include "pool/shm.h"
#include "wire/frame.h"

static int
flush(struct gh_spill *spill, struct gh_err *err)
{
    if (spill->fd < 0)
        spill->fd = gh_shm_open(err);
    if (spill->fd < 0)
        return GH_E_SYSTEM;
    int rc = gh_shm_write(spill->fd, spill->buf.bytes, spill->buf.len, err);
    spill->buf.len = 0;
    return rc;
}

int
gh_spill_add(struct gh_spill *spill, const void *bytes, size_t len, struct gh_err *err)
{
    int rc = GH_OK;

    spill->len += len;
    if (spill->buf.len + len > GH_FRAME_INLINE_MAX_BYTES)
        rc = flush(spill, err);
    if (rc != GH_OK)
        return rc;
    if (len > GH_FRAME_INLINE_MAX_BYTES)
        return gh_shm_write(spill->fd, bytes, len, err);
    gh_buf_add(&spill->buf, bytes, len);
    return GH_OK;
}

int
gh_spill_seal(struct gh_spill *spill, struct gh_err *err)
{
    if (spill->fd < 0)
        return GH_OK;
    int rc = flush(spill, err);
    return rc == GH_OK ? gh_shm_seal(spill->fd, err) : rc;
}

void
gh_spill_done(struct gh_spill *spill)
{
    gh_buf_done(&spill->buf);
    if (spill->fd >= 0)
        close(spill->fd);
    *spill = (struct gh_spill)GH_SPILL_INIT;
}
