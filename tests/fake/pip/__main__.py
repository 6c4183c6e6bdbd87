# SPDX-License-Identifier: Apache-2.0
"""`python -m pip install ...` for wheels in $PIP_FIND_LINKS and for the project folders that
tests/integration/wheels.py makes. No dependencies, no versions but `==`, no check of anything."""
from __future__ import annotations

import glob
import os
import re
import runpy
import shutil
import sys
import sysconfig
import tempfile
import zipfile

SITE = sysconfig.get_path("purelib")


def unpack(wheel: str) -> None:
    name, version = os.path.basename(wheel).split("-")[:2]
    for old in glob.glob(f"{SITE}/{name}-*.dist-info"):
        shutil.rmtree(old)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(SITE)
    with open(f"{SITE}/{name}-{version}.dist-info/INSTALLER", "w") as file:
        file.write("pip\n")
    print(f"Successfully installed {name}-{version}")


def install(target: str) -> None:
    if os.path.isdir(target):
        os.chdir(target)
        backend = runpy.run_path("backend.py")
        with tempfile.TemporaryDirectory() as folder:
            unpack(os.path.join(folder, backend["build_wheel"](folder)))
        return
    if target.endswith(".whl"):
        unpack(target)
        return
    name, _, version = re.sub(r"\[.*?\]", "", target).partition("==")
    for folder in os.environ.get("PIP_FIND_LINKS", "").split():
        found = sorted(glob.glob(f"{folder}/{name.replace('-', '_')}-{version or '*'}-*.whl"))
        if found:
            unpack(found[-1])
            return
    print(f"ERROR: No matching distribution found for {target}", file=sys.stderr)
    raise SystemExit(1)


def requirements(arguments: list[str]) -> list[str]:
    """The arguments, with what is in each file that -r names in its place."""
    found = []
    for before, argument in zip(["", *arguments], arguments):
        if before != "-r":
            found.append(argument)
            continue
        with open(argument, encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        found += [line for line in lines if line and not line.startswith("#")]
    return found


def main(arguments: list[str]) -> None:
    for argument in requirements(arguments):
        if not argument.startswith(("-", "http:")):
            install(argument)


main(sys.argv[2:])
