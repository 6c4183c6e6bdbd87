# SPDX-License-Identifier: Apache-2.0
"""Tiny packages made on the spot, so that installing them needs no network."""
from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path


def _record_line(name: str, content: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=")
    return f"{name},sha256={digest.decode()},{len(content.encode())}\n"


def _write(path: Path, info: str, files: dict[str, str]) -> Path:
    record = "".join(_record_line(n, c) for n, c in files.items()) + f"{info}/RECORD,,\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{info}/RECORD": record}.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            archive.writestr(entry, content)
    return path


def wheel(folder: Path, name: str, version: str = "1.0", code: str = "",
          extras: dict[str, str] | None = None, scripts: dict[str, str] | None = None,
          files: dict[str, str] | None = None, tag: str = "py3-none-any") -> Path:
    """NAME-VERSION of one module; `NAME.VERSION` is its version. EXTRAS: extra -> requirement. SCRIPTS
    go to bin/, FILES beside the module; both name -> content."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    for extra, requirement in (extras or {}).items():
        metadata += (f"Provides-Extra: {extra}\n"
                     f"Requires-Dist: {requirement} ; extra == '{extra}'\n")
    return _write(folder / f"{name}-{version}-{tag}.whl", info, {
        f"{name}.py": f"VERSION = {version!r}\n{code}",
        **(files or {}),
        **{f"{name}-{version}.data/scripts/{n}": c for n, c in (scripts or {}).items()},
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
                         f"Tag: {tag}\n",
    })


BACKEND = '''\
"""A build backend of a few lines: one module, ordinary or editable wheels."""
import os, zipfile

def _wheel(folder, files):
    name = "{name}-{version}-py3-none-any.whl"
    info = "{name}-{version}.dist-info/"
    files = dict(files)
    files[info + "METADATA"] = "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
    files[info + "WHEEL"] = ("Wheel-Version: 1.0\\nGenerator: test\\n"
                             "Root-Is-Purelib: true\\nTag: py3-none-any\\n")
    files[info + "RECORD"] = "".join(n + ",,\\n" for n in list(files) + [info + "RECORD"])
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return name

def build_wheel(folder, config_settings=None, metadata_directory=None):
    {before}
    return _wheel(folder, {{"{name}.py": open("{name}.py").read()}})

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {{"{name}.pth": os.getcwd() + "\\n"}})
'''


def project(folder: Path, name: str, version: str = "1.0", before: str = "pass") -> Path:
    """A project folder that pip can install without anything from an index. BEFORE: a statement
    that runs while its wheel is built."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(f"VERSION = {version!r}\n")
    (folder / "backend.py").write_text(BACKEND.format(name=name, version=version, before=before))
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n')
    return folder


def bare_venv(folder: Path) -> str:
    """A venv without pip; the path of its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True,
                   stdin=subprocess.DEVNULL, capture_output=True)
    return str(folder / "bin" / "python")


def venv(folder: Path, real_pip: bool = True) -> str:
    """A venv with the pip of the tests' interpreter, linked, since ensurepip takes seconds; or with
    tests/fake/pip."""
    python = bare_venv(folder)
    add_pip(folder, real_pip)
    return python


def add_pip(env: Path, real_pip: bool) -> None:
    site = next((env / "lib").glob("python3*/site-packages"))
    if real_pip:
        import pip

        (site / "pip").symlink_to(Path(pip.__file__).parent)
    else:
        (site / "pip").symlink_to(Path(__file__).resolve().parents[1] / "fake" / "pip")


def repository(folder: Path, files: dict[str, str]) -> str:
    """A git repository with one commit; its commit id."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    return commit(folder, files)


def commit(folder: Path, files: dict[str, str]) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a commit")
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *args: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@localhost",
                "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@localhost"}
    done = subprocess.run(["git", "-C", str(folder), *args], check=True, capture_output=True,
                          text=True, env={**os.environ, **identity})
    return done.stdout.strip()


def uv_offline(folder: Path, uv: Path) -> dict[str, str]:
    """An environment in which UV is on PATH, and finds what is in FOLDER/wheels and nothing else."""
    (folder / "tools").mkdir()
    (folder / "tools" / "uv").symlink_to(uv)
    config = folder / "uv.toml"
    config.write_text(f'no-index = true\nfind-links = ["{folder / "wheels"}"]\n')
    return {"PATH": f"{folder}/tools:/usr/bin:/bin", "UV_CONFIG_FILE": str(config),
            "UV_CACHE_DIR": str(folder / "uv-cache")}
