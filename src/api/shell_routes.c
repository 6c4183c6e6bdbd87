/* SPDX-License-Identifier: Apache-2.0
 *
 * api/shell_routes.c - POST /run_bash: a shell command on this node, or as a process sees it.
 * Source: http-api.md section 3, packages-and-processes.md section 2. */
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "api/forward.h"
#include "api/routes.h"
#include "api/targets.h"
#include "base/alloc.h"
#include "base/jsontext.h"
#include "conf/settings.h"
#include "node/shell.h"
#include "store/runs.h"
#include "wire/frame.h"
#include "wire/reply.h"

enum { COMMAND, NODE, PROCESS, REQUIRE_OUTPUTS, RUN_NAME, COUNT };

/* A command of this node's that runs. */
struct command {
    struct gh_request *request; /* NULL once the client has left: the command goes on without it */
    struct gh_run *run;         /* or NULL */
    bool wants_output, is_list;
};

static void
on_lines(void *context, const char *text, size_t len)
{
    struct command *command = context;

    if (command->run)
        gh_run_write(command->run, GH_STREAM_STDOUT, text, len);
}

/* code, or [code,"stdout","stderr"]; in a list when all nodes were asked. */
static void
answer(const struct command *command, const struct gh_shell_result *result)
{
    struct gh_buf data GH_SCOPED(gh_buf_done) = {0};

    if (command->is_list)
        gh_buf_add_byte(&data, '[');
    gh_buf_addf(&data, command->wants_output ? "[%d," : "%d", result->code);
    if (command->wants_output) {
        gh_jsontext_quote(&data, result->out.bytes, result->out.len, GH_JSONTEXT_UTF8);
        gh_buf_add_byte(&data, ',');
        gh_jsontext_quote(&data, result->err.bytes, result->err.len, GH_JSONTEXT_UTF8);
        gh_buf_add_byte(&data, ']');
    }
    if (command->is_list)
        gh_buf_add_byte(&data, ']');
    gh_reply_result(command->request, (char *)data.bytes, data.len, NULL);
}

static void
command_free(struct command *command)
{
    if (command->run)
        gh_run_end(command->run);
    free(command);
}

static void
on_done(void *context, const struct gh_shell_result *result)
{
    struct command *command = context;

    if (command->request && result->failure)
        gh_reply_exception(command->request, GH_PY_RUNTIME_ERROR, "%s", result->failure);
    else if (command->request)
        answer(command, result);
    command_free(command);
}

static const struct gh_shell_events shell_events = {on_lines, on_done};

static void
run_here(struct gh_api *api, struct gh_request *request, const struct gh_value *values)
{
    char *text GH_SCOPED(gh_free) =
        gh_strndup(values[COMMAND].text.bytes, values[COMMAND].text.len);
    struct command *command = gh_alloc(sizeof *command);
    struct gh_err err;

    command->wants_output = values[REQUIRE_OUTPUTS].flag;
    command->is_list = !values[NODE].is_given;
    if (values[RUN_NAME].is_given)
        command->run = gh_run_begin(api->runs, values[RUN_NAME].text, (struct gh_slice){"", 0});
    gh_request_hold(request, &command->request);
    int rc = gh_shell_start(api->shells, text, command->wants_output, &shell_events, command, &err);
    if (rc == GH_OK)
        return;

    gh_request_release(request);
    command_free(command);
    if (rc == GH_E_NO_ROOM)
        gh_reply_busy(request, 1, "%s", err.text);
    else
        gh_reply_exception(request, GH_PY_OS_ERROR, "%s", err.text);
}

/* A worker runs it, so that it sees what that process sees: its environment, its folder. */
static void
run_in_process(struct gh_api *api, struct gh_request *request, struct gh_process *process,
               const struct gh_value *values)
{
    struct gh_buf data GH_SCOPED(gh_buf_done) = {0};
    struct gh_call_order order = {.kind = GH_FRAME_RUN_BASH, .fd = -1};

    gh_buf_add_text(&data, "{\"command\":");
    gh_jsontext_quote(&data, values[COMMAND].text.bytes, values[COMMAND].text.len,
                      GH_JSONTEXT_UTF8);
    gh_buf_addf(&data, ",\"require_outputs\":%s,\"output_max_bytes\":%llu}",
                values[REQUIRE_OUTPUTS].flag ? "true" : "false",
                (unsigned long long)api->settings->command_output_max_bytes);
    order.head.data = data.bytes;
    order.head.data_len = data.len;
    order.head.serialization = GH_SERIALIZATION_PICKLE; /* of what goes wrong */

    struct gh_forward *forward = gh_forward_new(api, request, GH_SERIALIZATION_PICKLE);
    if (values[RUN_NAME].is_given) {
        order.head.run_name = values[RUN_NAME].text;
        order.head.flags = GH_CALL_STREAM_LOGS;
        forward->run = gh_run_begin(api->runs, values[RUN_NAME].text, (struct gh_slice){"", 0});
    }
    gh_forward_send(forward, process, &order);
}

static void
run_bash(struct gh_api *api, struct gh_request *request, const struct gh_value *values)
{
    if (values[RUN_NAME].is_given && gh_run_name_check(request, "body", &values[RUN_NAME]) != 0)
        return;
    if (memchr(values[COMMAND].text.bytes, '\0', values[COMMAND].text.len)) {
        gh_fields_refuse(request, "body", "command", "string_pattern_mismatch",
                         "A command cannot hold a NUL character", values[COMMAND].raw);
        return;
    }
    if (values[NODE].is_given && values[PROCESS].is_given) {
        gh_reply_exception(request, GH_PY_VALUE_ERROR, "Cannot specify both node and process.");
        return;
    }
    if (!values[PROCESS].is_given) {
        if (!values[NODE].is_given || gh_target_node(api, request, &values[NODE]) == 0)
            run_here(api, request, values);
        return;
    }

    struct gh_process *process = gh_target_process(api, &values[PROCESS]);
    if (process)
        run_in_process(api, request, process, values);
    else
        gh_reply_exception(request, GH_PY_VALUE_ERROR, "Process %.*s not found on the cluster.",
                           (int)values[PROCESS].text.len, values[PROCESS].text.bytes);
}

void
gh_route_run_bash(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field fields[COUNT] = {
        [COMMAND] = {"command", GH_FIELD_TEXT, true},
        [NODE] = {"node_ip_or_idx", GH_FIELD_TEXT_OR_INT, false},
        [PROCESS] = {"process", GH_FIELD_TEXT, false},
        [REQUIRE_OUTPUTS] = {"require_outputs", GH_FIELD_BOOL, false},
        [RUN_NAME] = {"run_name", GH_FIELD_TEXT, false},
    };
    struct gh_value values[COUNT];

    if (gh_fields_body(request, fields, COUNT, values) != 0)
        return;
    run_bash(api, request, values);
    gh_fields_done(values, COUNT);
}
