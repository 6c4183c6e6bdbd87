# SPDX-License-Identifier: Apache-2.0
"""A client of TLS 1.3 (RFC 8446) small enough to do wrong on purpose what libraries never do: it sends any record.

X25519 and TLS_AES_128_GCM_SHA256 only, no certificate is verified.
"""
from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .gatehoused import ANSWER_S, Gatehoused
from .tls_hellos import ALERT, APPLICATION, CHANGE_CIPHER, HANDSHAKE, counted, extension, hello, messages

AES_128_GCM_SHA256 = 0x1301
FINISHED, KEY_UPDATE = 20, 24
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")  # random of a retry
HASH_BYTES = 32


def versions(*each: int) -> bytes:
    return extension(43, counted(1, b"".join(struct.pack(">H", version) for version in each)))


def shares(*each: tuple[int, bytes]) -> bytes:
    return extension(51, counted(2, b"".join(struct.pack(">H", group) + counted(2, key) for group, key in each)))


def hello13(*shown: tuple[int, bytes], supported=(0x0304,), more: bytes = b"", **options) -> bytes:
    """A ClientHello of TLS 1.3 and nothing else: it has no word about renegotiation."""
    return hello(ciphers=[AES_128_GCM_SHA256], more=versions(*supported) + shares(*shown) + more, **options)


def expand(secret: bytes, label: str, context: bytes = b"", length: int = HASH_BYTES) -> bytes:
    info = struct.pack(">H", length) + counted(1, b"tls13 " + label.encode()) + counted(1, context)
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]


def extract(salt: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt, secret, "sha256")


class Direction:
    """The keys of what one side sends."""

    def __init__(self, secret: bytes):
        self.secret = secret
        self.cipher = AESGCM(expand(secret, "key", length=16))
        self.iv = expand(secret, "iv", length=12)
        self.count = 0

    def nonce(self) -> bytes:
        number = int.from_bytes(self.iv, "big") ^ self.count
        self.count += 1
        return number.to_bytes(12, "big")

    def updated(self) -> "Direction":
        return Direction(expand(self.secret, "traffic upd"))


class Tls13:
    """A connection, once its handshake is done. READ and WRITE are its directions."""

    def __init__(self, node: Gatehoused, more: bytes = b"", finishes: bool = True):
        self.socket = socket.create_connection((node.host, node.port), ANSWER_S)
        self.buffer = b""
        self.transcript = b""
        self.read = self.write = None
        try:
            self._shake(more)
            if finishes:
                self.finish()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> "Tls13":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    # -- records ----------------------------------------------------------------------------------

    def plain_record(self) -> tuple[int, bytes]:
        """The next record as it is. EOFError at the end."""
        while len(self.buffer) < 5 or len(self.buffer) < 5 + int.from_bytes(self.buffer[3:5], "big"):
            part = self.socket.recv(65536)
            if not part:
                raise EOFError
            self.buffer += part
        length = int.from_bytes(self.buffer[3:5], "big")
        record, self.buffer = self.buffer[:5 + length], self.buffer[5 + length:]
        return record[0], record[5:]

    def receive(self) -> tuple[int, bytes]:
        """The next record, opened; of CHANGE_CIPHER none is shown."""
        while True:
            kind, body = self.plain_record()
            if kind != CHANGE_CIPHER:
                break
        if kind != APPLICATION:
            return kind, body
        head = struct.pack(">BHH", APPLICATION, 0x0303, len(body))
        inner = self.read.cipher.decrypt(self.read.nonce(), body, head).rstrip(b"\x00")
        return inner[-1], inner[:-1]

    def sealed(self, kind: int, body: bytes, padding: int = 0) -> bytes:
        inner = body + bytes([kind] if kind else []) + bytes(padding)
        head = struct.pack(">BHH", APPLICATION, 0x0303, len(inner) + 16)
        return head + self.write.cipher.encrypt(self.write.nonce(), inner, head)

    def send(self, kind: int, body: bytes, padding: int = 0) -> None:
        self.socket.sendall(self.sealed(kind, body, padding))

    # -- the handshake ----------------------------------------------------------------------------

    def _hash(self) -> bytes:
        return hashlib.sha256(self.transcript).digest()

    def _shake(self, more: bytes) -> None:
        key = X25519PrivateKey.generate()
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        first = hello13((29, public), more=more)
        self.transcript += first[5:]
        self.socket.sendall(first)
        kind, answer = self.plain_record()
        if kind != HANDSHAKE:
            raise AssertionError((kind, answer))
        self.transcript += answer
        theirs = share_of(answer)
        early = extract(bytes(HASH_BYTES), bytes(HASH_BYTES))
        empty = hashlib.sha256(b"").digest()
        secret = extract(expand(early, "derived", empty), key.exchange(X25519PublicKey.from_public_bytes(theirs)))
        self.write = Direction(expand(secret, "c hs traffic", self._hash()))
        self.read = Direction(expand(secret, "s hs traffic", self._hash()))
        self.master = extract(expand(secret, "derived", empty), bytes(HASH_BYTES))
        flight = b""
        while FINISHED not in messages(struct.pack(">BH", HANDSHAKE, 0x0303) + counted(2, flight)):
            kind, body = self.receive()
            if kind != HANDSHAKE:
                raise AssertionError((kind, body))
            flight += body
        self.transcript += flight
        self.read = Direction(expand(self.master, "s ap traffic", self._hash()))

    def finish(self) -> None:
        verify = hmac.digest(expand(self.write.secret, "finished"), self._hash(), "sha256")
        self.send(HANDSHAKE, bytes([FINISHED]) + counted(3, verify))
        self.write = Direction(expand(self.master, "c ap traffic", self._hash()))

    # -- what is said over it ---------------------------------------------------------------------

    def answer(self) -> bytes:
        """What the node says to a request, tickets and key updates left out; its keys are followed."""
        said = b""
        while True:
            kind, body = self.receive()
            if kind == HANDSHAKE and body[0] == KEY_UPDATE:
                self.read = self.read.updated()
            elif kind == APPLICATION:
                said += body
                if b"\r\n\r\n" in said and said.endswith(b"}"):
                    return said
            elif kind != HANDSHAKE:
                return said

    def alert(self) -> int | None:
        """The alert that ends it; None when it ends without one."""
        try:
            while True:
                kind, body = self.receive()
                if kind == ALERT:
                    return body[1]
        except (EOFError, ConnectionError):
            return None

    def ends(self) -> bool:
        try:
            while True:
                self.plain_record()
        except (EOFError, ConnectionError):
            return True


def share_of(server_hello: bytes) -> bytes:
    """The X25519 share in a ServerHello message."""
    at = server_hello.index(b"\x00\x33\x00\x24\x00\x1d\x00\x20") + 8
    return server_hello[at:at + 32]
