# SPDX-License-Identifier: Apache-2.0
"""docs/settings.md says what the program does: each option, its default, its range, its text."""
from __future__ import annotations

import re
import subprocess
from typing import NamedTuple

import pytest

from .configured import resolved
from .gatehoused import BUILD, REPO, START_S

CONFIG = 78
TEXT = (REPO / "docs" / "settings.md").read_text("utf-8")
UNITS = {"number": "N", "bytes": "bytes", "ms": "ms", "s": "s"}


class Row(NamedTuple):
    flag: str
    variable: str
    key: str
    type: str
    default: str
    range: str
    live: str
    text: str


def run(*options: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(BUILD / "gatehoused"), *options], capture_output=True, text=True,
                          timeout=START_S, env=variables)


def documented() -> list[Row]:
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")]
             for line in TEXT.splitlines() if line.startswith("| `--")]
    return [Row(*row) for row in cells if len(row) == len(Row._fields)]


def shown_by_help() -> dict[str, tuple[str, str, str]]:
    """flag -> (unit, text, default) of the lines of --help."""
    found = {}
    for line in run("--help").stdout.splitlines():
        if not line.startswith("  --"):
            continue
        flag, _, rest = line.strip().partition(" ")
        unit, text = (rest[:1] != " " and re.match(r"(\S+) +(.*)", rest) or
                      re.match(r"() *(.*)", rest)).groups()
        text, _, default = text.partition(" (default ")
        found[flag] = (unit, text, default.rstrip(")"))
    return found


ROWS = documented()
NUMBERS = [row for row in ROWS if row.type in UNITS]


def test_every_option_is_documented_and_no_other():
    others = {flag.split()[0] for flag in re.findall(r"^\| `(--[^`]+)` \| [^|]+ \|$", TEXT, re.M)}
    assert {row.flag for row in ROWS} | others == set(shown_by_help())
    assert len({row.flag for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.flag)
def test_row_says_what_help_says(row):
    unit, text, default = shown_by_help()[row.flag]
    assert row.text == text
    assert row.variable == "GATEHOUSE_" + row.flag[2:].replace("-", "_").upper()
    if row.type == "flag":
        assert unit == "" and row.default == "0"
    else:
        assert row.default == default
        assert UNITS.get(row.type, unit) == unit and unit


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.flag)
def test_key_is_that_of_the_file_and_live_what_the_program_says(row, tmp_path_factory):
    settings = resolved(tmp_path_factory.mktemp("home"))
    name = row.flag[2:].replace("-", "_")
    assert row.key == ("" if name == "config" else name)
    assert (row.live == "live") == settings[name]["live"]


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.flag)
def test_range_is_the_one_that_is_enforced(row):
    refused = run(row.flag, "none")
    assert refused.returncode == CONFIG
    unit = "" if row.type == "number" else f" {row.type}"
    assert refused.stderr.endswith(f"must be a whole number from {row.range}{unit}\n")


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.flag)
def test_variable_is_read(row):
    refused = run(**{row.variable: "none"})
    assert refused.returncode == CONFIG and row.variable in refused.stderr
