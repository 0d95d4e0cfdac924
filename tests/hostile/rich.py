"""
H-20, M-20, L-20: forms that only likewise-1 has: names of members and of time zones, fractions, named tuples, exceptions.

:func:`add` registers the classes for them; both targets call it. They are taken from a peer of any dialect.
"""

from __future__ import annotations

import enum
from typing import Any, NamedTuple

import likewise
from tests.hostile.harness import Server, case, cases, refuses, serves
from tests.hostile.raw import Peer, dictionary, text

PRIME = 2**61 - 1  # the hash of a Fraction, and of a UUID, is a number modulo this
NOON = b"2026 7 1 12 0 0 0"
MOST = 2**448 - 1
ZONES = (
    *(b"../../../../etc/passwd", b"/etc/passwd", b"/dev/zero", b"Europe/../../../../etc/shadow", b"Europe//Berlin"),
    *(b"Europe/Berlin/", b".", b"", b"Europe/Berlin\0", b"Europe\\Berlin", b"tzdata.zi", b"localtime", b"\xff\xfe"),
    *(b"__init__", b"tzdata", b"os", b"A/" * 300_000, b"Mars/Olympus", 5.5, 86_400_000_000, -(2**400)),
)


@likewise.copyable(name="hostile.Colour")
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"

    @classmethod
    def _missing_(cls, value: object) -> Any:
        raise AssertionError("no member is to be made up for a peer")


Rights = enum.Flag("Rights", [f"R{n}" for n in range(50)])  # type: ignore[misc]
likewise.copyable(name="hostile.Rights")(Rights)


@likewise.copyable(name="hostile.Pair")
class Pair(NamedTuple):
    one: Any
    other: Any = None


def several(peer: Peer, value: Any, count: int, times: int = 3) -> None:
    """Have as many of a value read, several times: refused or served, and the connection goes on."""
    for _ in range(times):
        answer = peer.result(peer.call(b"one", [b"list", *[value] * count]))
        assert answer[0] in (b"error", b"answer")
    serves(peer)


# --- H-20: names


@case("H-20", "a name that is no time zone fails the call, and opens no file", cpu=0.5)
def zones(server: Server) -> None:
    with Peer(server.port) as peer:
        for name in ZONES:
            refuses(peer, peer.call(b"one", [b"datetime", NOON, name]))
            refuses(peer, peer.call(b"one", [b"time", b"12 0 0 0", name]))
            refuses(peer, peer.call(b"one", [b"likewise.timezone", [b"tuple", name]]))


@case("H-20", "two thousand names that nobody has heard of cost next to nothing", cpu=0.75)
def many_zones(server: Server) -> None:
    with Peer(server.port) as peer:
        numbers = [peer.call(b"one", [b"datetime", NOON, b"Mars/Crater_%d" % n]) for n in range(2_000)]
        for number in numbers:
            assert peer.result(number)[0] == b"error"
        serves(peer)


@cases(
    "H-20",
    "a name that is no member fails the call",
    {
        "unknown": b"PURPLE",
        "its value": text("red"),
        "a number": 0,
        "a dunder": b"__class__",
        "a hook": b"_missing_",
        "long": b"R" * 600_000,
        "nothing": b"",
        "a container": [b"list", b"RED"],
    },
)
def members(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"one", [b"hostile.Colour", value]))
        if value != b"":
            refuses(peer, peer.call(b"one", [b"hostile.Rights", value]))
        peer.ask(b"one", [b"hostile.Colour", b"RED"])


@case("H-20", "an Enum that nothing registers is not looked up", cpu=0.25)
def unknown(server: Server) -> None:
    with Peer(server.port) as peer:
        for tag in (b"enum.FlagBoundary", b"ssl.TLSVersion", b"uuid.SafeUUID", b"signal.Signals", b"hostile.rich.Colour"):
            refuses(peer, peer.call(b"one", [tag, b"STRICT"]))


@case("H-20", "combinations of flags are kept to a ceiling", cpu=1.5, memory=24 << 20)
def flags(server: Server) -> None:
    with Peer(server.port) as peer:
        many = [b"|".join(b"R%d" % place for place in range(30) if number >> place & 1) for number in range(1, 12_000)]
        failed = 0
        for at in range(0, len(many), 500):
            answer = peer.result(
                peer.call(b"one", [b"list", *[[b"hostile.Rights", names] for names in many[at : at + 500]]])
            )
            failed += answer[0] == b"error"
        assert failed
        peer.ask(b"one", [b"hostile.Rights", b"R49"])
        serves(peer)


# --- M-20: work


@cases(
    "M-20",
    "as many as there are tokens for cost no more than a message may",
    {
        "fractions of 448 bits": [b"likewise.Fraction", [b"tuple", MOST, 2**447 + 1]],
        "UUIDs": [b"likewise.UUID", bytes(16)],
        "complex numbers": [b"likewise.complex", [b"tuple", 1.5, 2.5]],
        "times with a zone": [b"datetime", NOON, b"Europe/Berlin"],
        "times with an offset and a name": [b"time", b"12 0 0 0", 3_600_000_000, b"x" * 64],
        "Decimals that are no number": [b"decimal", b"NaN" + b"9" * 134],
        "members": [b"hostile.Colour", b"RED"],
        "flags of fifty members": [b"hostile.Rights", b"|".join(b"R%d" % n for n in range(50))],
        "named tuples": [b"hostile.Pair", [b"tuple", 1, 2]],
        "exceptions": [b"likewise.Exception", [b"dictionary"]],
        "bytearrays": [b"likewise.bytearray", b""],
    },
    cpu=0.75,
)
def costly(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        several(peer, value, 1_200)
        several(peer, value, 4_000)


@case("M-20", "exceptions that take along as much as they may are counted by it", cpu=0.75)
def carried(server: Server) -> None:
    from tests.sexp import encode

    keys = [[n * 2**20, 1] for n in range(3_000)]
    args = encode([b"tuple", [b"dictionary", *keys]])
    taken = encode([b"dictionary", [text("args"), args]])
    value = [b"likewise.Exception", dictionary({"type": b"builtins.ValueError", "value": b"x", "carried": taken})]
    with Peer(server.port) as peer:
        several(peer, value, 1)
        several(peer, value, 25)


@cases(
    "M-20",
    "keys of one hash are counted",
    {
        "fractions": [[b"likewise.Fraction", [b"tuple", n * PRIME + 5, 1]] for n in range(1_000)],
        "UUIDs": [[b"likewise.UUID", (n * PRIME + 5).to_bytes(16, "big")] for n in range(1_000)],
        "named tuples": [[b"hostile.Pair", [b"tuple", n * PRIME, 1]] for n in range(1_000)],
    },
)
def colliding(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"one", [b"set", *value]), text="equal_hashes")
        refuses(peer, peer.call(b"one", [b"dictionary", *([key, 1] for key in value)]), text="equal_hashes")


# --- L-20: what is not quite one


def bomb(*behind: Any) -> Any:
    """Forty named pairs side by side, each of the one before it, twice; and what stands ``behind`` them."""
    jelly: Any = [[b"reference", 1, [b"hostile.Pair", [b"tuple", 1, 1]]]]
    for n in range(2, 41):
        jelly.append([b"reference", n, [b"hostile.Pair", [b"tuple", [b"dereference", n - 1], [b"dereference", n - 1]]]])
    return [b"list", *jelly, *behind]


@case("L-20", "named tuples that share their parts fail the call, as a key and as they are")
def shared(server: Server) -> None:
    with Peer(server.port) as peer:
        last = [b"dereference", 30]
        for jelly in (bomb(), bomb([b"set", last]), bomb([b"dictionary", [last, 1]])):
            refuses(peer, peer.call(b"one", jelly))


@cases(
    "L-20",
    "what is malformed fails the call",
    {
        "fractions": [[b"likewise.Fraction", [b"tuple", *pair]] for pair in ((1, 0), (1, -1), (1.5, 2), (1,), (1, 2, 3))],
        "UUIDs": [[b"likewise.UUID", state] for state in (b"", b"x" * 15, b"x" * 600_000, 5, text("x" * 16))],
        "bytearrays": [[b"likewise.bytearray", state] for state in (2**40, text("x"), [b"list", 1])],
        "complex numbers": [[b"likewise.complex", [b"tuple", *pair]] for pair in ((1, 2), (1.0,), (1.0, b"x"))],
        "named tuples": [[b"hostile.Pair", state] for state in ([b"tuple"], [b"tuple", 1, 2, 3], [b"list", 1, 2], b"x", 5)],
        "named tuples in themselves": [[b"reference", 1, [b"hostile.Pair", [b"tuple", [b"dereference", 1], 1]]]],
        "Decimals": [[b"decimal", word] for word in (b"nan", b"NaN0", b"sNaN" + b"9" * 135, b"", b"1E5", b"-" * 600_000)],
        "exceptions": [[b"likewise.Exception", state] for state in (5, b"x", [b"list"], [b"None"])],
        "two states": [
            [tag, b"x", b"y"] for tag in (b"likewise.UUID", b"likewise.Exception", b"hostile.Pair", b"hostile.Colour")
        ],
    },
)
def malformed(server: Server, value: list[Any]) -> None:
    with Peer(server.port) as peer:
        for each in value:
            refuses(peer, peer.call(b"one", each))
            refuses(peer, peer.call(b"kw", kwargs=[b"dictionary", [text("x"), [b"list", each]]]))


@case("L-20", "an exception of any name and shape is a value of no consequence", log=256 * 1024)
def exceptions(server: Server) -> None:
    states: list[Any] = [
        dictionary({"type": kind, "value": value, "parents": parents, "carried": carried})
        for kind in (b"builtins.SystemExit", b"os.system", text("x" * 10_000), 5)
        for value, parents, carried in (
            (b"x" * 100_000, [b"list", *[b"p"] * 1_000], b"\xff" * 1_000),
            ([b"list", 1], 5, b"\x01\x80" * 1_000),
            (1, [b"None"], 7),
        )
    ]
    with Peer(server.port) as peer:
        for state in states:
            peer.ask(b"one", [b"likewise.Exception", state])
        serves(peer)


def add(api: Any) -> None:
    """The classes are registered by being imported; zones are listed before anything is watched, as it happens but once."""
    from likewise.jelly.zones import zone_of

    zone_of([b"Europe/Berlin"])
    zone_of([b"UTC"])


__all__ = ("add",)
