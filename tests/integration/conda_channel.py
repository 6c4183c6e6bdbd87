# SPDX-License-Identifier: Apache-2.0
"""A conda channel of tiny packages, made on the spot, and an env that conda itself would make from it."""
from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from .gatehoused import REPO

PROGRAMS = REPO / "tests" / "fake" / "rattler"
VERSION = "%d.%d" % sys.version_info[:2]
SITE = f"lib/python{VERSION}/site-packages"


def can_run() -> bool:
    return importlib.util.find_spec("rattler") is not None


class Channel:
    """FOLDER is what an HTTP server, or file:, serves."""

    def __init__(self, folder: Path):
        self.folder = folder
        (folder / "noarch").mkdir(parents=True)

    def package(self, name: str, version: str, files: dict[str, bytes], links=None, depends=()):
        """One .tar.bz2: FILES (path -> bytes), LINKS (path -> target)."""
        links = links or {}
        paths = [{"_path": path, "path_type": "hardlink", "size_in_bytes": len(content),
                  "sha256": hashlib.sha256(content).hexdigest()}
                 for path, content in files.items()]
        paths += [{"_path": path, "path_type": "softlink", "size_in_bytes": 0,
                   "sha256": hashlib.sha256(b"").hexdigest()} for path in links]
        index = {"name": name, "version": version, "build": "0", "build_number": 0,
                 "depends": list(depends), "subdir": "noarch", "timestamp": 1700000000000}
        about = {"info/index.json": index, "info/paths.json": {"paths": paths, "paths_version": 1}}
        members = {**{path: json.dumps(value).encode() for path, value in about.items()},
                   "info/files": "".join(f"{p['_path']}\n" for p in paths).encode(), **files}
        with tarfile.open(self.folder / "noarch" / f"{name}-{version}-0.tar.bz2", "w:bz2") as out:
            for path, content in members.items():
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(content), 0o755 if path.startswith("bin/") else 0o644
                out.addfile(member, io.BytesIO(content))
            for path, target in links.items():
                member = tarfile.TarInfo(path)
                member.type, member.linkname = tarfile.SYMTYPE, target
                out.addfile(member)

    def python(self) -> None:
        """The tests' interpreter as a package. pyvenv.cfg makes the env its prefix, as being installed
        there does with a true one."""
        base = os.path.realpath(sys.executable)
        config = f"home = {os.path.dirname(base)}\ninclude-system-site-packages = false\n"
        self.package("python", VERSION, {"pyvenv.cfg": config.encode(), f"{SITE}/README": b""},
                     links={"bin/python3": base, "bin/python": "python3"})

    def module(self, name: str, version: str, size: int = 0) -> None:
        """A Python module as conda packages have it, with metadata of its own kind."""
        info = f"{SITE}/{name}-{version}.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        self.package(name, version, {
            f"{SITE}/{name}.py": f"VERSION = {version!r}\n".encode(),
            f"{SITE}/{name}_data.bin": os.urandom(size),
            f"{info}/METADATA": metadata.encode(), f"{info}/INSTALLER": b"conda\n",
            f"{info}/RECORD": f"{name}.py,,\n".encode()}, depends=["python"])

    def index(self) -> None:
        from rattler.index import index_fs
        asyncio.run(index_fs(self.folder, write_zst=False, write_shards=False, force=True))


def environment(folder: Path) -> dict[str, str]:
    """What makes `conda` the one of tests/fake/rattler, with envs and caches below FOLDER."""
    (folder / "envs").mkdir(parents=True, exist_ok=True)
    return {"CONDA_ENVS_PATH": str(folder / "envs"), "RATTLER_CACHE": str(folder / "cache"),
            "RATTLER_PYTHON": sys.executable, "PATH": f"{PROGRAMS}:/usr/bin:/bin"}


def conda(folder: Path, *args: str) -> str:
    done = subprocess.run([str(PROGRAMS / "conda"), *args], capture_output=True, text=True,
                          env={**os.environ, **environment(folder)}, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout
