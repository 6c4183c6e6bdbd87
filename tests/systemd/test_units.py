# SPDX-License-Identifier: Apache-2.0
"""The units as such: what systemd makes of them, and where `make install` puts them. Needs no booted systemd."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from .machine import find, make

#: Times ten, as systemd-analyze takes it. What is not shut away is what user code needs; see the unit.
EXPOSURE_MAX = 22
SYSTEM = "usr/local/lib/systemd/system"
INSTALLED = [f"{SYSTEM}/gatehoused.service", f"{SYSTEM}/gatehoused@.service", f"{SYSTEM}/gatehoused.socket",
             f"{SYSTEM}/gatehoused-http.socket", f"{SYSTEM}/gatehoused-https.socket",
             "usr/local/lib/systemd/user/gatehoused.service", "usr/local/lib/sysusers.d/gatehouse.conf",
             "usr/local/lib/tmpfiles.d/gatehouse.conf"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stage")
    make("install", folder)
    return folder


def analyze(*words: str, **variables: str) -> str:
    if find("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here: tools/install-packages test")
    done = subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **variables})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_install_places_and_uninstall_removes_them(stage, tmp_path):
    for name in INSTALLED:
        text = (stage / name).read_text()
        assert not re.search(r"@\w+@", text), name
    make("install", tmp_path)
    make("uninstall", tmp_path)
    assert not [str(path) for path in tmp_path.rglob("*") if path.is_file()]


def test_units_are_what_systemd_takes(stage, tmp_path):
    """Programs are looked for where they will be, so they are named by where they are now."""
    units = []
    for name in INSTALLED:
        if name.endswith((".service", ".socket")) and "/user/" not in name:
            unit = tmp_path / Path(name).name
            unit.write_text((stage / name).read_text().replace("/usr/local/bin", f"{stage}/usr/local/bin"))
            units.append(str(unit).replace("@.service", "@alice.service"))
            if "@" in name:
                Path(units[-1]).write_text(unit.read_text())
    assert analyze("verify", "--man=no", *units).strip() == ""


def test_user_unit_is_what_systemd_takes(stage, tmp_path):
    unit = tmp_path / "gatehoused.service"
    text = (stage / "usr/local/lib/systemd/user/gatehoused.service").read_text()
    unit.write_text(text.replace("/usr/local/bin", f"{stage}/usr/local/bin"))
    assert analyze("--user", "verify", "--man=no", str(unit), XDG_RUNTIME_DIR=str(tmp_path)).strip() == ""


def test_exposure_has_a_bound(stage):
    said = analyze("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", str(stage / SYSTEM / "gatehoused.service"))
    assert "Overall exposure level for gatehoused.service" in said


def test_sysusers_and_tmpfiles_are_what_systemd_takes(stage, tmp_path):
    (tmp_path / "etc").mkdir()
    for program, name in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
        if find(program) is None:
            pytest.skip(f"no {program} here")
        options = ["--create"] if program == "systemd-tmpfiles" else []
        done = subprocess.run([program, f"--root={tmp_path}", *options, str(stage / f"usr/local/lib/{name}/gatehouse.conf")],
                              capture_output=True, text=True)
        assert done.returncode == 0 and "rror" not in done.stderr, done.stderr
    assert re.search("^gatehouse:", (tmp_path / "etc/passwd").read_text(), re.M)
    assert (tmp_path / "var/lib/gatehouse").stat().st_mode & 0o777 == 0o700
