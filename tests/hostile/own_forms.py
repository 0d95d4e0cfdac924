"""
H-1, H-6, M-1: errors that have no end to print, objects that read their own calls, and classes that read themselves.

:func:`add` gives the server of ``likewise.spread`` the objects for the last two; the asyncio API has none of these.
"""

from __future__ import annotations

from typing import Any

from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.raw import Peer, dictionary, text
from tests.sexp import encode

FAILURE = b"twisted.spread.pb.CopyableFailure"
DEPTH = 60  # forms within forms, each a tag and a state: as many lists as the target's ceiling lets in


def endless(levels: int = 40) -> Any:
    """800 bytes, 2**40 leaves, four lists deep."""
    parts = [[b"reference", 1, [b"list", 1, 2]]]
    for level in range(2, levels + 1):
        parts.append([b"reference", level, [b"list", [b"dereference", level - 1], [b"dereference", level - 1]]])
    return [b"list", *parts, [b"dereference", levels]]


def with_endless(*items: Any) -> list[Any]:
    return [b"dictionary", *([text(name), endless() if value is None else value] for name, value in items)]


FAILURES = {
    "text": with_endless(("value", None)),
    "type": with_endless(("type", None)),
    "names of bases": with_endless(("parents", [b"list", endless(), text("a.B")])),
    "traceback": with_endless(("traceback", None), ("value", text("x"))),
    "count": with_endless(("count", None)),
    "what it takes along": with_endless(("carried", None), ("type", text("a.B"))),
    "names of its own": with_endless(("note", None), ("_parents", None), ("frames", None)),
}


@cases("H-1", "a failure that has no end to print, as an argument", FAILURES)
def in_arguments(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        for name in (b"one", b"expected", b"fail"):
            peer.result(peer.call(name, [FAILURE, value]))
        serves(peer)


@cases("H-1", "the same as what a call of the server's failed with", FAILURES | {"itself": None})
def in_errors(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        asked = peer.call(b"call_back", [b"remote", 1])
        request = peer.receive_until(b"message")[1]
        peer.send(encode([b"error", request, endless() if value is None else [FAILURE, value]]))
        answer = peer.result(asked)
        assert answer[0] == b"error" and len(str(answer)) < 40_000
        serves(peer)


@case("H-6", "an object that reads its own calls prints no argument to its end, and takes names as keywords only")
def raw_calls(server: Server) -> None:
    if server.target != "spread":
        return
    with Peer(server.port) as peer:
        raw = peer.ask(b"raw")[1]
        for argument in (endless(), [b"hostile.Copy", dictionary({"x": endless()})]):
            refuses(peer, peer.call(b"none", argument, luid=raw), "builtins.TypeError")
        for key in (text("__class__"), 5, [b"tuple", 1]):
            refuses(peer, peer.call(b"any", luid=raw, kwargs=[b"dictionary", [key, 1]]))
        for name in ("is_admin", "__class__", "owner", "__dict__"):
            for tag in (b"hostile.Copy", b"hostile.Own"):
                refuses(peer, peer.call(b"any", [tag, dictionary({name: 5})], luid=raw))
        refuses(peer, peer.call(b"any", [b"hostile.Own", [b"dictionary", [5, 5]]], luid=raw))
        assert peer.ask(b"any", [b"hostile.Own", dictionary({"fine": 5})], luid=raw) == 1


@case("M-1", "a class that reads itself, within itself over and over, around a long list", cpu=4.0, memory=48 << 20)
def nested(server: Server) -> None:
    if server.target != "spread":
        return
    with Peer(server.port) as peer:
        for tag in (b"hostile.Own", b"hostile.Changing"):
            value: Any = [b"list", *[1] * 20_000]
            for _ in range(DEPTH // 2):
                value = [tag, value]
            peer.result(peer.call(b"one", value))
        serves(peer)


def add(root: Any, pb: Any) -> None:
    """Give a root the object that reads its own calls, and register the classes that read themselves."""

    class Raw(pb.Referenceable):  # type: ignore[misc]
        def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
            return super().remoteMessageReceived(broker, message, args, kw)

        def remote_none(self) -> None:
            return None

        def remote_any(self, *args: Any, **kwargs: Any) -> int:
            return len(args) + len(kwargs)

    class Own(pb.RemoteCopy):  # type: ignore[misc]
        def is_admin(self) -> bool:
            return False

        owner = property(lambda self: "nobody")

        def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
            state = unjellier.unjelly(jellyList[1])
            self.setStateFor(unjellier, state if isinstance(state, dict) else {"inner": state})
            return self

    class Changing(Own):
        def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
            jellyList.append(5)
            return super().unjellyFor(unjellier, jellyList)

    pb.setUnjellyableForClass("hostile.Own", Own)
    pb.setUnjellyableForClass("hostile.Changing", Changing)
    raw = Raw()
    root.remote_raw = lambda: raw
