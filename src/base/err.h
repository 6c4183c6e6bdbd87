/* SPDX-License-Identifier: Apache-2.0
 *
 * base/err.h - how a function says what went wrong.
 *
 * The leaf that knows the cause fills a struct gh_err and returns its code; the middle adds what it
 * was doing; only the edge logs it or answers with it. A NULL err is allowed everywhere. */
#ifndef GH_BASE_ERR_H
#define GH_BASE_ERR_H

#define GH_MUST_USE __attribute__((warn_unused_result))
#define GH_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

enum gh_code {
    GH_OK = 0,
    GH_E_INPUT,     /* what the caller or client sent is wrong */
    GH_E_NOT_FOUND, /* no such key, process, file */
    GH_E_NO_ROOM,   /* a bounded queue or table is full */
    GH_E_SYSTEM,    /* the operating system refused */
};

struct gh_err {
    int code;
    char text[512];
};

/* Fill ERR with CODE and the formatted text; return CODE, so that a guard is one line. */
int gh_err_set(struct gh_err *err, int code, const char *format, ...) GH_PRINTF(3, 4);

/* Put "what was being done: " before ERR's text; return its code. */
int gh_err_add(struct gh_err *err, const char *format, ...) GH_PRINTF(2, 3);

#endif
