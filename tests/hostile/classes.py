"""
H-7, M-2, L-4, L-5: state for what the library itself reads, annotations that lead back to themselves, slots, and fields that
are no arguments.

:func:`add` registers the classes for them; both targets call it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Union

import likewise
from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.own_forms import endless
from tests.hostile.raw import Peer, dictionary, text

Tree = Union[list["Tree"], dict[str, "Tree"], int, None]  # noqa: UP007
DEPTH = 40


@likewise.copyable(name="hostile.Tree")
@dataclass
class Branch:
    """Takes whatever JSON can say, without floats and texts."""

    tree: Tree = None


@likewise.copyable(name="hostile.Late")
@dataclass
class Late:
    """Has a field that is no argument of its ``__init__``."""

    what: str = ""
    when: int = field(default=0, init=False)


def nested(levels: int, inner: Any) -> Any:
    """Lists in lists."""
    for _ in range(levels):
        inner = [b"list", inner]
    return inner


FLAGS = ("takes_expressions", "is_cache", "_mirror", "ended_because", "failed_changes", "find_remote_method")


@cases("H-7", "state that would set what the library reads on a mirror fails the call", {name: name for name in FLAGS})
def flags_of_mirrors(server: Server, value: str) -> None:
    with Peer(server.port) as peer:
        for luid, key in enumerate((text(value), value.encode()), 700):
            for what in (1, text("x"), [b"None"]):
                refuses(peer, peer.call(b"keep", [b"hostile.Pond", luid, [b"dictionary", [key, what]]]))
        peer.ask(b"one", [b"hostile.Pond", 800, dictionary({"ducks": 3})])
        serves(peer)


@case("H-7", "nor does a copy take it, whatever it is sent back as")
def flags_of_copies(server: Server) -> None:
    names = ("is_cache", "jelly_into", "getStateToCopyFor", "getTypeToCopyFor")
    own = ("jellyFor", "unjellyFor", "setStateFor", "getStateFor") if server.target == "spread" else ()
    with Peer(server.port) as peer:
        for name in (*names, *own):
            refuses(peer, peer.call(b"echo", [b"hostile.Copy", dictionary({name: 1})]))
        serves(peer)


@cases(
    "M-2",
    "an annotation that leads back to itself takes what shares its parts in time proportional to the bytes",
    {"that fits": 1, "that does not": 1.5},
    cpu=1.0,
)
def shared(server: Server, value: Any) -> None:
    bomb = endless()
    bomb[1][2][1] = value  # the innermost of all
    with Peer(server.port) as peer:
        for _ in range(20):
            number = peer.call(b"one", [b"hostile.Tree", dictionary({"tree": bomb})])
            if value == 1:
                peer.result(number)
            else:
                refuses(peer, number, text="takes ")
        serves(peer)


@case("M-2", "nor does it take what has no end, or more levels than there are")
def without_end(server: Server) -> None:
    with Peer(server.port) as peer:
        circle = [b"reference", 1, [b"list", [b"dereference", 1]]]
        refuses(peer, peer.call(b"one", [b"hostile.Tree", dictionary({"tree": circle})]), text="takes ")
        peer.ask(b"one", [b"hostile.Tree", dictionary({"tree": nested(DEPTH, 5)})])
        refuses(peer, peer.call(b"one", [b"hostile.Tree", dictionary({"tree": nested(DEPTH, 1.5)})]), text="takes ")
        serves(peer)


@case("L-4", "state for slots lands in the slots, and nothing of the class is replaced by it")
def slots(server: Server) -> None:
    with Peer(server.port) as peer:
        answer = peer.ask(b"echo", [b"hostile.Thin", dictionary({"x": 5, "more": 6})])
        assert answer[0] == b"hostile.Thin" and sorted(pair[1] for pair in answer[1][1:]) == [5, 6]
        for name in ("__slots__", "is_admin", "__class__"):
            refuses(peer, peer.call(b"echo", [b"hostile.Thin", dictionary({name: 1})]))
        serves(peer)


@case("L-5", "a field that is no argument is set by the peer, as documented, and takes what its annotation says")
def no_arguments(server: Server) -> None:
    with Peer(server.port) as peer:
        sent = [b"hostile.Late", [b"dictionary", [text("what"), text("x")], [text("when"), 7]]]
        assert peer.ask(b"echo", sent) == sent
        refuses(peer, peer.call(b"echo", [b"hostile.Late", dictionary({"when": text("x")})]), text="takes int")
        refuses(peer, peer.call(b"echo", [b"hostile.Late", dictionary({"_when": 7})]), text="has no field")
        serves(peer)


def add(api: Any) -> None:
    """Register the class with slots, from those of ``api``."""

    class Thin(api.Copyable, api.RemoteCopy):  # type: ignore[misc]
        __slots__ = ("x",)

        def getTypeToCopy(self) -> str:
            return "hostile.Thin"

        def is_admin(self) -> bool:
            return False

    api.setUnjellyableForClass("hostile.Thin", Thin)
