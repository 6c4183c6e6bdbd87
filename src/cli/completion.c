/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/completion.c - three functions of shell come from the tables, the rest is the same for any of them.
 * It needs nothing of the package bash-completion but to be loaded by it, and runs in bash from 4.0 on. */
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

static const char head[] = "# Completion of gatehouse in bash; made from its tables by the build.\n"
                           "# SPDX-License-Identifier: Apache-2.0\n";

/* Words are looked at from the left: which verb is it, and what says where the node is. */
static const char body[] =
    "_gatehouse()\n"
    "{\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local verb= word kind i place=()\n"
    "\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        case $word in\n"
    "        --url | --token-file | --state-dir | --port)\n"
    "            place+=(\"$word\" \"${COMP_WORDS[i + 1]}\") ;;\n"
    "        esac\n"
    "        if [[ -n $(_gatehouse_argument \"$word\") ]]; then\n"
    "            ((i++))\n"
    "        elif [[ $word != -* && -n $(_gatehouse_second \"$verb\") ]]; then\n"
    "            verb=${verb:+$verb }$word\n"
    "        fi\n"
    "    done\n"
    "\n"
    "    kind=$(_gatehouse_argument \"$previous\")\n"
    "    if [[ -z $kind && $current == -* ]]; then\n"
    "        COMPREPLY=($(compgen -W \"$(_gatehouse_options \"$verb\")\" -- \"$current\"))\n"
    "        return\n"
    "    fi\n"
    "    [[ -n $kind ]] || kind=$(_gatehouse_words \"$verb\")\n"
    "    case $kind in\n"
    "    verbs) COMPREPLY=($(compgen -W \"$(_gatehouse_second \"$verb\")\" -- \"$current\")) ;;\n"
    "    file) compopt -o filenames && COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
    "    dir) compopt -o filenames && COMPREPLY=($(compgen -d -- \"$current\")) ;;\n"
    "    methods | modules | processes | runs)\n"
    "        local IFS=$'\\n'\n"
    "        COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" names \"$kind\" \"$current\" "
    "\"${place[@]}\" \\\n"
    "            --timeout-s 2 2>/dev/null </dev/null)\" -- \"$current\")) ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _gatehouse gatehouse\n";

/* What an option's argument is, by its word in the synopsis. */
static const char *
argument_kind(const char *argument)
{
    static const char *const kinds[][2] = {{"FILE", "file"},
                                           {"DIR", "dir"},
                                           {"FILE|-", "file"},
                                           {"PROCESS", "processes"},
                                           {"MODULE", "modules"}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(argument, kinds[i][0]) == 0)
            return kinds[i][1];
    return "any";
}

static const char *
word_kind(enum gh_word_kind kind)
{
    static const char *const kinds[] = {
        [GH_WORD_ANY] = "any",        [GH_WORD_FILE] = "file",         [GH_WORD_METHOD] = "methods",
        [GH_WORD_MODULE] = "modules", [GH_WORD_PROCESS] = "processes", [GH_WORD_RUN] = "runs",
    };
    return kinds[kind];
}

static void
add_argument_rows(struct gh_buf *out, const struct gh_option *list)
{
    for (; list && list->name; list++)
        if (list->argument)
            gh_buf_addf(out, "    %s%s%s) echo %s ;;\n", list->letter ? list->letter : "",
                        list->letter ? " | " : "", list->name, argument_kind(list->argument));
}

/* _gatehouse_argument OPTION: what follows it; nothing for flags. */
static void
add_arguments(struct gh_buf *out)
{
    gh_buf_add_text(out, "_gatehouse_argument()\n{\n    case $1 in\n");
    add_argument_rows(out, gh_common_options);
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        add_argument_rows(out, (*verb)->options);
    gh_buf_add_text(out, "    esac\n}\n\n");
}

static void
add_names(struct gh_buf *out, const struct gh_option *list)
{
    for (; list && list->name; list++)
        gh_buf_addf(out, " %s", list->name);
}

/* _gatehouse_options VERB: all its options. */
static void
add_options(struct gh_buf *out)
{
    gh_buf_add_text(out, "_gatehouse_options()\n{\n    local common='");
    add_names(out, gh_common_options);
    gh_buf_add_text(out, "'\n    case $1 in\n    '') echo \"$common --version\" ;;\n");
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++) {
        if (!(*verb)->summary || !(*verb)->options)
            continue;
        gh_buf_addf(out, "    '%s') echo \"$common", (*verb)->name);
        add_names(out, (*verb)->options);
        gh_buf_add_text(out, "\" ;;\n");
    }
    gh_buf_add_text(out, "    *) echo \"$common\" ;;\n    esac\n}\n\n");
}

/* What follows the words FIRST of a verb ("" for the first one), each once; their rows stand together. */
static void
add_following(struct gh_buf *out, const char *first)
{
    size_t len = strlen(first);
    const char *last = "";

    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++) {
        const char *name = (*verb)->name;
        if (!(*verb)->summary || strncmp(name, first, len) != 0 || (len && name[len] != ' '))
            continue;
        name += len ? len + 1 : 0;
        size_t word = strcspn(name, " ");
        if (strncmp(last, name, word) != 0 || (last[word] && last[word] != ' '))
            gh_buf_addf(out, " %.*s", (int)word, name);
        last = name;
    }
}

/* One row for what follows the first LEN bytes of NAME, whole words, unless LAST (of the row before in that depth)
 * is the same. */
static void
add_second(struct gh_buf *out, const char *name, size_t len, char last[GH_VERB_MAX_BYTES])
{
    char first[GH_VERB_MAX_BYTES];

    snprintf(first, sizeof first, "%.*s", (int)len, name);
    if (strcmp(first, last) == 0)
        return;
    memcpy(last, first, sizeof first);
    gh_buf_addf(out, "    '%s') echo", first);
    add_following(out, first);
    gh_buf_add_text(out, " ;;\n");
}

/* _gatehouse_second WORDS: what comes after the words that verbs begin with; all first ones for ''. */
static void
add_seconds(struct gh_buf *out)
{
    char last[GH_VERB_WORDS_MAX][GH_VERB_MAX_BYTES] = {""};

    gh_buf_add_text(out, "_gatehouse_second()\n{\n    case $1 in\n    '') echo ");
    add_following(out, "");
    gh_buf_add_text(out, " ;;\n");
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++) {
        const char *name = (*verb)->name, *blank = name;
        for (size_t i = 0; (*verb)->summary && (blank = strchr(blank, ' ')); i++, blank++)
            add_second(out, name, (size_t)(blank - name), last[i]);
    }
    gh_buf_add_text(out, "    esac\n}\n\n");
}

/* _gatehouse_words VERB: what its words are. */
static void
add_words(struct gh_buf *out)
{
    gh_buf_add_text(out, "_gatehouse_words()\n{\n"
                         "    [[ -z $(_gatehouse_second \"$1\") ]] || { echo verbs; return; }\n"
                         "    case $1 in\n");
    for (const struct gh_verb *const *verb = gh_verbs; *verb; verb++)
        if ((*verb)->summary)
            gh_buf_addf(out, "    '%s') echo %s ;;\n", (*verb)->name, word_kind((*verb)->words));
    gh_buf_add_text(out, "    esac\n}\n\n");
}

void
gh_completion_add(struct gh_buf *out)
{
    gh_buf_add_text(out, head);
    add_arguments(out);
    add_options(out);
    add_seconds(out);
    add_words(out);
    gh_buf_add_text(out, body);
}
