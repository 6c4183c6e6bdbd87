/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <linux/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "conf/listen.h"
#include "conf/settings.h"

#define NAME_BYTES 256u

/* A name of a host: letters, digits, '-', '_', '.', and a "*." before it. */
static bool
is_host_name(const char *name)
{
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t len = strlen(rest);

    return len > 0 && rest[0] != '.' && rest[0] != '-' &&
           strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

/* TEXT as a certificate has it: addresses in their one spelling. Those that mean "any" are none. */
static void
add(struct gh_words *names, const char *text)
{
    char name[NAME_BYTES], address[INET6_ADDRSTRLEN];
    size_t len = strlen(text);
    struct in6_addr six;
    struct in_addr four;

    if (len == 0 || len >= sizeof name || names->count >= GH_NAMES_MAX)
        return;
    for (size_t i = 0; i <= len; i++)
        name[i] = (char)tolower((unsigned char)text[i]);

    const char *found = is_host_name(name) ? name : NULL;
    if (inet_pton(AF_INET, name, &four) == 1)
        found = four.s_addr != INADDR_ANY ? name : NULL;
    else if (inet_pton(AF_INET6, name, &six) == 1)
        found = IN6_IS_ADDR_UNSPECIFIED(&six) ? NULL
                                              : inet_ntop(AF_INET6, &six, address, sizeof address);
    if (found && !gh_words_have(names, found))
        gh_words_add(names, found);
}

static void
add_list(struct gh_words *names, const char *list)
{
    struct gh_words parts GH_SCOPED(gh_words_done) = {0};

    gh_words_add_names(&parts, list);
    for (size_t i = 0; i < parts.count; i++)
        add(names, parts.list[i]);
}

static void
add_interface(struct gh_words *names, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const void *)address;
    const struct sockaddr_in6 *six = (const void *)address;

    if (address->sa_family == AF_INET && inet_ntop(AF_INET, &four->sin_addr, text, sizeof text))
        add(names, text);
    else if (address->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six->sin6_addr) &&
             inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof text))
        add(names, text);
}

static void
add_interfaces(struct gh_words *names)
{
    struct ifaddrs *list;

    if (getifaddrs(&list) != 0)
        return;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next)
        if (at->ifa_addr && (at->ifa_flags & IFF_UP))
            add_interface(names, at->ifa_addr);
    freeifaddrs(list);
}

static void
add_listeners(struct gh_words *names, const struct gh_settings *settings)
{
    const char *rest = settings->listen;
    struct gh_listen listen;

    add(names, settings->host);
    while (*rest && gh_listen_next(&rest, &listen, NULL) == GH_OK)
        if (!listen.is_unix)
            add(names, listen.host);
}

void
gh_names_of_node(const struct gh_settings *settings, struct gh_words *names_out)
{
    char host[NAME_BYTES] = "";

    add(names_out, "localhost");
    add(names_out, "127.0.0.1");
    add(names_out, "::1");
    add_list(names_out, settings->domain);
    add_list(names_out, settings->certs_address);
    add_listeners(names_out, settings);
    if (gethostname(host, sizeof host - 1) == 0)
        add(names_out, host);
    add_interfaces(names_out);
}
