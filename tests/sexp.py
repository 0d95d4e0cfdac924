"""Banana bytes <-> plain Python values, and a text form for people: a second opinion for tests.

It shares no code with the package and knows no object: lists, bytes, ints and floats are all there is. It
holds the whole buffer and checks little, so it suits recorded bytes, not a network.

    encode([b"version", 6])                   02 80 13 87 06 81
    decode(bytes.fromhex("028013870681"))     [[b"version", 6]]
    text([b"version", 6])                     (version 6)
    parse("(version 6)")                      [b"version", 6]
"""

from __future__ import annotations

import re
import struct
from typing import Any

Value = Any  # int | float | bytes | list of Value; checkers of today still dislike the recursion

LIST, INT, STRING, NEG, FLOAT, LONGINT, LONGNEG, VOCAB = range(0x80, 0x88)

VOCABULARY: tuple[bytes, ...] = tuple(
    b"""None class dereference reference dictionary function instance list module persistent tuple
    unpersistable copy cache cached remote local lcache
    version login password challenge logged_in not_logged_in
    cachemessage message answer error decref decache uncache""".split(),
)
NUMBER_OF_WORD = {word: number for number, word in enumerate(VOCABULARY, start=1)}


class TruncatedError(ValueError):
    """The bytes end inside a value."""


# --- bytes out ------------------------------------------------------------------------------------


def _head(number: int, kind: int) -> bytes:
    digits = bytearray()
    while number > 127:
        digits.append(number % 128)
        number //= 128
    digits.append(number)
    digits.append(kind)
    return bytes(digits)


def encode(value: Value, dialect: str = "pb") -> bytes:
    """The bytes of one value. In dialect ``none`` no word is shortened to its number."""
    parts: list[bytes] = []
    todo: list[Value] = [value]
    while todo:
        item = todo.pop()
        match item:
            case list() | tuple():
                parts.append(_head(len(item), LIST))
                todo.extend(reversed(item))
            case bytes() if dialect == "pb" and item in NUMBER_OF_WORD:
                parts.append(_head(NUMBER_OF_WORD[item], VOCAB))
            case bytes():
                parts.append(_head(len(item), STRING) + item)
            case float():
                parts.append(bytes([FLOAT]) + struct.pack(">d", item))
            case bool():
                raise TypeError("banana has no booleans")
            case int() if item >= 0:
                parts.append(_head(item, INT if item < 2**31 else LONGINT))
            case int():
                parts.append(_head(-item, NEG if item >= -(2**31) else LONGNEG))
            case _:
                raise TypeError(f"banana has no {type(item).__name__}")
    return b"".join(parts)


# --- bytes in -------------------------------------------------------------------------------------


def decode_one(data: bytes, start: int = 0) -> tuple[Value, int]:
    """The value that begins at ``start``, and where the next one begins."""
    at = start
    enclosing: list[tuple[list[Value], int]] = []  # list being filled, length it will have
    while True:
        first = at
        while at < len(data) and data[at] < 0x80:
            at += 1
        if at == len(data):
            raise TruncatedError(f"no type byte after {first}")
        number = sum(digit << (7 * place) for place, digit in enumerate(data[first:at]))
        kind = data[at]
        at += 1
        item: Value
        match kind:
            case 0x80:
                item = []
                if number:
                    enclosing.append((item, number))
                    continue
            case 0x81 | 0x85:
                item = number
            case 0x83 | 0x86:
                item = -number
            case 0x82:
                item, at = data[at : at + number], at + number
            case 0x84:
                item, at = data[at : at + 8], at + 8
                if at <= len(data):
                    item = struct.unpack(">d", item)[0]
            case 0x87 if 1 <= number <= len(VOCABULARY):
                item = VOCABULARY[number - 1]
            case 0x87:
                raise ValueError(f"no word has number {number}")
            case _:
                raise ValueError(f"unknown type byte {kind:#04x} at {at - 1}")
        if at > len(data):
            raise TruncatedError(f"the value at {first} goes on after the end")
        while enclosing:
            filling, length = enclosing[-1]
            filling.append(item)
            if len(filling) < length:
                break
            item = filling
            enclosing.pop()
        if not enclosing:
            return item, at


def decode(data: bytes) -> list[Value]:
    """All values of a buffer that holds whole values only."""
    values = []
    at = 0
    while at < len(data):
        value, at = decode_one(data, at)
        values.append(value)
    return values


def decode_available(data: bytes) -> tuple[list[Value], bytes]:
    """The whole values of a buffer, and the bytes of the unfinished last one."""
    values = []
    at = 0
    while at < len(data):
        try:
            value, at = decode_one(data, at)
        except TruncatedError:
            break
        values.append(value)
    return values, data[at:]


# --- text -----------------------------------------------------------------------------------------

_BARE = re.compile(rb"[A-Za-z_][A-Za-z0-9_.\-]*")
_TOKEN = re.compile(
    r"""\s*(?: (?P<open>\() | (?P<close>\)) | (?P<quoted>"(?:[^"\\]|\\.)*") | \#(?P<hex>[0-9a-f]*)\#
        | (?P<float>[+-]?(?:inf|nan)(?![A-Za-z0-9_.\-]) | [+-]?\d+(?:\.\d+(?:e[+-]?\d+)?|e[+-]?\d+))
        | (?P<int>[+-]?\d+) | (?P<bare>[A-Za-z_][A-Za-z0-9_.\-]*) )""",
    re.VERBOSE,
)


def text(value: Value) -> str:
    """One line: ``(list 1 -2.5 word "two words" #00ff#)``. Bytes that are no ASCII text are shown as hex."""
    if isinstance(value, list | tuple):
        return "(" + " ".join(map(text, value)) + ")"
    if isinstance(value, int | float):
        return repr(value)
    assert isinstance(value, bytes)
    if not value.isascii():
        return f"#{value.hex()}#"
    if _BARE.fullmatch(value) and value not in (b"inf", b"nan"):
        return value.decode()
    return '"' + value.decode().encode("unicode_escape").decode().replace('"', '\\"') + '"'


def parse(line: str) -> Value:
    """The value that ``text`` shows as ``line``."""
    at = 0
    enclosing: list[list[Value]] = [[]]
    line = line.rstrip()
    while at < len(line):
        match = _TOKEN.match(line, at)
        if match is None:
            raise ValueError(f"not an expression at {at}: {line[at : at + 20]!r}")
        at = match.end()
        kind, token = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "open":
            enclosing.append([])
        elif kind == "close":
            if len(enclosing) == 1:
                raise ValueError(f"a list is closed that was not opened, at {at - 1}")
            closed = enclosing.pop()
            enclosing[-1].append(closed)
        elif kind == "quoted":
            enclosing[-1].append(token[1:-1].encode().decode("unicode_escape").encode("latin-1"))
        elif kind == "hex":
            enclosing[-1].append(bytes.fromhex(token))
        elif kind == "float":
            enclosing[-1].append(float(token))
        elif kind == "int":
            enclosing[-1].append(int(token))
        else:
            enclosing[-1].append(token.encode())
    if len(enclosing) != 1 or len(enclosing[0]) != 1:
        raise ValueError("not one whole expression")
    return enclosing[0][0]


# --- the form in which recorded conversations are stored ------------------------------------------


def from_json(stored: Any) -> Value:
    """``{"b": text}`` ``{"x": hex}`` ``{"f": hex of the double}`` ``{"i": digits}``, ints, lists."""
    if isinstance(stored, list):
        return [from_json(item) for item in stored]
    if not isinstance(stored, dict):
        return stored
    if "b" in stored:
        return stored["b"].encode("ascii")
    if "x" in stored:
        return bytes.fromhex(stored["x"])
    if "f" in stored:
        return struct.unpack(">d", bytes.fromhex(stored["f"]))[0]
    return int(stored["i"])


def to_json(value: Value) -> Any:
    """The inverse of ``from_json``."""
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        readable = value.isascii() and value.decode().isprintable()
        return {"b": value.decode()} if readable else {"x": value.hex()}
    if isinstance(value, float):
        return {"f": struct.pack(">d", value).hex()}
    return value if abs(value) < 2**53 else {"i": str(value)}
