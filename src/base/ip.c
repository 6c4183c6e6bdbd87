/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define NETWORK_BYTES 8u /* of a /64 */

static const uint8_t mapped_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

static void
take_four(const void *four, struct gh_ip *ip_out)
{
    memcpy(ip_out->bytes, mapped_prefix, sizeof mapped_prefix);
    memcpy(ip_out->bytes + sizeof mapped_prefix, four, 4);
}

bool
gh_ip_read(const char *text, size_t len, struct gh_ip *ip_out)
{
    char copy[GH_IP_TEXT_BYTES];
    struct in_addr four;

    if (len == 0 || len >= sizeof copy || memchr(text, '\0', len))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET6, copy, ip_out->bytes) == 1)
        return true;
    if (inet_pton(AF_INET, copy, &four) != 1)
        return false;
    take_four(&four, ip_out);
    return true;
}

bool
gh_ip_of(const struct sockaddr *address, struct gh_ip *ip_out, unsigned *port_out)
{
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;

    if (address->sa_family == AF_INET) {
        take_four(&four->sin_addr, ip_out);
        *port_out = ntohs(four->sin_port);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(ip_out->bytes, &six->sin6_addr, sizeof ip_out->bytes);
    *port_out = ntohs(six->sin6_port);
    return true;
}

bool
gh_ip_is_four(const struct gh_ip *ip)
{
    return memcmp(ip->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

void
gh_ip_write(const struct gh_ip *ip, char out[GH_IP_TEXT_BYTES])
{
    if (gh_ip_is_four(ip))
        inet_ntop(AF_INET, ip->bytes + sizeof mapped_prefix, out, GH_IP_TEXT_BYTES);
    else
        inet_ntop(AF_INET6, ip->bytes, out, GH_IP_TEXT_BYTES);
}

bool
gh_ip_same_network(const struct gh_ip *a, const struct gh_ip *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

struct gh_ip
gh_ip_party(const struct gh_ip *ip)
{
    struct gh_ip party = *ip;

    if (!gh_ip_is_four(ip))
        memset(party.bytes + NETWORK_BYTES, 0, sizeof party.bytes - NETWORK_BYTES);
    return party;
}
