# SPDX-License-Identifier: Apache-2.0
"""The codecs of the extension against those of the standard library."""

from __future__ import annotations

import base64
import codecs
import importlib.machinery
import importlib.util
import json
import random
import sys

import pytest
from ext_worker import build_file, needs_build
from fake_daemon import BUILD

pytestmark = needs_build



def load_extension():
    """The module, without the entry in sys.modules that loading makes: other tests have theirs."""
    path = str(build_file("_gatehouse.abi3.so"))
    loader = importlib.machinery.ExtensionFileLoader("_gatehouse", path)
    spec = importlib.util.spec_from_file_location("_gatehouse", path, loader=loader)
    before = sys.modules.pop("_gatehouse", None)  # it would be updated with what is loaded
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    sys.modules.pop("_gatehouse", None)
    if before is not None:
        sys.modules["_gatehouse"] = before
    return module


native = load_extension() if (BUILD / "gatehouse-worker").exists() else None

TEXTS = ["", "a", "ü", "€", "😀", 'a"b', "\\", "\n\r\t\b\f", "\0\x1f\x7f", "x" * 7 + '"',
         "x" * 8 + "é" * 9 + "\n" + "😀" * 3, '{"a": "\\n"}', "\ud800", "a\udfffb", "\u2028"]


@pytest.mark.parametrize("text", TEXTS)
def test_quote_and_unquote_agree_with_json(text):
    literal = native.quote(text)
    assert json.loads(literal) == text
    assert native.unquote(literal) == text.encode("utf-8", "surrogatepass")
    assert native.unquote(json.dumps(text).encode()) == text.encode("utf-8", "surrogatepass")


def test_quote_keeps_what_need_not_be_escaped():
    assert native.quote("ü€😀/\x7f") == '"ü€😀/\x7f"'.encode()
    assert native.quote("ü".encode()) == '"ü"'.encode()


def test_random_text():
    chance = random.Random(1)
    alphabet = 'abc"\\\n\0é€😀' + "x" * 20
    for _ in range(3000):
        text = "".join(chance.choice(alphabet) for _ in range(chance.randrange(60)))
        assert native.quote(text) == json.dumps(text, ensure_ascii=False).encode().replace(
            b"\x7f", b"\x7f")
        assert native.unquote(json.dumps(text).encode()) == text.encode()
        assert native.unquote(json.dumps(text, ensure_ascii=False).encode()) == text.encode()


@pytest.mark.parametrize("bad", [b"\x80", b"\xc3", b"\xc0\x80", b"\xe2\x82", b"\xf5\x80\x80\x80",
                                 b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80",
                                 b"aaaaaaaa\xff", b"\xc3("])
def test_quote_refuses_what_is_not_utf8(bad):
    with pytest.raises(ValueError, match="not UTF-8"):
        native.quote(bad)


@pytest.mark.parametrize("bad", [b"", b"1", b"null", b'"', b'"a', b'a"', b'"a"b"', b'"\\"',
                                 b'"\\x"',
                                 b'"\\u12"', b'"\\u12g4"', b'"a\nb"', b'"\0"', b"[]", b"'a'"])
def test_unquote_refuses_what_is_no_string(bad):
    with pytest.raises(ValueError):
        native.unquote(bad)
    with pytest.raises(ValueError):
        native.unbase64(bad)


@pytest.mark.parametrize("size", [*range(0, 180), 1000, 65536, 300_000])
def test_base64_agrees_with_codecs(size):
    data = random.Random(size).randbytes(size)
    text = codecs.encode(data, "base64").decode()
    literal = native.base64_literal(data)
    assert literal == json.dumps(text).encode()
    assert native.unbase64(literal) == data
    one_line = base64.b64encode(data)
    assert native.unbase64(b'"%s"' % one_line) == data
    assert native.unbase64(b' "%s" ' % one_line.replace(b"/", b"\\/")) == data
    assert native.unbase64(b'"%s"' % one_line.replace(b"+", b"\\u002b")) == data
    assert native.unbase64(b'"%s"' % b"\\r\\n".join(
        one_line[at : at + 10] for at in range(0, len(one_line), 10))) == data
    assert native.unbase64(b'" %s\\t"' % b" ".join(
        one_line[at : at + 3] for at in range(0, len(one_line), 3))) == data


@pytest.mark.parametrize("bad, words", [
    (b"A", "one character more"), (b"AAAAA", "one character more"), (b"AA", "padding"),
    (b"AAA", "padding"), (b"AA=", "padding"), (b"=", "padding"), (b"A===", "padding"),
    (b"AAAA=", "padding"), (b"AA===", "padding"), (b"AA==AA==", "after padding"),
    (b"AA=A", "after padding"), (b"AA-A", "not base64"), (b"AA\xffA", "not base64"),
    (b"AA\\u0000A", "not base64"), (b"AAA\\\\", "not base64"), (b"AA\\u20acA", "not base64"),
    (b"AAAA\\u00", "escape"), (b"AAAA\n", "control character"), (b"AAA\nAAAA", "control character"),
])
def test_unbase64_is_strict(bad, words):
    with pytest.raises(ValueError, match=words):
        native.unbase64(b'"%s"' % bad)


def test_any_buffer_will_do():
    for kind in (bytes, bytearray, memoryview):
        assert native.unquote(kind(b'"a"')) == b"a"
        assert native.unbase64(kind(b'"YQ=="')) == b"a"
        assert native.base64_literal(kind(b"a")) == b'"YQ==\\n"'
        assert native.quote(kind(b"a")) == b'"a"'
    for function in (native.unquote, native.unbase64, native.base64_literal, native.quote):
        with pytest.raises(TypeError):
            function(5)
    with pytest.raises(TypeError):
        native.Base64(5)
    with pytest.raises(TypeError):
        native.Base64()


def test_large_inputs_with_the_lock_given_up():
    text = 'x"é' * 100_000
    assert native.unquote(native.quote(text)) == text.encode()
    data = bytes(range(256)) * 2000
    assert native.unbase64(native.base64_literal(data)) == data
    with pytest.raises(ValueError):
        native.unbase64(b'"' + b"A" * 100_001 + b'"')


def test_outside_of_a_worker_sending_does_nothing():
    assert native.log(1, 1, "x") is False
    native.reply(1, 200, 0, b"")
    native.event(native.KEY_GONE, 0, b"k")
    with pytest.raises(ValueError):
        native.event(native.CALL, 0, b"")
