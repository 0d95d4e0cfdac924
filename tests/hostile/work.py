"""Messages that stay under every ceiling of size and cost what they can: H-2, M-8, M-9, L-1."""

from __future__ import annotations

import itertools
import struct
from typing import Any

from fuzz.recipes import chain
from tests.hostile.framing import call_with
from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.raw import Peer, list_head, text
from tests.sexp import encode


def container(word: bytes, items: list[bytes]) -> bytes:
    return list_head(len(items) + 1) + encode(word) + b"".join(items)


def in_dict(keys: list[bytes]) -> bytes:
    return container(b"dictionary", [b"\x02\x80" + key + b"\x01\x81" for key in keys])


def chosen(count: int, is_set: bool = False) -> list[int]:
    return list(itertools.islice(chain(count, 0.8 if is_set else 0.5, is_set), count))


def as_float(number: int) -> bytes:
    return b"\x84" + struct.pack(">d", float(number))


# --- H-2


@cases(
    "H-2",
    "keys of different hash that look in the same places",
    {
        "ints in a dict": in_dict([encode(key) for key in chosen(8_000)]),
        "ints in a set": container(b"set", [encode(key) for key in chosen(19_000, True)]),
        "floats in a dict": in_dict([as_float(key) for key in chosen(8_000)]),
    },
    cpu=1.0,
)
def probing(server: Server, value: bytes) -> None:
    with Peer(server.port) as peer:
        for _ in range(3):
            number = next(peer.numbers)
            peer.send(call_with(value, number=number))
            answer = peer.result(number)
            assert answer[0] in (b"error", b"answer")
        serves(peer)


@case("H-2", "honest keys of the same shapes are served")
def honest(server: Server) -> None:
    with Peer(server.port) as peer:
        for keys in (range(6_000), range(0, 6_000 * 4_096, 4_096)):
            number = next(peer.numbers)
            peer.send(call_with(in_dict([encode(key) for key in keys]), number=number))
            assert peer.result(number)[0] == b"answer"


@case("H-2", "numbers of references that look in the same places", cpu=1.0)
def numbers(server: Server) -> None:
    with Peer(server.port) as peer:
        head = b"\x03\x80" + encode(b"reference")
        value = container(b"list", [head + encode(n) + encode([b"list"]) for n in chosen(4_000)])
        for _ in range(3):
            number = next(peer.numbers)
            peer.send(call_with(value, number=number))
            peer.result(number)
        serves(peer)


@case("H-2", "ids of references that look in the same places")
def ids(server: Server) -> None:
    with Peer(server.port) as peer:
        for _ in range(3):
            peer.result(peer.call(b"one", [b"list", *([b"remote", n] for n in chosen(1_000))]))
        serves(peer)


# --- M-8


@case("M-8", "keys of one hash whose comparison doubles at each level", cpu=0.5)
def comparing(server: Server) -> None:
    def key(first: int) -> Any:
        inner: Any = [b"reference", first, [b"tuple", 1, 1.5]]
        for number in range(first + 1, first + 14):
            inner = [b"reference", number, [b"tuple", inner, [b"dereference", number - 1]]]
        return inner

    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"one", [b"set", *(key(100 * n) for n in range(1, 60))]))


# --- M-9

MANY = {
    "Decimals of 448 bits": [b"decimal", 2**448 - 1, 6_144],
    "integers of 448 bits": 2**448 - 1,
    "empty sets": [b"set"],
    "empty frozensets": [b"frozenset"],
    "dates": [b"date", b"2020 1 11"],
    "datetimes": [b"datetime", b"2020 1 11 11 11 11 111111"],
    "odd dates": [b"date", b"02020 01 11"],
    "marks": [b"unpersistable", b"x"],
}


@cases("M-9", "as many as there are tokens for are refused, for they cost more", MANY, cpu=0.75)
def costly(server: Server, value: Any) -> None:
    atom = encode(value)
    tokens = 1 if isinstance(value, int) else len(value) + 1
    count = min(24_000 // tokens, 900_000 // len(atom))
    with Peer(server.port) as peer:
        for _ in range(3):
            number = next(peer.numbers)
            peer.send(call_with(list_head(count + 1) + encode(b"list") + atom * count, number=number))
            refuses(peer, number, text="frame_items")


@cases("M-9", "an honest number of them is served", {name: MANY[name] for name in MANY if name != "marks"}, cpu=0.5)
def honest_number(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        assert peer.result(peer.call(b"one", [b"list", *[value] * 1_000]))[0] == b"answer"
        assert peer.ask(b"echo", text("still here")) == text("still here")


# --- L-1


@case("L-1", "a reference received 4,000 times is given back a thousand at a time", cpu=0.5)
def received_often(server: Server) -> None:
    item = encode([b"remote", 1])
    with Peer(server.port) as peer:
        number = next(peer.numbers)
        peer.send(call_with(container(b"list", [item] * 4_000), number=number))
        peer.result(number)
        serves(peer)
        released = sum(message == [b"decref", 1] for message in peer.messages)
        while released < 4_000:
            assert peer.receive() == [b"decref", 1]
            released += 1
        serves(peer)
