/* SPDX-License-Identifier: Apache-2.0
 *
 * wire/digest.h - what the daemon keeps of a token: its SHA-256. Any thread. */
#ifndef GH_WIRE_DIGEST_H
#define GH_WIRE_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/call.h"

#define GH_DIGEST_BYTES 32u

struct gh_digest {
    uint8_t bytes[GH_DIGEST_BYTES];
};

struct gh_digest gh_digest_of(struct gh_slice text);

/* In a time that does not depend on where they differ. */
bool gh_digest_is(const struct gh_digest *a, const struct gh_digest *b);

#endif
