# SPDX-License-Identifier: Apache-2.0
"""--help, the manual and the completion say the same, and the shell can use them."""
from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess

import pytest

from .cli import PROGRAM, environment, gatehouse
from .gatehoused import BUILD, REPO, USER_CODE

THINGS = USER_CODE / "things.py"
DAEMON_OPTIONS = {"modules": [f"add={THINGS}:add", f"counter={THINGS}:Counter", f"talk={THINGS}:talk"]}
PAGES = {"gatehouse.1": "gatehouse", "gatehouse.yaml.5": "gatehoused", "gatehoused.8": "gatehoused"}


def help_of(*words: str, program: str = "gatehouse") -> str:
    return subprocess.run([str(BUILD / program), *words, "--help"], env=environment(), capture_output=True,
                          text=True, check=True, timeout=60).stdout


def verbs() -> list[str]:
    listed = help_of().split("of its own:\n")[1].split("\n\n")[0]
    return [re.match(r"  (\w+( \w+){0,2})  ", line).group(1) for line in listed.splitlines()]


def options(text: str) -> list[tuple[str, str]]:
    """(--name, argument or "") of each option that a help text lists."""
    return [(name, argument or "") for name, argument
            in re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: (\S+))?  ", text, re.M)]


def page(name: str) -> str:
    """A manual page as a terminal shows it, words alone."""
    if shutil.which("mandoc") is None:
        pytest.skip("no mandoc (Debian package mandoc)")
    shown = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=400", str(BUILD / "docs" / "man" / name)],
                           capture_output=True, text=True, check=True).stdout
    return " ".join(re.sub(r".\x08", "", shown).split())


# -- help ---------------------------------------------------------------------------------------------

def test_help_lists_every_verb_and_each_has_its_own():
    assert {"status", "modules", "call", "logs", "ps", "install", "restart"} <= set(verbs())
    for verb in verbs():
        text = help_of(*verb.split())
        assert text.startswith(f"Usage: gatehouse {verb}")
        assert ("--json", "") in options(text) and ("--timeout-s", "SECONDS") in options(text)
        assert "\nExamples:\n  " in text, verb
        assert max(map(len, text.splitlines())) <= 120, verb


def test_help_comes_in_every_form_and_needs_no_daemon():
    for words in (["--help"], ["-h"], ["help"], ["help", "call"], ["call", "--help"], ["call", "-h"],
                  ["--help", "call"]):
        done = gatehouse(None, *words)
        assert (done.status, done.err) == (0, "") and done.out.startswith("Usage: gatehouse")
        assert ("call [OPTION]" in done.out) == ("call" in words)


@pytest.mark.parametrize("words", [["token", "--help"], ["token", "-h"], ["help", "token"], ["--help", "token"],
                                   ["den", "--help"], ["den", "user", "--help"], ["help", "den", "user"]])
def test_help_of_verbs_that_begin_alike(words):
    group = " ".join(word for word in words if word.isalpha() and word != "help")
    done = gatehouse(None, *words)
    assert (done.status, done.err) == (0, "") and done.out.startswith(f"Usage: gatehouse {group} [OPTION]")
    assert re.findall(r"^  (\S.*?)  ", done.out, re.MULTILINE) == [
        verb for verb in verbs() if verb.startswith(group + " ")]


def test_version():
    configure = (REPO / "configure.ac").read_text("utf-8")
    version = re.search(r"AC_INIT\(\[gatehouse\], \[([\d.]+)\]", configure).group(1)
    assert gatehouse(None, "--version").ok().out == f"gatehouse {version}\n"


# -- manual ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_mistakes(name):
    if shutil.which("mandoc") is None:
        pytest.skip("no mandoc (Debian package mandoc)")
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(BUILD / "docs" / "man" / name)],
                          capture_output=True, text=True)
    assert (lint.returncode, lint.stdout) == (0, "")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_program_prints(name):
    printed = subprocess.run([str(PROGRAM), "--print-man", name], capture_output=True, check=True)
    assert (BUILD / "docs" / "man" / name).read_bytes() == printed.stdout


def test_page_of_the_command_says_what_help_says():
    shown = page("gatehouse.1")
    for verb in verbs():
        text = help_of(*verb.split())
        _, summary, *rest = text.splitlines()
        assert f"gatehouse {verb}" in shown and summary in shown
        for option, argument in options(text):
            assert f"{option} {argument}".strip() in shown
        for example in re.findall(r"^  (gatehouse .*)$", text.split("Examples:")[1], re.M):
            assert " ".join(example.split()) in shown
    for status in re.findall(r"^  (\d+)  ", help_of().split("Exit status:")[1], re.M):
        assert f" {status} " in shown.split("EXIT STATUS")[1]


def test_page_of_the_daemon_has_every_option():
    shown, text = page("gatehoused.8"), help_of(program="gatehoused")
    listed = options(text)
    assert len(listed) > 30
    for option, argument in listed:
        assert f"{option} {argument}".strip() in shown


def test_page_of_the_configuration_has_every_setting():
    shown = page("gatehouse.yaml.5")
    for option, _ in options(help_of(program="gatehoused")):
        name = option[2:].replace("-", "_")
        if name not in ("config", "module", "help", "version"):
            assert f" {name} " in shown


def test_unknown_page_is_refused():
    done = gatehouse(None, "--print-man", "gatehouse.2")
    assert done.status == 2 and "no manual page 'gatehouse.2'" in done.err


# -- completion -------------------------------------------------------------------------------------

SCRIPT = """\
compopt() { :; }
source "$1" || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_gatehouse
printf '%s\\n' "${COMPREPLY[@]}"
"""


def shell_types(text: str, env: dict[str, str]) -> str:
    """What an interactive bash shows when TEXT is typed, one line after the other."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs,
                             stderr=theirs, env=environment(env), start_new_session=True)
    os.close(theirs)
    shown, lines = b"", text.splitlines(keepends=True)
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # EIO: the shell has ended
                break
            if lines and shown.endswith(b"$ "):
                os.write(ours, lines.pop(0).encode())
        shell.wait(60)
    finally:
        shell.kill()
        os.close(ours)
    return shown.decode()


def complete(*words: str, **options) -> set[str]:
    """What bash offers for the last of WORDS."""
    done = subprocess.run(["bash", "-c", SCRIPT, "bash", str(BUILD / "docs" / "completions" / "gatehouse"),
                           str(PROGRAM), *words], env=environment(), capture_output=True, text=True,
                          timeout=60, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return set(done.stdout.split("\n")) - {""}


def test_verbs_and_options_are_completed():
    assert set(complete("")) == {verb.split()[0] for verb in verbs()}
    assert complete("sta") == {"status"}
    assert complete("call", "--d") == {"--data"}
    assert complete("--js") == {"--json"}
    assert {"--json", "--url", "--data", "--raw", "--quiet"} <= complete("call", "m", "--")
    for verb in verbs():
        offered = complete(*verb.split(), "-")
        assert {option for option, _ in options(help_of(*verb.split()))} == offered, verb


def test_names_are_those_of_the_daemon(daemon):
    place = ["--state-dir", str(daemon.folder / "state")]
    daemon.post("/create_process", {"name": "workshop"})
    daemon.call("talk", args=["x"], run_name="the-run", stream_logs=True)
    assert complete(*place, "call", "") == {"add", "counter", "talk"}
    assert complete("call", *place, "co") == {"counter"}
    assert complete("call", *place, "counter.i") == {"counter.inc"}
    assert complete("modules", *place, "a") == {"add"}
    assert complete("restart", *place, "w") == {"workshop"}
    assert complete("install", "p", *place, "--process", "") == {"default_process", "workshop"}
    assert complete("logs", *place, "the") == {"the-run"}


def test_files_are_completed(tmp_path):
    (tmp_path / "token.txt").touch()
    (tmp_path / "folder").mkdir()
    assert complete("status", "--token-file", "to", cwd=tmp_path) == {"token.txt"}
    assert complete("status", "--state-dir", "", cwd=tmp_path) == {"folder"}
    assert complete("status", "--url", "", cwd=tmp_path) == set()


def test_the_tab_key_of_a_real_shell(daemon):
    """In an interactive bash, as people use it: the last word of each line is finished by Tab."""
    script = BUILD / "docs" / "completions" / "gatehouse"
    state = daemon.folder / "state"
    typed = (f"source {script}\n"
             "gatehouse sta\t--help | head -1\n"
             f"gatehouse call --state-dir {state} counter.pi\t\n"
             "exit\n")
    shown = shell_types(typed, {"PATH": f"{BUILD}:/usr/bin:/bin", "INPUTRC": "/dev/null", "PS1": "$ "})
    assert "Usage: gatehouse status" in shown
    assert '"pong"' in shown


def test_without_a_daemon_nothing_is_offered_and_nothing_is_said(tmp_path):
    assert complete("call", "--state-dir", str(tmp_path), "") == set()
