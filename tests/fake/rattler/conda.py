# SPDX-License-Identifier: Apache-2.0
"""conda create | install | run | env list, for tests.

Envs are in $CONDA_ENVS_PATH, channels come by -c; packages are cached in $RATTLER_CACHE."""
from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

ENVS = Path(os.environ["CONDA_ENVS_PATH"])
CACHE = Path(os.environ["RATTLER_CACHE"])


def prefix_of(options: argparse.Namespace) -> Path:
    if options.prefix:
        return Path(options.prefix)
    if options.name:
        return ENVS / options.name
    sys.exit("ArgumentError: one of -n and -p is needed")


def existing(options: argparse.Namespace) -> Path:
    prefix = prefix_of(options)
    if not (prefix / "conda-meta").is_dir():
        sys.exit(f"EnvironmentLocationNotFound: Not a conda environment: {prefix}")
    return prefix


async def change(prefix: Path, specs: list[str], channels: list[str]) -> None:
    import rattler

    present = [rattler.PrefixRecord.from_path(path)
               for path in sorted((prefix / "conda-meta").glob("*.json"))]
    print("Solving environment: ...working...", flush=True)
    try:
        records = await rattler.solve(
            sources=channels, specs=specs + [record.name.normalized for record in present],
            locked_packages=present, gateway=rattler.Gateway(cache_dir=CACHE / "repodata"))
    except Exception as error:
        sys.exit(f"PackagesNotFoundError: {error}")
    print("Downloading and Extracting Packages:", *sorted(r.file_name for r in records), flush=True)
    try:
        await rattler.install(records, target_prefix=prefix, cache_dir=CACHE / "packages",
                              installed_packages=present, show_progress=False)
    except Exception as error:
        sys.exit(f"CondaError: {error}")
    print("Executing transaction: done", flush=True)


def run(options: argparse.Namespace) -> None:
    prefix = existing(options)
    os.environ["PATH"] = f"{prefix / 'bin'}:{os.environ['PATH']}"
    os.environ["CONDA_PREFIX"] = str(prefix)
    os.execvp(options.command[0], options.command)


def main() -> None:
    parser = argparse.ArgumentParser(prog="conda")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("create", "install", "run"):
        verb = verbs.add_parser(name)
        verb.add_argument("-n", "--name")
        verb.add_argument("-p", "--prefix")
        if name == "run":
            verb.add_argument("command", nargs=argparse.REMAINDER)
        else:
            verb.add_argument("-y", action="store_true")
            verb.add_argument("-c", "--channel", action="append", default=[])
            verb.add_argument("specs", nargs="*")
    verb = verbs.add_parser("env")
    verb.add_argument("--json", action="store_true")
    verb.add_argument("words", nargs="*")
    options = parser.parse_args()
    if options.verb == "run":
        run(options)
    elif options.verb == "env":
        print(json.dumps({"envs": [str(p.parent) for p in sorted(ENVS.glob("*/conda-meta"))]}))
    else:
        if options.verb == "create":
            (prefix_of(options) / "conda-meta").mkdir(parents=True, exist_ok=True)
        asyncio.run(change(existing(options), options.specs, options.channel))
    sys.stdout.flush()
    os._exit(0)  # threads of the solver may still run, and trip over an interpreter that goes


main()
