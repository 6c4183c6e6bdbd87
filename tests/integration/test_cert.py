# SPDX-License-Identifier: Apache-2.0
"""/cert: the node's certificate."""
from __future__ import annotations

import json

from . import pickles

CERT = b"-----BEGIN CERTIFICATE-----\nMIIB\xff\n-----END CERTIFICATE-----\n"


def test_the_certificate_is_a_pickle_of_its_bytes(start_daemon, tmp_path):
    folder = tmp_path / "gatehoused0" / "home" / ".rh" / "certs"
    folder.mkdir(parents=True)
    (folder / "rh_server.crt").write_bytes(CERT)
    answer = start_daemon().get("/cert")
    assert answer.status == 200
    body = answer.json()
    assert (body["output_type"], body["serialization"]) == ("result_serialized", "pickle")
    assert pickles.loads(body["data"]) == CERT


def test_the_configured_certificate_counts(start_daemon, tmp_path):
    folder = tmp_path / "gatehoused0" / "home" / ".rh"
    folder.mkdir(parents=True)
    (folder / "cluster_config.json").write_text(json.dumps({"ssl_certfile": "~/own.crt"}))
    (tmp_path / "gatehoused0" / "home" / "own.crt").write_bytes(CERT * 100)
    assert pickles.loads(start_daemon().get("/cert").json()["data"]) == CERT * 100


def test_no_certificate_is_an_exception(daemon):
    body = daemon.get("/cert").json()
    error = pickles.loads(body["data"]["error"])
    path = daemon.home / ".rh" / "certs" / "rh_server.crt"
    assert (body["output_type"], body["serialization"]) == ("exception", "pickle")
    assert error.name == "builtins.FileNotFoundError"
    assert error.args == (f"No certificate found on cluster in path: {path}",)


def test_what_is_no_certificate_is_told(start_daemon, tmp_path):
    (tmp_path / "gatehoused0" / "home" / ".rh" / "certs" / "rh_server.crt").mkdir(parents=True)
    body = start_daemon().get("/cert").json()
    assert pickles.loads(body["data"]["error"]).name == "builtins.OSError"
