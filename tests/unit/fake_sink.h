/* SPDX-License-Identifier: Apache-2.0
 *
 * fake_sink.h - a request whose answer stays in memory.
 *
 *     struct fake_request fake;
 *     fake_request_init(&fake, GH_POST, target, target_len, body, body_len);
 *     gh_api_handle(&api, &fake.request);
 *     ck_assert_uint_eq(fake.status, 422);
 *     fake_request_done(&fake); */
#ifndef GH_TEST_FAKE_SINK_H
#define GH_TEST_FAKE_SINK_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "wire/request.h"

struct fake_request {
    struct gh_request request; /* first: the sink gets back from one to the other */
    unsigned answers;          /* times it was answered, which must be once */
    unsigned status;
    const char *content_type;
    struct gh_buf answer; /* the body, also what was written to a stream */
    bool is_stream, is_ended;
    const char *header_name, *header_value; /* the one header it has, or NULL */
    char seen_headers[200]; /* names of the answer's own headers, a blank after each */
    char etag[64];
    struct gh_buf headers; /* of a started answer, "name: value\n" each */
    bool is_cut;
    unsigned reads_on; /* times that read_on was called */
};

static inline struct fake_request *
fake_of(struct gh_request *request)
{
    return (struct fake_request *)request;
}

static inline const char *
fake_header(struct gh_request *request, const char *name)
{
    const struct fake_request *fake = fake_of(request);
    return fake->header_name && strcasecmp(fake->header_name, name) == 0 ? fake->header_value
                                                                         : NULL;
}

static inline void
fake_keep_headers(struct fake_request *fake)
{
    for (const struct gh_header *h = fake->request.headers; h && h->name; h++) {
        strcat(strcat(fake->seen_headers, h->name), " ");
        if (strcmp(h->name, "ETag") == 0)
            strcpy(fake->etag, h->value);
    }
}

static inline void
fake_reply(struct gh_request *request, unsigned status, const char *content_type, uint8_t *body,
           size_t len)
{
    struct fake_request *fake = fake_of(request);

    fake->answers++;
    fake->status = status;
    fake->content_type = content_type;
    fake_keep_headers(fake);
    gh_buf_add(&fake->answer, body, len);
    free(body);
}

static inline void
fake_reply_fd(struct gh_request *request, unsigned status, const char *content_type, int fd,
              size_t len)
{
    struct fake_request *fake = fake_of(request);
    ssize_t got = pread(fd, gh_buf_reserve(&fake->answer, len + 1), len, 0);

    assert(got == (ssize_t)len);
    fake->answers++;
    fake->status = status;
    fake->content_type = content_type;
    fake_keep_headers(fake);
    fake->answer.len += len;
    close(fd);
}

static inline void
fake_stream(struct gh_request *request, unsigned status, const char *content_type)
{
    struct fake_request *fake = fake_of(request);

    fake->answers++;
    fake->status = status;
    fake->content_type = content_type;
    fake->is_stream = true;
}

static inline size_t
fake_write(struct gh_request *request, const void *bytes, size_t len)
{
    gh_buf_add(&fake_of(request)->answer, bytes, len);
    return 0;
}

static inline void
fake_end(struct gh_request *request)
{
    fake_of(request)->is_ended = true;
}

static inline void
fake_sink_start(struct gh_request *request, const struct gh_http_start *head)
{
    struct fake_request *fake = fake_of(request);
    struct gh_slice rest = head->headers;
    const char *name, *value;

    fake_stream(request, head->status, NULL);
    while (gh_http_next_header(&rest, &name, &value))
        gh_buf_addf(&fake->headers, "%s: %s\n", name, value);
}

static inline void
fake_cut(struct gh_request *request)
{
    fake_of(request)->is_cut = true;
}

static inline void
fake_read_on(struct gh_request *request)
{
    fake_of(request)->reads_on++;
}

static inline void
fake_each_header(struct gh_request *request,
                 void (*fn)(void *context, struct gh_slice name, struct gh_slice value),
                 void *context)
{
    const struct fake_request *fake = fake_of(request);

    if (fake->header_name)
        fn(context, (struct gh_slice){fake->header_name, strlen(fake->header_name)},
           (struct gh_slice){fake->header_value, strlen(fake->header_value)});
}

static inline void
fake_addresses(struct gh_request *request, struct gh_http_address *client_out,
               struct gh_http_address *server_out)
{
    (void)request;
    *client_out = (struct gh_http_address){"192.0.2.7", "4711"};
    if (!server_out)
        return;
    *server_out = (struct gh_http_address){"192.0.2.1", "80"};
}

static const struct gh_sink fake_sink = {
    .header = fake_header,
    .reply = fake_reply,
    .reply_fd = fake_reply_fd,
    .stream = fake_stream,
    .write = fake_write,
    .end = fake_end,
    .start = fake_sink_start,
    .cut = fake_cut,
    .read_on = fake_read_on,
    .each_header = fake_each_header,
    .addresses = fake_addresses,
};

/* TARGET is borrowed, as is BODY. Returns what gh_url_split does. */
static inline int
fake_request_init(struct fake_request *fake, enum gh_method method, const char *target,
                  size_t target_len, const char *body, size_t body_len)
{
    memset(fake, 0, sizeof *fake);
    fake->request.sink = &fake_sink;
    fake->request.method = method;
    fake->request.body = (struct gh_slice){body, body_len};
    fake->request.body_fd = -1;
    fake->request.method_text = "GET";
    fake->request.version_text = "HTTP/1.1";
    fake->request.scheme = "http";
    memcpy(fake->request.id, "id-1", 5);
    return gh_url_split(target, target_len, &fake->request.url);
}

static inline void
fake_request_done(struct fake_request *fake)
{
    gh_buf_done(&fake->answer);
    gh_buf_done(&fake->headers);
}

#endif
