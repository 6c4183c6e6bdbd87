# SPDX-License-Identifier: Apache-2.0
"""Certificates from a CA by ACME: ordered when a client first asks, kept, renewed, and what goes wrong."""
from __future__ import annotations

import concurrent.futures
import json
import re
import socket
import ssl
import stat
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509

from . import acme_ca
from .acme_ca import EAB_KEY, EAB_KID, Pebble, problem
from .gatehoused import Gatehoused, wait_until
from .ports import free_port

NAME, OTHER = "one.example.test", "two.example.test"
ISSUED_S = 60.0

pytestmark = pytest.mark.skipif(not acme_ca.is_here(), reason="no pebble: tools/install-packages test")


@pytest.fixture
def make_ca(tmp_path_factory):
    """Start a Pebble with these options; it ends after the test."""
    stack = []

    def make(**options) -> Pebble:
        ca = Pebble(tmp_path_factory.mktemp("ca"), **options)
        running = ca.running()
        stack.append(running)
        return running.__enter__()

    yield make
    for running in reversed(stack):
        running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def shared_ca(tmp_path_factory):
    with Pebble(tmp_path_factory.mktemp("ca")).running() as ca:
        yield ca


@pytest.fixture
def ca(shared_ca) -> Pebble:
    """One for most tests, as it was at first; they leave it running."""
    shared_ca.relay.reset()
    for name in (NAME, OTHER):
        shared_ca.forget_name(name)
    return shared_ca


class Node:
    """A gatehoused that answers where CA looks: HTTP on the one port, HTTPS on the other."""

    def __init__(self, start_daemon, ca: Pebble, *more: str, domain: str = f"{NAME},{OTHER}",
                 has_http: bool = True, **options):
        self.ca = ca
        self.tls_port = ca.tls_port
        plain = ca.http_port if has_http else free_port()
        self.daemon = start_daemon(
            inspect=False,  # connections with the CA are kept for a while
            port_option=plain,
            args=["--listen", f"127.0.0.1:{ca.tls_port}/https", "--domain", domain,
                  "--redirect-http=0", "--log-level", "DEBUG", "--acme-retry-s", "1",
                  *ca.options(), *more], **options)

    @property
    def state(self) -> Path:
        (folder,) = (self.daemon.folder / "state" / "acme").iterdir()
        return folder

    def how(self, name: str = NAME) -> dict:
        path = self.state / "certs" / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def connect(self, name: str = NAME, *, trusts: bool = True) -> ssl.SSLSocket:
        """Shake hands as a client that asks for NAME, and believes the CA alone or anybody."""
        context = ssl.create_default_context(cafile=str(self.ca.root))
        if not trusts:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.tls_port), ISSUED_S)
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def shown(self, name: str = NAME) -> x509.Certificate:
        with self.connect(name, trusts=False) as tls:
            return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))

    def is_trusted(self, name: str = NAME) -> bool:
        try:
            self.connect(name).close()
            return True
        except ssl.SSLCertVerificationError:
            return False

    def events(self, name: str) -> list[dict]:
        lines = (json.loads(line) for line in self.daemon.log().splitlines() if line.startswith("{"))
        return [line for line in lines if line.get("event") == name]

    def await_event(self, name: str, count: int = 1) -> list[dict]:
        return wait_until(f"{count} times {name}",
                          lambda: len(found := self.events(name)) >= count and found, ISSUED_S)

    def orders(self) -> int:
        """That the CA was asked for."""
        return sum(bool(asked.payload and "identifiers" in asked.payload)
                   for asked in self.ca.relay.seen)

    def accounts(self) -> int:
        return sum(bool(asked.payload and "termsOfServiceAgreed" in asked.payload)
                   for asked in self.ca.relay.seen)

    def restart(self) -> None:
        self.daemon.stop()
        self.daemon.start()


@pytest.fixture
def node(request, start_daemon, make_ca):
    """node(*options, ca=...) -> a Node; without a CA one is made, or it is that of the fixture ca."""
    made: list[Node] = []

    def make(*more: str, **options) -> Node:
        ca = options.pop("ca", None) or request.getfixturevalue("ca")
        made.append(Node(start_daemon, ca, *more, **options))
        return made[-1]

    yield make
    for it in made:
        it.daemon.stop()
        assert not it.daemon.trouble()


def ask(tls: ssl.SSLSocket) -> bytes:
    tls.sendall(f"GET /check HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"}"):
        piece = tls.recv(4096)
        assert piece, answer
        answer += piece
    return answer


# -- what works ------------------------------------------------------------------------------------

def test_the_first_client_gets_a_trusted_answer(node):
    it = node()
    with it.connect() as tls:
        assert ask(tls).startswith(b"HTTP/1.1 200")
    with it.connect() as tls:
        assert ask(tls).startswith(b"HTTP/1.1 200")
    assert it.orders() == 1
    assert [event["name"] for event in it.await_event("acme.issued")] == [NAME]


def test_tls_alpn_01(node):
    it = node("--acme-challenge", "tls-alpn-01", has_http=False)
    assert it.is_trusted()
    kinds = [json.loads(line)["step"] for line in it.daemon.log().splitlines() if "acme.step" in line]
    assert kinds == ["order", "authorisation", "challenge", "validation", "finalising", "issuing",
                     "download"]


def test_without_port_80_the_other_challenge_is_tried(node):
    it = node(has_http=False)
    assert it.is_trusted()
    (failed,) = it.events("acme.failed")
    assert "http-01" in failed["reason"]
    assert it.orders() == 2


def test_many_first_clients_make_one_order(node):
    it = node()
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        trusted = list(pool.map(lambda i: it.is_trusted(NAME if i % 2 else OTHER), range(20)))
    assert trusted == [True] * 20
    assert it.orders() == 2


def test_others_than_the_names_lead_to_no_order(node):
    it = node()
    it.await_event("acme.account")
    for name in ("three.example.test", "example.test", "x.one.example.test", "localhost"):
        assert not it.is_trusted(name)
    assert it.orders() == 0


def test_a_restart_keeps_all_and_orders_nothing(node):
    it = node()
    it.connect().close()
    serial = it.shown().serial_number
    for _ in range(2):
        it.restart()
        assert it.shown().serial_number == serial
    it.daemon.kill()
    it.daemon.start()
    assert it.shown().serial_number == serial
    assert (it.orders(), it.accounts()) == (1, 1)


def test_state_is_for_its_owner_alone(node):
    it = node()
    it.connect().close()
    it.await_event("acme.issued")
    for path in [it.state.parent, it.state, *it.state.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert sorted(path.name for path in it.state.rglob("*") if path.is_file()) == sorted(
        ["account.json", "account.pem", "directory", f"{NAME}.json", f"{NAME}.pem"])
    secret = (it.state / "account.pem").read_text().splitlines()[1]
    assert secret not in it.daemon.log()


def test_a_short_life_is_renewed_under_open_connections(make_ca, node):
    it = node(ca=make_ca(life_s=12))
    with it.connect() as old:
        first = it.shown()
        assert ask(old).startswith(b"HTTP/1.1 200")
        wait_until("another certificate",
                   lambda: it.shown().serial_number != first.serial_number, ISSUED_S)
        assert ask(old).startswith(b"HTTP/1.1 200")
    second = it.shown()
    assert second.not_valid_before_utc < first.not_valid_after_utc, "it was renewed in time"
    assert second.public_key() != first.public_key()
    assert it.is_trusted()


def test_an_external_account(make_ca, node, tmp_path):
    key = tmp_path / "eab.key"
    key.write_text(EAB_KEY + "\n")
    it = node("--acme-eab-kid", EAB_KID, "--acme-eab-key-file", str(key), "--acme-email",
              "who@example.test", ca=make_ca(wants_eab=True))
    assert it.is_trusted()
    (made,) = [asked.payload for asked in it.ca.relay.seen
               if asked.payload and "termsOfServiceAgreed" in asked.payload]
    assert made["contact"] == ["mailto:who@example.test"]
    assert EAB_KEY not in it.daemon.log()


def test_a_profile_is_asked_for(node):
    it = node("--acme-profile", "default")
    assert it.is_trusted()
    assert [asked.payload["profile"] for asked in it.ca.relay.seen
            if asked.payload and "identifiers" in asked.payload] == ["default"]


# -- the CA's advice when to renew ---------------------------------------------------------------------

def advise(ca: Pebble, window: list[dict]) -> None:
    """The CA gives advice: the first of WINDOW as long as it is the only one, then the next."""
    def before(asked):
        if "/advice/" not in asked.path:
            return None
        body = {"suggestedWindow": window[0]}
        return acme_ca.Said(200, json.dumps(body).encode(),
                            {"Content-Type": "application/json", "Retry-After": "21600"})

    def after(asked, said):
        if asked.path == "/dir" and said.status == 200:
            directory = json.loads(said.body)
            directory["renewalInfo"] = f"https://127.0.0.1:{ca.relay.port}/advice"
            said.body = json.dumps(directory).encode()
        return said

    ca.relay.before, ca.relay.after = before, after


def test_the_ca_says_when_to_renew(node, ca):
    past = [{"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}]
    advise(ca, past)
    it = node()
    it.connect().close()
    first = it.shown().serial_number

    def is_renewed():
        past[0] = {"start": "2100-01-01T00:00:00Z", "end": "2100-01-02T00:00:00Z"}
        return it.shown().serial_number != first
    wait_until("the renewal that the CA asks for", is_renewed, ISSUED_S)

    orders = [asked.payload for asked in ca.relay.seen
              if asked.payload and "identifiers" in asked.payload]
    assert "replaces" not in orders[0]
    (which,) = {re.sub(".*/advice/", "", asked.path) for asked in ca.relay.seen
                if asked.path.startswith("/advice/")} & {orders[1].get("replaces")}
    assert re.fullmatch(r"[\w-]+\.[\w-]+", which)


# -- what goes wrong ------------------------------------------------------------------------------------

def test_bad_nonces_are_no_matter(make_ca, node):
    it = node(ca=make_ca(bad_nonces=50))
    assert it.is_trusted(NAME) and it.is_trusted(OTHER)
    assert not it.events("acme.failed")


def test_a_name_that_is_not_ours_is_tried_again_later(node, ca):
    ca.send_name_to(NAME, "127.0.0.77")
    it = node("--acme-retry-s", "1")
    assert not it.is_trusted()  # after both challenges, or when a handshake has waited long enough
    failed = it.await_event("acme.failed", 2)
    assert NAME in failed[0]["reason"]
    assert it.how()["failures"] >= 2 and it.how()["problem"]
    assert it.is_trusted(OTHER), "one name's trouble is its own"

    ca.forget_name(NAME)
    wait_until("the certificate", it.is_trusted, ISSUED_S)
    wait_until("the failures to be forgotten", lambda: it.how().keys() == {
        "failures", "next_try_s", "by_alpn"} and it.how()["failures"] == 0)


def test_a_pause_is_kept_over_a_restart_and_nobody_waits_in_it(node, ca):
    ca.send_name_to(NAME, "127.0.0.77")
    it = node("--acme-retry-s", "3600")
    it.is_trusted()
    it.await_event("acme.failed", 2)
    it.restart()
    orders = it.orders()
    assert it.how()["next_try_s"] > time.time() + 3000
    began = time.monotonic()
    assert not it.is_trusted()
    assert time.monotonic() - began < 5, "the handshake did not wait"
    assert it.orders() == orders


def test_rate_limits_are_obeyed(node, ca):
    ca.relay.before = lambda asked: problem(
        "rateLimited", 429, "too many certificates for this week", Retry_After="7200") \
        if asked.payload and "identifiers" in asked.payload else None
    it = node()
    assert not it.is_trusted()
    (failed,) = it.await_event("acme.failed")
    assert "rateLimited: too many certificates for this week" in failed["reason"]
    assert 7000 < it.how()["next_try_s"] - time.time() <= 7200
    it.restart()
    assert not it.is_trusted()
    assert it.orders() == 1


def test_a_limit_on_accounts_is_kept_over_a_restart(node, ca):
    ca.relay.before = lambda asked: problem(
        "rateLimited", 429, "too many accounts", Retry_After="3600") \
        if asked.payload and "termsOfServiceAgreed" in asked.payload else None
    it = node()
    it.await_event("acme.no_account")
    it.restart()
    assert not it.is_trusted()
    assert it.accounts() == 1


def test_a_ca_that_is_down_is_found_when_it_is_up(make_ca, node):
    ca = make_ca()
    ca.stop("pebble")
    it = node(ca=ca)
    it.await_event("acme.no_account")
    assert not it.is_trusted()
    assert it.daemon.get("/check").status == 200
    ca.start_ca()
    wait_until("the certificate", it.is_trusted, ISSUED_S)


def test_a_ca_that_has_forgotten_the_account_gets_it_again(make_ca, node):
    it = node(ca=make_ca())
    it.await_event("acme.account")
    it.ca.stop("pebble")
    it.ca.start_ca()  # it keeps nothing
    wait_until("the certificate", it.is_trusted, ISSUED_S)
    assert it.accounts() == 2


def test_an_order_survives_its_daemon(node, ca):
    """Killed between proof and certificate, it goes on with the same order and key."""
    reached, go_on = threading.Event(), threading.Event()

    def before(asked):
        if asked.payload and "csr" in asked.payload and not go_on.is_set():
            reached.set()
            go_on.wait(ISSUED_S)
            return problem("serverInternal", 500, "never seen")
        return None

    ca.relay.before = before
    it = node()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        client = pool.submit(lambda: pytest.raises(OSError, it.connect))
        assert reached.wait(ISSUED_S)
        it.daemon.kill()
        client.result(ISSUED_S)
    go_on.set()
    it.daemon.start()
    wait_until("the certificate", it.is_trusted, ISSUED_S)
    assert it.orders() == 1


def test_clients_that_leave_while_it_is_ordered(node, ca):
    reached, go_on = threading.Event(), threading.Event()

    def before(asked):
        if asked.payload and "identifiers" in asked.payload:
            reached.set()
            go_on.wait(ISSUED_S)
        return None

    ca.relay.before = before
    it = node()
    clients = [socket.create_connection(("127.0.0.1", it.tls_port)) for _ in range(5)]
    for client in clients:
        client.sendall(hello(NAME))
    assert reached.wait(ISSUED_S)
    for client in clients:
        client.close()
    go_on.set()
    it.await_event("acme.issued")
    assert it.is_trusted()
    assert it.orders() == 1


def hello(name: str) -> bytes:
    """What a client that asks for NAME sends first."""
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_answers_that_make_no_sense(node, ca):
    """Each in the place of what the CA would say to an order; the next try goes well."""
    nonsense = [acme_ca.Said(200, b"<html>hello</html>"), acme_ca.Said(201, b"{}"),
                acme_ca.Said(200, b'{"status": 7}', {"Location": f"{ca.directory}/x"}),
                acme_ca.Said(500, b""), acme_ca.Said(301, b"", {"Location": "http://127.0.0.1:1/"})]

    def before(asked):
        is_order = asked.payload and "identifiers" in asked.payload
        return nonsense.pop() if is_order and nonsense else None

    ca.relay.before = before
    it = node("--acme-retry-s", "1")
    it.is_trusted()
    for name in ("acme.failed", "acme.failed"):
        it.await_event(name)
    nonsense[:] = nonsense[:1]
    wait_until("the certificate", it.is_trusted, ISSUED_S)
    assert all(event["reason"] for event in it.events("acme.failed"))


def test_a_ca_whose_own_certificate_is_not_trusted(node, ca):
    it = node("--acme-ca", str(ca.root))
    (failed, *_) = it.await_event("acme.no_account")
    assert "certificate" in failed["reason"].lower()
    assert not it.is_trusted()


def test_an_external_account_that_is_missing_is_said(make_ca, node):
    it = node(ca=make_ca(wants_eab=True))
    (failed, *_) = it.await_event("acme.no_account")
    assert "acme_eab_kid" in failed["reason"]


def test_names_that_cannot_be_ordered_are_said(node):
    it = node(domain=f"*.example.test,127.0.0.1,{NAME},{NAME.upper()}")
    assert [event["name"] for event in it.events("acme.not_orderable")] == [
        "*.example.test", "127.0.0.1"]
    assert it.is_trusted()


def test_files_of_ones_own_mean_no_orders(node, ca):
    it = node("--ssl-certfile", str(ca.pair[0]), "--ssl-keyfile", str(ca.pair[1]))
    assert not it.is_trusted()
    assert not (it.daemon.folder / "state" / "acme").exists()
    assert it.orders() == it.accounts() == 0


def test_off_means_no_orders(node):
    it = node("--acme-directory", "off")
    assert not it.is_trusted()
    assert it.orders() == it.accounts() == 0


@pytest.mark.parametrize(("options", "texts"), [
    (["--acme-directory", "http://127.0.0.1/dir"], ["acme_directory", "https://"]),
    (["--acme-eab-kid", "x"], ["acme_eab_kid", "acme_eab_key_file"]),
    (["--acme-eab-kid", "x", "--acme-eab-key-file", "/nowhere/key"], ["/nowhere/key"]),
    (["--acme-eab-kid", "x", "--acme-eab-key-file", "/etc/hostname.none"], ["/etc/hostname.none"]),
    (["--acme-challenge", "dns-01"], ["acme_challenge", "http-01"]),
])
def test_bad_settings_are_refused(tmp_path, options, texts):
    daemon = Gatehoused(tmp_path, args=["--use-https", "--domain", NAME, *options])
    ended = daemon.run_to_exit()
    assert ended.returncode == 78
    for text in texts:
        assert text.replace("_", "-") in ended.stderr.replace("_", "-")


def test_a_token_that_nobody_has_is_not_found(node):
    it = node()
    answer = it.daemon.get("/.well-known/acme-challenge/abc")
    assert answer.status == 404
    assert it.daemon.get("/.well-known/acme-challenge/").status == 404
