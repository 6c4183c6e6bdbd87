/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/networks.h"

#include <ctype.h>
#include <string.h>

#include "base/ip.h"

#define IP_BITS 128u
#define FOUR_BITS 32u

struct network {
    bool is_unix;
    struct gh_ip ip;
    unsigned bits; /* of 128 */
};

/* The next entry of *LIST, without blanks around it; moves *LIST behind it. False at the end. */
static bool
next_entry(const char **list, const char **entry_out, size_t *len_out)
{
    if (!**list)
        return false;
    size_t len = strcspn(*list, ",");
    const char *entry = *list, *end = entry + len;

    *list = *end ? end + 1 : end;
    while (entry < end && isblank((unsigned char)*entry))
        entry++;
    while (end > entry && isblank((unsigned char)end[-1]))
        end--;
    *entry_out = entry;
    *len_out = (size_t)(end - entry);
    return true;
}

/* Digits at TEXT up to END, no larger than HIGHEST. */
static bool
read_bits(const char *text, const char *end, unsigned highest, unsigned *bits_out)
{
    unsigned bits = 0;

    if (text == end || end - text > 3)
        return false;
    for (; text < end; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        bits = bits * 10 + (unsigned)(*text - '0');
    }
    *bits_out = bits;
    return bits <= highest;
}

static bool
read_network(const char *entry, size_t len, struct network *network_out)
{
    static const char unix_word[] = "unix";
    const char *slash = len ? memchr(entry, '/', len) : NULL;
    size_t address_len = slash ? (size_t)(slash - entry) : len;

    *network_out = (struct network){.bits = IP_BITS};
    network_out->is_unix = len == sizeof unix_word - 1 && memcmp(entry, unix_word, len) == 0;
    if (network_out->is_unix)
        return true;
    if (!gh_ip_read(entry, address_len, &network_out->ip))
        return false;
    if (!slash)
        return true;
    bool is_four = !memchr(entry, ':', address_len);
    if (!read_bits(slash + 1, entry + len, is_four ? FOUR_BITS : IP_BITS, &network_out->bits))
        return false;
    if (is_four)
        network_out->bits += IP_BITS - FOUR_BITS;
    return true;
}

int
gh_networks_check(const char *list, struct gh_err *err)
{
    struct network network;
    const char *entry;
    size_t len;

    while (next_entry(&list, &entry, &len))
        if (!read_network(entry, len, &network))
            return gh_err_set(err, GH_E_INPUT,
                              "'%.*s' is no address, no network such as 10.0.0.0/8 and not 'unix'",
                              (int)(len < 100 ? len : 100), entry);
    return GH_OK;
}

bool
gh_networks_have(const char *list, const struct gh_ip *ip)
{
    struct network network;
    const char *entry;
    size_t len;

    while (next_entry(&list, &entry, &len)) {
        if (!read_network(entry, len, &network) || network.is_unix != !ip)
            continue;
        if (!ip || gh_ip_same_network(ip, &network.ip, network.bits))
            return true;
    }
    return false;
}
