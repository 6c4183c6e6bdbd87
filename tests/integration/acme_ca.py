# SPDX-License-Identifier: Apache-2.0
"""A CA for the tests: pebble with its DNS, and a relay in front of it that can answer in its place.

    ca = Pebble(folder, http_port=..., tls_port=...)
    with ca.running():
        ca.root          # path of the root that its certificates end in
        ca.directory     # URL, by the relay
        ca.relay.seen    # what it was asked: paths, payloads
"""
from __future__ import annotations

import base64
import contextlib
import datetime
import http.client
import ipaddress
import json
import os
import shutil
import ssl
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .gatehoused import wait_until
from .ports import free_port

TOOLS = Path(os.environ.get("GATEHOUSE_PEBBLE_DIR", "/usr/bin"))
PEBBLE, CHALLTESTSRV = TOOLS / "pebble", TOOLS / "pebble-challtestsrv"
PASSED = ("Host", "User-Agent", "Content-Type", "Accept")
EAB_KID = "kid-of-the-tests"
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


def server_pair(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own root, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the CA of the tests")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    cert_path, key_path = folder / "ca-server.pem", folder / "ca-server.key"
    cert_path.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    key_path.chmod(0o600)
    return cert_path, key_path


@dataclass
class Asked:
    """One request to the CA, as the relay saw it."""

    method: str
    path: str
    payload: Any  # of a signed request; None for others and for POST-as-GET


@dataclass
class Said:
    """An answer: of the CA, or of the relay in its place."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def problem(kind: str, status: int, detail: str, **headers: str) -> Said:
    body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail, "status": status}
    return Said(status, json.dumps(body).encode(),
                {"Content-Type": "application/problem+json",
                 **{name.replace("_", "-"): value for name, value in headers.items()}})


def payload_of(body: bytes) -> Any:
    try:
        text = json.loads(body)["payload"]
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else None
    except (ValueError, KeyError, TypeError):
        return None


class Relay:
    """HTTPS on a port of its own; before and after may be set at any time, and may wait."""

    def __init__(self, pair: tuple[Path, Path], upstream: int):
        self.upstream, self.pair = upstream, pair
        self.port = free_port()
        self.reset()

    def reset(self) -> None:
        """Nothing was seen, and the CA answers all."""
        self.seen: list[Asked] = []
        self.before: Callable[[Asked], Said | None] = lambda asked: None
        self.after: Callable[[Asked, Said], Said] = lambda asked, said: said

    def count(self, part: str) -> int:
        return sum(part in asked.path for asked in self.seen)

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Said:
        context = ssl.create_default_context(cafile=str(self.pair[0]))
        connection = http.client.HTTPSConnection("127.0.0.1", self.upstream, context=context,
                                                 timeout=30)
        try:
            # Host as it is: pebble makes its URLs of it, and signatures hold them.
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return Said(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()

    def start(self) -> None:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, payload_of(body))
                relay.seen.append(asked)
                said = relay.before(asked)
                if said is None:
                    try:
                        said = relay.forward(self.command, self.path, body, {
                            name: self.headers[name] for name in PASSED if name in self.headers})
                    except OSError:
                        self.close_connection = True  # as when nobody is there
                        return
                said = relay.after(asked, said)
                self.send_response(said.status)
                for name, value in said.headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection",
                                            "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(said.body)

            do_GET = do_POST = do_HEAD = handle_any

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client: Any) -> None:
                pass  # clients leave

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.pair))
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Pebble:
    """A CA whose certificates last LIFE_S; it looks for challenges on the two ports of 127.0.0.1."""

    def __init__(self, folder: Path, *, life_s: int = 7776000, wants_eab: bool = False,
                 bad_nonces: int = 0, retry_after_s: int = 1):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.life_s, self.wants_eab, self.bad_nonces = life_s, wants_eab, bad_nonces
        self.retry_after_s = retry_after_s  # that the CA says while something is pending
        self.http_port, self.tls_port = free_port(), free_port()
        self.port, self.management = free_port(), free_port()
        self.dns, self.dns_management = free_port(), free_port()
        self.pair = server_pair(folder)
        self.relay = Relay(self.pair, self.port)
        self.root = folder / "root.pem"
        self.processes: dict[str, subprocess.Popen] = {}

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self.relay.port}/dir"

    @property
    def trusted_by(self) -> Path:
        """What a client of the CA itself must trust."""
        return self.pair[0]

    def options(self) -> list[str]:
        """Of a gatehoused that is to use it, beside its ports and names."""
        return ["--acme-directory", self.directory, "--acme-ca", str(self.trusted_by)]

    def ask(self, port: int, path: str, body: Any = None, *, tls: bool = True) -> bytes:
        context = ssl.create_default_context(cafile=str(self.trusted_by))
        connection = (http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
                      if tls else http.client.HTTPConnection("127.0.0.1", port, timeout=10))
        try:
            connection.request("POST" if body else "GET", path,
                               json.dumps(body) if body else None)
            return connection.getresponse().read()
        finally:
            connection.close()

    def answers(self, port: int, path: str, *, tls: bool = True) -> bool:
        try:
            self.ask(port, path, tls=tls)
            return True
        except OSError:
            return False

    def send_name_to(self, name: str, address: str) -> None:
        """NAME has this address alone from now on."""
        self.ask(self.dns_management, "/add-a", {"host": f"{name}.", "addresses": [address]},
                 tls=False)

    def forget_name(self, name: str) -> None:
        self.ask(self.dns_management, "/clear-a", {"host": f"{name}."}, tls=False)

    def run(self, what: str, words: list[str], env: dict[str, str] | None = None) -> None:
        with open(self.folder / f"{what}.log", "ab") as log:
            self.processes[what] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **(env or {})}, start_new_session=True)

    def start_dns(self) -> None:
        self.run("dns", [str(CHALLTESTSRV), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
                         "-dns01" if is_old() else "-dnsserver", f"127.0.0.1:{self.dns}",
                         "-http01", "", "-https01", "", "-tlsalpn01", "",
                         *([] if is_old() else ["-doh", ""]),
                         "-management", f"127.0.0.1:{self.dns_management}"])
        wait_until("the CA's DNS", lambda: self.answers(self.dns_management, "/", tls=False))

    def start_ca(self) -> None:
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(self.pair[0]), "privateKey": str(self.pair[1]),
            "httpPort": self.http_port, "tlsPort": self.tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": self.wants_eab,
            "externalAccountMACKeys": {EAB_KID: EAB_KEY},
            "retryAfter": {"authz": self.retry_after_s, "order": self.retry_after_s},
            "certificateValidityPeriod": self.life_s,  # of older ones; newer ones have profiles
            "profiles": {"default": {"description": "all", "validityPeriod": self.life_s}},
        }
        path = self.folder / "pebble.json"
        path.write_text(json.dumps({"pebble": config}))
        self.run("pebble", [str(PEBBLE), "-config", str(path),
                            "-dnsserver", f"127.0.0.1:{self.dns}"],
                 {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(self.bad_nonces),
                  "PEBBLE_AUTHZREUSE": "0"})
        wait_until("pebble", lambda: self.answers(self.port, "/dir"))
        self.root.write_bytes(self.ask(self.management, "/roots/0"))

    def stop(self, what: str) -> None:
        process = self.processes.pop(what)
        process.kill()
        process.wait(10)

    @contextlib.contextmanager
    def running(self) -> Iterator["Pebble"]:
        try:
            self.start_dns()
            self.start_ca()
            self.relay.start()
            try:
                yield self
            finally:
                self.relay.stop()
        finally:
            for what in list(self.processes):
                self.stop(what)


def is_old() -> bool:
    """Debian 12's pebble is from before some options had their names."""
    helped = subprocess.run([str(CHALLTESTSRV), "--help"], capture_output=True, text=True)
    return "-dnsserver" not in helped.stderr + helped.stdout


def is_here() -> bool:
    return bool(shutil.which(str(PEBBLE)) and shutil.which(str(CHALLTESTSRV)))
