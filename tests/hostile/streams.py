"""Streams: credit without end, credit that is none, streams that nobody reads, and sources that lie (S-54)."""

from __future__ import annotations

import time
from typing import Any

from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.raw import Peer, text
from tests.sexp import encode

ERROR = "twisted.spread.pb.Error"
ITEMS = 500  # Limits.public().stream_items
STREAMS = 100  # Limits.public().streams
WAITING = 16  # calls for items that may wait


def opened(peer: Peer, name: bytes = b"numbers", *args: Any) -> int:
    """The id of a new stream."""
    word, luid = peer.ask(name, *args)
    assert word == b"remote"
    return int(luid)


def all_ended(server: Server, within: float = 5.0) -> None:
    """That no iterator is left open at the server."""
    deadline = time.monotonic() + within
    while (left := server.state()["streams"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"{left} iterators are still open"


@cases(
    "S-54",
    "a number of items that is none",
    {"zero": 0, "negative": -1, "very negative": -(2**200), "float": 1.5, "text": text("5"), "none": [b"None"]}
    | {"a list": [b"list", 1], "true": [b"boolean", b"true"]},
)
def no_number(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        stream = opened(peer, b"numbers", 10)
        refuses(peer, peer.call(b"next", value, luid=stream), ERROR, "a number of items from 1")
        assert peer.ask(b"next", 3, luid=stream) == [b"list", 0, 1, 2]
    all_ended(server)


@case("S-54", "credit without end")
def endless(server: Server) -> None:
    with Peer(server.port) as peer:
        stream = opened(peer, b"numbers", 10**9)
        seen = 0
        for _ in range(5):
            items = peer.ask(b"next", 2**400, luid=stream)[1:]
            assert items == list(range(seen, seen + len(items))) and 1 <= len(items) <= ITEMS
            seen += len(items)
    all_ended(server)


@case("S-54", "calls for items without end")
def calls(server: Server) -> None:
    with Peer(server.port) as peer:
        stream = opened(peer, b"never")
        numbers = [peer.call(b"next", 1, luid=stream) for _ in range(2_000)]
        for number in numbers[WAITING:]:
            refuses_quietly(peer, number)
        serves(peer)
        assert peer.ask(b"close", luid=stream) == [b"None"]
        assert [peer.result(number)[2] for number in numbers[:WAITING]] == [[b"list"]] * WAITING
    all_ended(server)


def refuses_quietly(peer: Peer, number: int) -> None:
    answer = peer.result(number)
    assert answer[0] == b"error" and len(str(answer)) < 2_000


@case("S-54", "streams without end")
def streams(server: Server) -> None:
    with Peer(server.port) as peer:
        held = [opened(peer, b"numbers", 10) for _ in range(STREAMS)]
        for _ in range(20):
            refuses(peer, peer.call(b"numbers", 10), text="limits.streams")
        for luid in held[:10]:
            peer.send(encode([b"decref", luid]))
        held = [opened(peer, b"numbers", 10) for _ in range(10)]
        assert peer.ask(b"next", 5, luid=held[0]) == [b"list", 0, 1, 2, 3, 4]
    all_ended(server)


@case("S-54", "opened and given back, over and over", cpu=1.0)
def churn(server: Server) -> None:
    with Peer(server.port) as peer:
        for _ in range(300):
            stream = opened(peer, b"numbers", 10**9)
            peer.call(b"next", 10, luid=stream)
            peer.send(encode([b"decref", stream]))
        serves(peer)
    all_ended(server)


@case("S-54", "credit after the end")
def after(server: Server) -> None:
    with Peer(server.port) as peer:
        stream = opened(peer, b"numbers", 3)
        assert peer.ask(b"next", 10, luid=stream) == [b"list", 0, 1, 2]
        for _ in range(3):
            assert peer.ask(b"next", 10, luid=stream) == [b"list"]
            assert peer.ask(b"close", luid=stream) == [b"None"]
        peer.send(encode([b"decref", stream]))
        refuses(peer, peer.call(b"next", 10, luid=stream), ERROR, "Invalid Object ID")
    all_ended(server)


@case("S-54", "items that are asked for and never read", cpu=1.0)
def unread(server: Server) -> None:
    with Peer(server.port) as peer:
        for _ in range(50):
            stream = opened(peer, b"blobs")
            for _ in range(WAITING):
                peer.call(b"next", 100, luid=stream)
        time.sleep(0.5)
        assert server.memory()[0]  # the harness bounds its peak
    all_ended(server)


@case("S-54", "a peer that is gone leaves no iterator behind")
def gone(server: Server) -> None:
    for name in (b"numbers", b"never", b"blobs"):
        with Peer(server.port) as peer:
            for _ in range(30):
                stream = opened(peer, name, *([10**9] if name == b"numbers" else []))
                peer.call(b"next", 10, luid=stream)
            serves(peer)
        all_ended(server)


@cases(
    "S-54",
    "items that were not asked for",
    {"many": [b"list", *[1] * 20_000], "a tuple": [b"tuple", 1], "a number": 5, "text": text("x"), "none": [b"None"]},
)
def lies(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        number = peer.call(b"read", [b"remote", 7])
        asked = peer.receive_until(b"message")
        while asked[3] != b"next":
            asked = peer.receive_until(b"message")
        peer.send(encode([b"answer", asked[1], value]))
        refuses(peer, number, ERROR, "items was asked for")
