# SPDX-License-Identifier: Apache-2.0
"""Packages that the unmodified client asks for."""
from __future__ import annotations

import pytest

from integration import wheels

from . import sdk

pytestmark = pytest.mark.skipif(
    not sdk.has_client(), reason=f"runhouse {sdk.CLIENT_VERSION} is not installed for the tests")


@pytest.fixture
def client(start_daemon, tmp_path) -> sdk.Client:
    """A client of a daemon whose env is a venv, with wheels in ~/wheels and no index."""
    daemon = start_daemon(python=wheels.venv(tmp_path / "venv"), env={"PIP_NO_INDEX": "1"})
    for name, version in (("tinyone", "1.0"), ("tinyone", "2.0"), ("tinytwo", "1.0")):
        wheels.wheel(daemon.home / "wheels", name, version)
    client = sdk.Client(tmp_path / "client", daemon.host, daemon.port)
    (client.project / "uses.py").write_text(
        "def version(name):\n"
        "    import importlib\n"
        "    return importlib.import_module(name).VERSION\n")
    return client


def test_installed_packages_are_importable(client):
    seen = client.run("""
        from uses import version
        remote = rh.function(version).to(cluster, sync_local=False)
        cluster.install_package(rh.Package(install_method="pip", install_target="tinyone==1.0",
                                           install_args="--find-links wheels"))
        cluster.install_package(rh.Package(install_method="pip", install_target="tinytwo",
                                           install_args="--find-links wheels"))
        report(remote("tinyone"), remote("tinytwo"))
        cluster.install_packages(["tinyone", "pip:tinytwo==1.0"])
    """)
    assert seen.reports == ["1.0", "1.0"]


def test_failed_install_raises_with_the_reason(client):
    seen = client.run("""
        try:
            cluster.install_package("pip:nosuchpackage==9")
        except RuntimeError as error:
            report(str(error))
    """)
    assert seen.reports[0].startswith("Pip install /")
    assert 'pip install "nosuchpackage==9" failed, check that' in seen.reports[0]
    assert "No matching distribution found for nosuchpackage==9" in seen.reports[0]
