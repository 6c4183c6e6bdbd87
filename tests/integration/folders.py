# SPDX-License-Identifier: Apache-2.0
"""Questions to /folder/method/*, and what their answers say."""
from __future__ import annotations

import pytest

from . import pickles

SUCCESS = {"data": None, "output_type": "success", "serialization": None}


def ask(daemon, method, path, **fields):
    return daemon.post(f"/folder/method/{method}", {"path": str(path), **fields})


def done(answer) -> None:
    assert (answer.status, answer.json()) == (200, SUCCESS), answer


def result(answer):
    assert answer.status == 200, answer
    body = answer.json()
    assert (body["output_type"], body["serialization"]) == ("result_serialized", None), answer
    return body["data"]


def detail(answer) -> tuple[int, str]:
    return answer.status, answer.json()["detail"]


def raised(answer) -> tuple[str, str]:
    assert answer.status == 200, answer
    body = answer.json()
    assert body["output_type"] == "exception", answer
    return (pickles.loads(body["data"]["error"]).name.rpartition(".")[2],
            body["data"]["exception_as_str"])


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder
