# SPDX-License-Identifier: Apache-2.0
"""Certificates for tests, made on the spot, and what a handshake shows."""
from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def make_key(kind: str):
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else \
        rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@dataclass
class Authority:
    """A certificate and its key, which may sign others."""

    certificate: x509.Certificate
    key: object
    issuer: "Authority | None" = None

    @classmethod
    def make(cls, subject: str, names: Sequence[str] = (), *, issuer: "Authority | None" = None,
             kind: str = "ecdsa", days: float = 30, since: float = 1, is_ca: bool = False,
             extensions: Sequence[x509.ExtensionType] = (),
             uses: Sequence = (ExtendedKeyUsageOID.SERVER_AUTH,)) -> "Authority":
        key = make_key(kind)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        builder = (x509.CertificateBuilder().subject_name(name)
                   .issuer_name(issuer.certificate.subject if issuer else name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(NOW - since * DAY).not_valid_after(NOW + days * DAY)
                   .add_extension(x509.BasicConstraints(is_ca, None), critical=True))
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([general_name(each) for each in names]), False)
        if uses and not is_ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), False)
        for extension in extensions:
            builder = builder.add_extension(extension, False)
        return cls(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key, issuer)

    @classmethod
    def like_the_clients(cls, names: Sequence[str]) -> "Authority":
        """Source: runhouse 0.0.42 servers/http/certs.py."""
        return cls.make("run.house", names, kind="rsa2048", days=365, uses=())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        """This one and its issuers, up to the root, which is left out."""
        issuers = self.issuer.chain_pem if self.issuer and self.issuer.issuer else b""
        return self.pem + issuers

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.TraditionalOpenSSL,
                                      serialization.NoEncryption())

    def encrypted_key_pem(self, form=serialization.PrivateFormat.PKCS8) -> bytes:
        return self.key.private_bytes(serialization.Encoding.PEM, form,
                                      serialization.BestAvailableEncryption(b"secret"))

    @property
    def fingerprint(self) -> str:
        return ":".join(f"{byte:02X}" for byte in self.certificate.fingerprint(hashes.SHA256()))

    def write(self, folder: Path, stem: str = "server") -> tuple[Path, Path]:
        """STEM.crt with the chain and STEM.key, which nobody else can read, in FOLDER."""
        folder.mkdir(parents=True, exist_ok=True)
        chain, key = folder / f"{stem}.crt", folder / f"{stem}.key"
        chain.write_bytes(self.chain_pem)
        key.touch(mode=0o600)
        key.write_bytes(self.key_pem)
        return chain, key

    def options(self, folder: Path, stem: str = "server") -> list[str]:
        chain, key = self.write(folder, stem)
        return ["--use-https", "--ssl-certfile", str(chain), "--ssl-keyfile", str(key)]


@dataclass
class Shown:
    """What a server shows in a handshake."""

    certificate: bytes  # DER
    version: str
    cipher: str
    protocol: str | None  # by ALPN
    was_resumed: bool

    @property
    def subject(self) -> str:
        certificate = x509.load_der_x509_certificate(self.certificate)
        return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def context_of(*anchors: Authority, verifies: bool = True, alpn: Sequence[str] = (),
               **limits) -> ssl.SSLContext:
    """limits: minimum_version, maximum_version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verifies and anchors:
        context.load_verify_locations(cadata="".join(each.pem.decode() for each in anchors))
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    for name, value in limits.items():
        setattr(context, name, value)
    return context


def shake(port: int, name: str | None = None, context: ssl.SSLContext | None = None,
          host: str = "127.0.0.1", session: ssl.SSLSession | None = None) -> Shown:
    """Shake hands and ask nothing. NAME is sent as SNI."""
    context = context or context_of()
    with socket.create_connection((host, port), 30) as plain, \
            context.wrap_socket(plain, server_hostname=name, session=session) as connection:
        return Shown(connection.getpeercert(True), connection.version(), connection.cipher()[0],
                     connection.selected_alpn_protocol(), connection.session_reused)
