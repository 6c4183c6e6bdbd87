# SPDX-License-Identifier: Apache-2.0
"""docs/den.md tells a story; here it happens, command by command, at three homes."""
from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from .auth_kit import node as start_node
from .gatehoused import BUILD, PYTHON, REPO
from .test_http_api_doc import as_pattern

PAGE = (REPO / "docs" / "den.md").read_text("utf-8")
PROGRAM_S = 120.0
BLOCKS = re.findall(r"^```(sh|console|python)\n(.*?)^```$", PAGE, re.M | re.S)


class Story:
    def __init__(self, folder: Path, node):
        self.folder = folder
        self.node = node
        self.told = 0

    def place(self, text: str) -> str:
        """The page's node is here."""
        return text.replace("node.example.org", "localhost").replace("32300", str(self.node.daemon.port))

    def environment(self, home: Path) -> dict[str, str]:
        dropped = ("GATEHOUSE_", "RH_", "XDG_", "PYTHONPATH", "VIRTUAL_ENV")
        env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        return {**env, "HOME": str(home), "disable_observability": "true",
                "PATH": f"{BUILD}{os.pathsep}{env['PATH']}"}

    def console(self, block: str) -> None:
        """At the node. The daemon's state folder is not the default one."""
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, said = part.partition("\n")
            words = f"{command.replace('gatehouse den', 'gatehouse --state-dir ' + str(self.state) + ' den')}"
            done = subprocess.run(words, shell=True, cwd=self.folder, capture_output=True, text=True,
                                  timeout=PROGRAM_S, env=self.environment(self.folder / "d" / "home"))
            assert done.returncode == 0, done
            assert re.fullmatch(as_pattern(said.strip()), done.stdout.strip(), re.S), (command, done)
            self.told += 1

    @property
    def state(self) -> Path:
        return self.folder / "d" / "state"

    def python(self, block: str) -> None:
        """At the machine of whoever the first line names."""
        name = block.partition("\n")[0].lstrip("# ")
        place = self.folder / name
        (place / ".rh").mkdir(parents=True, exist_ok=True)
        config = place / ".rh" / "config.yaml"
        if not config.exists():
            config.write_text("default_autostop: 60\n")
        project = place / "project"
        project.mkdir(exist_ok=True)
        (project / "requirements.txt").touch()
        token = project / f"{name}.token"
        if not token.exists():
            token.write_bytes((self.folder / token.name).read_bytes())
        (project / "story.py").write_text(self.place(block))
        env = {**self.environment(place), "API_SERVER_URL": self.place("http://node.example.org:32300")}
        done = subprocess.run([PYTHON, "story.py"], cwd=project, env=env, capture_output=True, text=True,
                              timeout=PROGRAM_S, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
        self.told += 1


def test_the_story_happens(tmp_path):
    [start] = [block for language, block in BLOCKS if language == "sh"]
    written, command = start.strip().splitlines()
    config = re.search(r"'(.*)'", written).group(1)
    rh = tmp_path / "d" / "home" / ".rh"
    rh.mkdir(parents=True)
    (rh / "cluster_config.json").write_text(json.dumps(json.loads(config)))
    flags = re.sub(r" --(host|port) \S+", "", command).split()[1:-1]
    with start_node(tmp_path / "d", *flags, owner=False, auth=False) as node:
        story = Story(tmp_path, node)
        for language, block in BLOCKS:
            if language != "sh":
                getattr(story, language)(block)
        assert story.told == 11


def test_every_row_is_there():
    """The page has each path of the table of routes."""
    routes = (REPO / "src" / "api" / "routes.c").read_text("utf-8")
    paths = re.findall(r'\{GH_(\w+), +"([^"]+)", +GH_NEED_DEN', routes)
    assert len(paths) == 23
    for method, path in paths:
        assert path.replace("{uri}", "URI") in PAGE and method in PAGE, path


@pytest.mark.parametrize("name, shown", [
    ("GH_DEN_USERS_MAX", "10,000"), ("GH_DEN_TOKENS_MAX", "100;"), ("GH_DEN_FOLDERS_MAX", "1,000"),
    ("GH_DEN_RESOURCES_MAX", "10,000;"), ("GH_DEN_SECRETS_MAX", "1,000;"), ("GH_DEN_GRANTS_MAX", "1,000"),
])
def test_bounds_are_those_of_the_program(name, shown):
    header = (REPO / "src" / "den" / "den.h").read_text("utf-8")
    value = int(re.search(rf"#define {name} (\d+)u", header).group(1))
    assert f"{value:,}" == shown.rstrip(";") and shown in PAGE
