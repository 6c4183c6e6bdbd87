/* SPDX-License-Identifier: Apache-2.0 */
#include "front/crowd.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/alloc.h"
#include "base/ip.h"

struct party {
    struct gh_ip ip; /* of the whole network that counts as one */
    uint64_t count;
    UT_hash_handle hh;
};

/* Of the process, not of a port: whoever opens connections can do so on any of them. */
static struct {
    struct party *parties;
    uint64_t count;       /* that are welcome */
    uint64_t lobby_count; /* that are not, and are to be told so */
} crowd;

static struct party *
find_party(const struct gh_ip *ip)
{
    struct gh_ip key = gh_ip_party(ip);
    struct party *party;

    HASH_FIND(hh, crowd.parties, &key, sizeof key, party);
    return party;
}

static struct party *
get_party(const struct gh_ip *ip)
{
    struct party *party = find_party(ip);

    if (party)
        return party;
    party = gh_alloc(sizeof *party);
    party->ip = gh_ip_party(ip);
    HASH_ADD(hh, crowd.parties, ip, sizeof party->ip, party);
    return party;
}

enum gh_welcome
gh_crowd_enter(const struct gh_ip *ip, uint64_t most, uint64_t most_of_address)
{
    struct party *party = ip ? get_party(ip) : NULL;
    enum gh_welcome welcome = GH_WELCOME;

    if (party && most_of_address > 0 && party->count >= most_of_address)
        welcome = GH_TOO_MANY_OF_ADDRESS;
    else if (crowd.count >= most)
        welcome = GH_TOO_MANY;
    if (welcome == GH_WELCOME) {
        crowd.count++;
        if (party)
            party->count++;
    } else if (crowd.lobby_count < GH_LOBBY_MAX) {
        crowd.lobby_count++;
    } else {
        welcome = GH_NO_ROOM;
    }
    if (party && party->count == 0) {
        HASH_DEL(crowd.parties, party);
        free(party);
    }
    return welcome;
}

void
gh_crowd_leave(const struct gh_ip *ip, enum gh_welcome welcome)
{
    struct party *party = ip && welcome == GH_WELCOME ? find_party(ip) : NULL;

    if (welcome == GH_WELCOME)
        crowd.count--;
    else if (welcome != GH_NO_ROOM)
        crowd.lobby_count--;
    if (party && --party->count == 0) {
        HASH_DEL(crowd.parties, party);
        free(party);
    }
}
