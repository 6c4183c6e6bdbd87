/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/arguments.h - words of a command line as the arguments of a call.
 *
 *     3 'two words' factor=2.5 points=[1,2] name=run
 *  -> {"args":[3,"two words"],"kwargs":{"factor":2.5,"points":[1,2],"name":"run"}}
 *
 * IDENTIFIER=VALUE is a keyword argument, any other word a positional one. What is JSON is passed on as
 * it is written, so that no digit of a number is lost; anything else is text. Pure, any thread. */
#ifndef GH_CLI_ARGUMENTS_H
#define GH_CLI_ARGUMENTS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Append the arguments in WORDS to OUT. Errors: GH_EXIT_USAGE a keyword is given twice. */
int gh_arguments_add(struct gh_buf *out, const char *const *words, size_t count, struct gh_err *err)
    GH_MUST_USE;

/* Append the arguments in TEXT, a JSON object of keyword arguments. Errors: GH_EXIT_USAGE it is none. */
int gh_arguments_add_object(struct gh_buf *out, const char *text, size_t len, struct gh_err *err)
    GH_MUST_USE;

#endif
