/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/man_daemon.c - gatehoused(8), out of the table of settings. */
#include "base/alloc.h"
#include "cli/man.h"
#include "conf/rows.h"

static void
add_setting(struct gh_buf *out, const struct gh_row *row)
{
    char flag[GH_ROW_SPELLING_BYTES];
    bool is_flag = row->kind == GH_ROW_FLAG;

    gh_row_flag(row, flag);
    gh_man_option(out, flag, NULL, is_flag ? NULL : row->unit, row->help);
    if (!is_flag && row->preset[0]) {
        char *preset GH_SCOPED(gh_free) = gh_asprintf("(default %s)", row->preset);
        gh_man_text(out, preset);
    }
}

static void
add_options(struct gh_buf *out)
{
    gh_man_line(out, "Bl", "-tag -width Ds");
    gh_man_option(out, "--module", NULL, "NAME=FILE.py:ATTR",
                  "serve a function, class, app or factory; repeatable");
    for (size_t i = 0; i < GH_ROW_COUNT; i++)
        add_setting(out, &gh_rows[i]);
    gh_man_option(out, "--help", NULL, NULL, "print this and exit");
    gh_man_option(out, "--version", NULL, NULL, "print the version and exit");
    gh_man_line(out, "El", "");
}

static void
add_files(struct gh_buf *out)
{
    gh_man_line(out, "Sh", "FILES");
    gh_man_line(out, "Bl", "-tag -width Ds");
    gh_buf_add_text(out, ".It Pa STATE_DIR/control-PORT.sock\n"
                         "Control socket, for this user's programs and\n.Xr gatehouse 1 .\n"
                         ".It Pa STATE_DIR/envs\n"
                         "Environments that the daemon made itself, for a Python that the system "
                         "manages.\n");
    gh_man_line(out, "El", "");
    gh_man_text(out, "STATE_DIR is --state-dir, else STATE_DIRECTORY of systemd, else gatehouse in "
                     "XDG_STATE_HOME, else ~/.local/state/gatehouse.");
}

void
gh_man_add_daemon(struct gh_buf *out)
{
    gh_man_head(out, "gatehoused", 8, "serve Python functions, classes and apps over HTTP");
    gh_buf_add_text(out, ".Sh SYNOPSIS\n.Nm\n.Op Ar option ...\n.Sh DESCRIPTION\n.Nm\n");
    gh_man_text(out,
                "serves Python functions, classes and apps at /MODULE/METHOD over HTTP, and speaks "
                "the protocol of the runhouse client. Without options it listens on loopback, "
                "port 32300.\n\nOptions:");
    add_options(out);
    gh_buf_add_text(out, ".Sh ENVIRONMENT\n");
    gh_man_text(
        out, "Each option but --module can be given as an environment variable: GATEHOUSE_PORT for "
             "--port. An option wins over the variable, that over gatehouse.yaml. RH_LOG_LEVEL is "
             "taken for GATEHOUSE_LOG_LEVEL.");
    add_files(out);
    gh_buf_add_text(out, ".Sh SIGNALS\n");
    gh_man_text(out,
                "TERM and INT drain and exit, a second one ends at once. HUP reads gatehouse.yaml "
                "again: settings that are live change, what needs a restart is logged.");
    gh_buf_add_text(out, ".Sh EXIT STATUS\n");
    gh_man_text(out, "0 ok, 1 ended at once, 64 usage, 69 port not available, 70 no worker, 77 not "
                     "permitted, 78 bad value.");
    gh_buf_add_text(out, ".Sh EXAMPLES\n");
    gh_man_literal(out, "gatehoused --module concat=examples/concat.py:concat\n"
                        "curl 'http://127.0.0.1:32300/concat/call?a=run&b=house'\n"
                        "gatehouse call concat a=run b=house");
    gh_buf_add_text(out, ".Sh SEE ALSO\n.Xr gatehouse 1 ,\n.Xr gatehouse.yaml 5\n");
}
