# SPDX-License-Identifier: Apache-2.0
"""The pages tell the truth: the curl commands of each are run in order, their answers compared."""
from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from .gatehoused import ANSWER_S, REPO, Gatehoused

pytestmark = [pytest.mark.release_only("the examples' routes have their own tests"),
              pytest.mark.skipif(not shutil.which("curl"), reason="no curl")]

DOCS = REPO / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def examples(page: str) -> list[tuple[str, str]]:
    """(command, answer) of the console blocks, the curl ones."""
    parts = [part.partition("\n") for block in blocks(page, "console")
             for part in re.split(r"^\$ ", block, flags=re.M)[1:]]
    return [(command, answer.rstrip("\n")) for command, _, answer in parts
            if command.startswith("curl ")]


def as_pattern(answer: str) -> str:
    """The answer as a regular expression; `...` stands for anything."""
    return ".*".join(re.escape(piece) for piece in answer.split("..."))


@pytest.fixture
def shop(start_daemon, tmp_path) -> Gatehoused:
    """The daemon that http-api.md starts. Its home has the page's module in ~/code."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "shop.py").write_text(blocks("http-api.md", "python")[0], "utf-8")
    words = blocks("http-api.md", "sh")[0].replace("\\\n", " ").split()
    modules = [word.replace("code/", f"{code}/")
               for option, word in zip(words, words[1:]) if option == "--module"]
    daemon = start_daemon(inspect=False, modules=modules)
    (daemon.home / "code").symlink_to(code)
    return daemon


@pytest.mark.parametrize("page, least", [("http-api.md", 55), ("security.md", 4)])
def test_every_example_answers_as_the_page_says(shop, page, least):
    wrong = []
    for command, answer in examples(page):
        done = subprocess.run(command.replace("http://127.0.0.1:32300", shop.url), shell=True,
                              capture_output=True, text=True, timeout=ANSWER_S,
                              env=shop.environment())
        if not re.fullmatch(as_pattern(answer), done.stdout.rstrip("\n"), re.S):
            wrong.append(f"$ {command}\n{done.stdout}{done.stderr}\n-- but {page} says --\n{answer}")
    assert not wrong, "\n\n".join(wrong)
    assert len(examples(page)) >= least
