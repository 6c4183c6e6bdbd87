# SPDX-License-Identifier: Apache-2.0
"""Certificates that are given: what is taken, what is refused and how, by name, and changed while it runs."""
from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .gatehoused import BUILD, Gatehoused, wait_until
from .tls_kit import Authority, Shown, context_of, shake

NAMES = ["localhost", "127.0.0.1"]


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.make("root", is_ca=True)


# -- what is taken -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ecdsa", "rsa2048", "rsa4096"])
def test_a_chain_of_either_kind(start_daemon, tmp_path, root, kind):
    middle = Authority.make("middle", issuer=root, is_ca=True)
    leaf = Authority.make("leaf", NAMES, issuer=middle, kind=kind)
    daemon = start_daemon(inspect=False, args=leaf.options(tmp_path))
    assert shake(daemon.port, "localhost", context_of(root)).subject == "leaf"


def test_the_chain_is_sent_in_order_without_its_root(start_daemon, tmp_path, root):
    middle = Authority.make("middle", issuer=root, is_ca=True)
    leaf = Authority.make("leaf", NAMES, issuer=middle)
    chain, key = leaf.write(tmp_path)
    chain.write_bytes(leaf.pem + root.pem + middle.pem)
    daemon = start_daemon(inspect=False, args=["--use-https", "--ssl-certfile", str(chain), "--ssl-keyfile",
                                               str(key)])
    done = subprocess.run(["openssl", "s_client", "-showcerts", "-connect", f"127.0.0.1:{daemon.port}"],
                          capture_output=True, text=True, input="", timeout=60)
    sent = [line.partition("CN = ")[2] for line in done.stdout.splitlines() if " s:CN = " in line]
    assert sent == ["leaf", "middle"]


def test_key_and_certificate_in_one_file(start_daemon, tmp_path):
    leaf = Authority.make("leaf", NAMES)
    both = tmp_path / "both.pem"
    both.touch(0o600)
    both.write_bytes(leaf.key_pem + leaf.pem)
    daemon = start_daemon(inspect=False, args=["--use-https", "--ssl-certfile", str(both)])
    assert shake(daemon.port).subject == "leaf"
    assert b"PRIVATE" not in json.dumps(certificates(daemon)).encode()


def test_files_count_from_where_the_daemon_starts_and_from_home(start_daemon, tmp_path):
    home = tmp_path / "gatehoused0" / "home"
    leaf = Authority.make("leaf", NAMES)
    leaf.write(home / "certs")
    daemon = start_daemon(inspect=False, args=["--use-https", "--ssl-certfile", "certs/server.crt",
                                               "--ssl-keyfile", "~/certs/server.key"])
    assert shake(daemon.port).subject == "leaf"


def test_an_expired_one_is_shown_and_told(start_daemon, tmp_path):
    leaf = Authority.make("leaf", NAMES, days=-1, since=3)
    daemon = start_daemon(inspect=False, args=leaf.options(tmp_path))
    assert shake(daemon.port).subject == "leaf"
    assert "tls.certificate_dates" in daemon.log() and "expired" in daemon.log()


# -- what is refused -----------------------------------------------------------------------------


def refused(tmp_path: Path, *args: str) -> str:
    done = Gatehoused(tmp_path / "refused", args=["--use-https", *args]).run_to_exit()
    assert done.returncode == 78, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_key_of_another(tmp_path):
    leaf, other = Authority.make("leaf"), Authority.make("leaf")
    chain, key = leaf.write(tmp_path)
    key.write_bytes(other.key_pem)
    said = refused(tmp_path, "--ssl-certfile", str(chain), "--ssl-keyfile", str(key))
    assert f"{chain} with {key}: the key does not belong to the certificate (CN=leaf)" in said


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8,
                                  serialization.PrivateFormat.TraditionalOpenSSL])
def test_a_key_with_a_passphrase(tmp_path, form):
    leaf = Authority.make("leaf")
    chain, key = leaf.write(tmp_path)
    key.write_bytes(leaf.encrypted_key_pem(form))
    said = refused(tmp_path, "--ssl-certfile", str(chain), "--ssl-keyfile", str(key))
    assert "passphrase" in said and "openssl pkey" in said


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
def test_a_key_that_others_can_read(tmp_path, mode):
    chain, key = Authority.make("leaf").write(tmp_path)
    key.chmod(mode)
    if os.geteuid() == 0 and mode == 0o640:
        pytest.skip("root's key for a group is what a service has")
    said = refused(tmp_path, "--ssl-certfile", str(chain), "--ssl-keyfile", str(key))
    assert f"chmod 600 {key}" in said and f"{mode:04o}" in said


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_key_that_is_not_named(tmp_path, mode):
    """Nor is it in the certificate's file: the setting is what lacks, and not a right."""
    chain, _ = Authority.make("leaf").write(tmp_path)
    chain.chmod(mode)
    said = refused(tmp_path, "--ssl-certfile", str(chain))
    assert f"ssl_keyfile is missing: there is no private key in {chain}" in said and "--ssl-keyfile" in said
    assert "chmod" not in said


def test_a_certificate_in_the_place_of_a_key(tmp_path):
    chain, _ = Authority.make("leaf").write(tmp_path)
    chain.chmod(0o644)
    said = refused(tmp_path, "--ssl-certfile", str(chain), "--ssl-keyfile", str(chain))
    assert f"there is no key in {chain}" in said and "chmod" not in said


def test_the_clients_own_upload_is_closed_not_refused(start_daemon, tmp_path):
    folder = tmp_path / "gatehoused0" / "home" / "certs"
    chain, key = Authority.like_the_clients(NAMES).write(folder, "rh_server")
    key.chmod(0o644)
    daemon = start_daemon(inspect=False, args=["--use-https", "--ssl-certfile", "~/certs/rh_server.crt",
                                               "--ssl-keyfile", "~/certs/rh_server.key"])
    assert shake(daemon.port).subject == "run.house"
    assert key.stat().st_mode & 0o777 == 0o600 and "tls.key_closed" in daemon.log()


@pytest.mark.parametrize("content, problem", [
    (b"", "no certificate"), (b"x" * 100, "no certificate"),
    (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
    (b"x" * (2 << 20), "at most")])
def test_what_is_no_certificate(tmp_path, content, problem):
    chain, key = Authority.make("leaf").write(tmp_path)
    chain.write_bytes(content)
    assert problem in refused(tmp_path, "--ssl-certfile", str(chain), "--ssl-keyfile", str(key))


def test_files_that_cannot_be_read(tmp_path):
    chain, key = Authority.make("leaf").write(tmp_path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    missing = tmp_path / "none.crt"
    assert f"{missing}: No such file" in refused(tmp_path, "--ssl-certfile", str(missing),
                                                 "--ssl-keyfile", str(key))
    assert "no regular file" in refused(tmp_path, "--ssl-certfile", str(chain), "--ssl-keyfile", str(fifo))
    assert "no regular file" in refused(tmp_path, "--ssl-certfile", str(tmp_path), "--ssl-keyfile", str(key))
    assert "2 files and ssl_keyfile 1" in refused(tmp_path, "--ssl-certfile", f"{chain},{chain}",
                                                  "--ssl-keyfile", str(key))


def test_a_weak_key(tmp_path):
    weak = Authority.make("leaf", kind="rsa1024")
    assert "too weak" in refused(tmp_path, *weak.options(tmp_path)[1:])


# -- by name -------------------------------------------------------------------------------------


@pytest.fixture
def several(start_daemon, tmp_path):
    """Two hosts, a wildcard, and one host with both kinds of key."""
    made = {"default": Authority.make("default", NAMES), "a": Authority.make("a", ["a.example"]),
            "wild": Authority.make("wild", ["*.w.example"], kind="rsa2048"),
            "both-rsa": Authority.make("both-rsa", ["both.example"], kind="rsa2048"),
            "both-ec": Authority.make("both-ec", ["both.example"])}
    files = [each.write(tmp_path, stem) for stem, each in made.items()]
    daemon = start_daemon(inspect=False, args=[
        "--use-https", "--ssl-certfile", ",".join(str(chain) for chain, _ in files),
        "--ssl-keyfile", ",".join(str(key) for _, key in files)])
    daemon.made = made
    return daemon


@pytest.mark.parametrize("name, shown", [
    (None, "default"), ("localhost", "default"), ("unknown.example", "default"), ("a.example", "a"),
    ("A.EXAMPLE", "a"), ("x.w.example", "wild"), ("x.y.w.example", "default"), ("w.example", "default"),
    ("both.example", "both-ec")])
def test_the_name_decides(several, name, shown):
    assert shake(several.port, name).subject == shown


def test_who_cannot_verify_ecdsa_is_shown_rsa(several):
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{several.port}", "-servername", "both.example"]
    for algorithms, subject in (("RSA-PSS+SHA256", "both-rsa"), ("ECDSA+SHA256", "both-ec")):
        done = subprocess.run([*words, "-sigalgs", algorithms], capture_output=True, text=True, input="",
                              timeout=60)
        assert f"subject=CN = {subject}" in done.stdout, done.stdout


@pytest.mark.parametrize("ciphers, subject", [
    ("ECDHE-RSA-AES128-GCM-SHA256", "both-rsa"), ("ECDHE-ECDSA-AES128-GCM-SHA256", "both-ec"),
    ("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256", "both-ec"),
    ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384", "both-ec")])
def test_ciphers_of_tls_1_2_decide_too(several, ciphers, subject):
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{several.port}", "-servername", "both.example"]
    done = subprocess.run([*words, "-tls1_2", "-cipher", ciphers], capture_output=True, text=True, input="",
                          timeout=60)
    assert f"subject=CN = {subject}" in done.stdout, done.stdout


# -- changed while it runs -----------------------------------------------------------------------


class Load:
    """Clients that shake hands and ask without end; what fails is kept."""

    def __init__(self, daemon: Gatehoused, count: int = 3):
        self.daemon, self.failures, self.requests = daemon, [], 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(count)]

    def run(self, number: int) -> None:
        context = context_of()
        while not self.stop.is_set():
            try:
                shake(self.daemon.port, "localhost", context)
                self.requests += 1
            except Exception as problem:  # noqa: BLE001
                self.failures.append(problem)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode)
    fresh.write_bytes(content)
    fresh.rename(path)


def test_a_change_is_seen_at_once_and_nobody_is_dropped(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, args=Authority.make("first", NAMES).options(tmp_path))
    chain, key = tmp_path / "server.crt", tmp_path / "server.key"
    waits = []
    with Load(daemon) as load:
        for number in range(5):
            new = Authority.make(f"number{number}", NAMES)
            replace(chain, new.pem)
            replace(key, new.key_pem)
            begun = time.monotonic()
            wait_until("the new one", lambda: shake(daemon.port).subject == f"number{number}", 20)
            waits.append(time.monotonic() - begun)
    assert load.failures == [] and load.requests > 5
    print(f"seen after {sorted(waits)[len(waits) // 2] * 1000:.0f} ms (median of {len(waits)})")
    assert min(waits) < 1


def test_by_links_as_clusters_and_certbot_have_it(start_daemon, tmp_path):
    for number in (1, 2):
        Authority.make(f"number{number}", NAMES).write(tmp_path / str(number), "tls")
    data = tmp_path / "..data"
    data.symlink_to("1")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    daemon = start_daemon(inspect=False, args=["--use-https", "--ssl-certfile", str(tmp_path / "tls.crt"),
                                               "--ssl-keyfile", str(tmp_path / "tls.key")])
    assert shake(daemon.port).subject == "number1"
    (tmp_path / "..tmp").symlink_to("2")
    (tmp_path / "..tmp").rename(data)
    wait_until("the other folder", lambda: shake(daemon.port).subject == "number2", 20)


def test_a_bad_change_keeps_the_old_one_and_is_told_once(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, args=Authority.make("good", NAMES).options(tmp_path))
    chain = tmp_path / "server.crt"
    old = chain.read_bytes()
    chain.write_bytes(Authority.make("other", NAMES).pem)
    wait_until("the complaint", lambda: "tls.not_reloaded" in daemon.log(), 30)
    daemon.signal(signal.SIGHUP)
    daemon.signal(signal.SIGHUP)
    assert daemon.log().count("tls.not_reloaded") == 1
    assert shake(daemon.port).subject == "good"
    chain.write_bytes(old)
    wait_until("the good one", lambda: daemon.log().count('"tls.certificate"') >= 2, 30)
    chain.write_bytes(b"")
    wait_until("another complaint", lambda: daemon.log().count("tls.not_reloaded") == 2, 30)


def test_sighup_reads_them_again(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, args=Authority.make("first", NAMES).options(tmp_path))
    count = daemon.log().count('"tls.certificate"')
    daemon.signal(signal.SIGHUP)
    wait_until("the second reading", lambda: daemon.log().count('"tls.certificate"') > count, 30)
    assert shake(daemon.port).subject == "first"


def test_connections_outlive_a_change(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, args=Authority.make("first", NAMES).options(tmp_path))
    import http.client
    kept = http.client.HTTPSConnection("127.0.0.1", daemon.port, context=context_of(), timeout=30)
    kept.request("GET", "/check")
    kept.getresponse().read()
    connection = kept.sock
    new = Authority.make("second", NAMES)
    replace(tmp_path / "server.crt", new.pem)
    replace(tmp_path / "server.key", new.key_pem)
    wait_until("the new one", lambda: shake(daemon.port).subject == "second", 20)
    kept.request("GET", "/check")
    assert kept.getresponse().read() and kept.sock is connection


@pytest.mark.skipif(not shutil.which("wrk"), reason="no wrk here")
def test_a_change_under_wrk_fails_no_request(start_daemon, tmp_path):
    daemon = start_daemon(inspect=False, args=Authority.make("first", NAMES).options(tmp_path))
    load = subprocess.Popen(["wrk", "-t1", "-c16", "-d4", f"https://127.0.0.1:{daemon.port}/check"],
                            stdout=subprocess.PIPE, text=True)
    for number in range(6):
        time.sleep(0.4)  # between changes: wrk runs for a fixed time too
        new = Authority.make(f"number{number}", NAMES)
        replace(tmp_path / "server.crt", new.pem)
        replace(tmp_path / "server.key", new.key_pem)
    said = load.communicate(timeout=60)[0]
    assert "Socket errors" not in said and "Non-2xx" not in said, said


# -- how it is handed out ------------------------------------------------------------------------


def certificates(daemon: Gatehoused, *words: str) -> list:
    done = cli(daemon, "cert", "show", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cli(daemon: Gatehoused, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(BUILD / "gatehouse"), *words, "--state-dir", str(daemon.folder / "state")],
                          capture_output=True, text=True, timeout=60, env=daemon.environment())


def fetch_cert(daemon: Gatehoused, host: str) -> bytes:
    import http.client

    from . import pickles
    connection = http.client.HTTPSConnection("127.0.0.1", daemon.port, context=context_of(), timeout=30)
    connection.request("GET", "/cert", headers={"Host": host})
    body = json.loads(connection.getresponse().read())
    connection.close()
    assert (body["output_type"], body["serialization"]) == ("result_serialized", "pickle")
    return pickles.loads(body["data"])


def test_cert_is_the_one_that_is_shown(several):
    for host, stem in (("a.example", "a"), (f"a.example:{several.port}", "a"), ("127.0.0.1", "default"),
                       ("[::1]", "default"), ("x.w.example", "wild")):
        assert fetch_cert(several, host) == several.made[stem].pem


def test_the_command_shows_them(several):
    assert [each["subject"] for each in certificates(several)] == \
        [f"CN={stem}" for stem in several.made]
    assert certificates(several, "x.w.example")[0]["names"] == ["*.w.example"]
    text = cli(several, "cert", "show", "a.example").stdout
    assert "CN=a" in text and x509.load_pem_x509_certificate(
        text[text.index("-----BEGIN"):].encode()) == several.made["a"].certificate
    assert cli(several, "cert", "fingerprint").stdout.strip() == several.made["default"].fingerprint
    assert cli(several, "cert", "fingerprint", "a.example").stdout.strip() == several.made["a"].fingerprint


def test_the_command_without_https(start_daemon):
    done = cli(start_daemon(), "cert", "show")
    assert done.returncode == 5 and "--use-https" in done.stderr


def test_clients_verify_by_what_is_handed_out(start_daemon, tmp_path):
    daemon = start_daemon(tls=True)
    anchor = tmp_path / "anchor.pem"
    anchor.write_bytes(fetch_cert(daemon, "localhost"))
    assert isinstance(shake(daemon.port, "localhost", ssl.create_default_context(cafile=anchor)), Shown)
