"""Hostile values, S-13 to S-25: names of code, placeholders, hash bombs, expansion, numbers, texts, state."""

from __future__ import annotations

import struct
from typing import Any

from tests.hostile.framing import call_with
from tests.hostile.harness import Server, case, cases, drops, refuses, serves
from tests.hostile.raw import Peer, dictionary, list_head, text
from tests.sexp import encode

PRIME = 2**61 - 1  # hash(n) is n modulo this
INVALID = "twisted.spread.jelly.InsecureJelly"


def refuse_each(server: Server, *arguments: Any, says: str = "") -> None:
    """That each of these fails its call, wherever it stands, and the connection goes on."""
    with Peer(server.port) as peer:
        for argument in arguments:
            refuses(peer, peer.call(b"one", argument), text=says)
            refuses(peer, peer.call(b"one", [b"list", 1, [b"tuple", argument]]), text=says)
            refuses(peer, peer.call(b"kw", kwargs=[b"dictionary", [text("x"), argument]]), text=says)


# --- S-13, S-14: names of code


@cases(
    "S-13",
    "nothing is looked up by name",
    {
        "an empty list": [[]],
        "a list first": [[[b"list"], 1]],
        "an int first": [[5, 1]],
        "a float first": [[1.5, 1]],
        "class": [[b"class", b"target.Trap"], [b"class", b"builtins.eval"]],
        "module": [[b"module", b"antigravity"], [b"module", b"os"]],
        "function": [[b"function", b"os.system"], [b"function", b"builtins.eval"], [b"function", b"__main__.boom"]],
        "method": [[b"method", b"system", [b"None"], [b"class", b"os.system"]]],
        "instance": [
            [b"instance", [b"class", b"__main__.Trap"], [b"dictionary"]],
            [b"instance", b"__main__.Trap", [b"dictionary"]],
        ],
        "persistent": [[b"persistent", b"x"], [b"persistent", 1]],
        "dotted": [[b"__main__.Trap", [b"dictionary"]], [b"builtins.eval", text("1")], [b"os.system", text("true")]],
        "a module never loaded": [[b"antigravity.geohash", [b"dictionary"]], [b"this.s", [b"dictionary"]]],
        "dunders": [[b"__class__", 1], [b"builtins.object.__subclasses__", [b"tuple"]]],
        "messages as values": [[b"message", 1, 2], [b"version", 6], [b"cachemessage", 1], [b"copy", 1], [b"cache", 1]],
        "bytes that are no text": [[b"\xff\xfe\x00", [b"dictionary"]]],
    },
)
def names(server: Server, value: list[Any]) -> None:
    if server.target == "spread" and value[0][:1] == [b"persistent"]:  # Twisted puts a mark in its place
        with Peer(server.port) as peer:
            assert all(peer.ask(b"one", each) == [b"None"] for each in value)
    else:
        refuse_each(server, *value)


@case("S-13", "a type name of 600,000 bytes is not repeated whole in the error")
def long_name(server: Server) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"one", [b"x." * 300_000, [b"dictionary"]]))


@case("S-14", "a class that writes files named by its state can't come in unasked")
def published(server: Server) -> None:
    state = dictionary(
        {"timestamp": 1, "name": text("../../../tmp/x"), "remote": [b"remote", 1], "publishedID": text("../../x")}
    )
    refuse_each(
        server, [b"twisted.spread.publish.RemotePublished", state], [b"twisted.spread.publish.RemotePublished", 5, state]
    )


# --- S-15: depth


@cases("S-15", "100,000 levels in", {"an answer": b"answer", "an error": b"error"})
def deep_answer(server: Server, value: bytes) -> None:
    with Peer(server.port) as peer:
        peer.send(b"\x03\x80" + encode(value) + encode(1) + b"\x02\x80\x08\x87" * 100_000)
        drops(server, peer, limit="depth")


@case("S-15", "100,000 levels in the state of a cache, or of a copy")
def deep_state(server: Server) -> None:
    for head in (b"\x03\x80" + encode(b"hostile.Pond") + encode(7), b"\x02\x80" + encode(b"hostile.Copy")):
        with Peer(server.port) as peer:
            peer.send(call_with(head + b"\x02\x80\x08\x87" * 100_000))
            drops(server, peer, limit="depth")


NESTS = {
    "lists": lambda inner: [b"list", inner],
    "tuples": lambda inner: [b"tuple", inner],
    "frozensets": lambda inner: [b"frozenset", inner],
    "copies": lambda inner: [b"hostile.Copy", [b"dictionary", [text("x"), inner]]],
    "dictionaries": lambda inner: [b"dictionary", [1, inner]],
    "keys": lambda inner: [b"dictionary", [[b"tuple", inner], 1]],
    "references": lambda inner: [b"reference", 1, inner],
    "decimals": lambda inner: [b"decimal", inner],
}


@cases("S-15", "as deep as the ceiling allows, and no deeper", NESTS)
def deepest(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        for depth in range(2, 70):
            made: Any = 1
            for _ in range(depth):
                made = value(made)
            if not peer.send(peer.message(b"echo", [b"tuple", made])[1]):
                break
        assert peer.is_closed()
        assert server.reason(peer)[1] == "depth"


# --- S-16: placeholders

IN_ITSELF = [b"tuple", [b"dereference", 1]]


@cases(
    "S-16",
    "references that can't be are refused",
    {
        "undefined": [[b"dereference", 7]],
        "undefined in a set": [[b"set", [b"dereference", 7]]],
        "defined later": [[b"list", [b"dereference", 1], [b"reference", 1, [b"list"]]]],
        "defined twice": [[b"list", [b"reference", 1, [b"list"]], [b"reference", 1, [b"list"]]]],
        "a tuple in itself": [[b"reference", 1, IN_ITSELF]],
        "a frozenset in itself": [[b"reference", 1, [b"frozenset", [b"dereference", 1]]]],
        "a set in itself": [[b"reference", 1, [b"set", [b"dereference", 1]]]],
        "a dict as its own key": [[b"reference", 1, [b"dictionary", [[b"dereference", 1], 1]]]],
        "a tuple as a key in itself": [[b"reference", 1, [b"tuple", [b"dictionary", [[b"dereference", 1], 1]]]]],
        "a reference to itself": [[b"reference", 1, [b"dereference", 1]]],
        "two that are each other": [[b"reference", 1, [b"tuple", [b"reference", 2, [b"tuple", [b"dereference", 1]]]]]],
        "ids that are no numbers": [[b"reference", b"x", [b"list"]], [b"reference", [b"list"], 1], [b"reference", 1.5, 1]],
        "negative ids": [[b"reference", -1, [b"list"]], [b"dereference", -1]],
        "huge ids": [[b"reference", 2**400, [b"list"]], [b"dereference", 2**400]],
        "too few or many": [
            [b"reference", 1],
            [b"reference"],
            [b"reference", 1, 1, 1],
            [b"dereference"],
            [b"dereference", 1, 2],
        ],
    },
)
def placeholders(server: Server, value: list[Any]) -> None:
    refuse_each(server, *value)


@case(
    "S-16", "tuples that lead back to themselves through a list arrive whole, 2,000 deep chains of them are refused or whole"
)
def chains(server: Server) -> None:
    with Peer(server.port) as peer:
        peer.ask(b"one", [b"reference", 1, [b"tuple", [b"list", [b"dereference", 1]]]])
        inner: list[Any] = [b"tuple", [b"reference", 2, [b"tuple", [b"dereference", 1]]]]
        for number in range(3, 2_000):
            inner.append([b"reference", number, [b"tuple", [b"dereference", number - 1]]])
        # the value is mended before the key that defines the chain is
        refuses(peer, peer.call(b"one", [b"reference", 1, [b"tuple", [b"dictionary", [inner, [b"dereference", 1_999]]]]]))
        peer.call(b"one", [b"reference", 1, [b"tuple", inner, [b"list", [b"dereference", 1_999]]]])
        serves(peer)


# --- S-17, S-18: sharing


def shared(depth: int, kind: bytes = b"tuple", leaf: Any = 1, first: int = 1) -> list[Any]:
    """``depth`` pairs, each of the one before it, twice: 2**depth leaves."""
    made: list[Any] = [b"list", [b"reference", first, [kind, leaf, leaf]]]
    for number in range(first + 1, first + depth):
        made.append([b"reference", number, [kind, [b"dereference", number - 1], [b"dereference", number - 1]]])
    return made


def last(depth: int) -> list[Any]:
    return [b"dereference", depth]


@cases(
    "S-17",
    "2^28 and 2^40 shared tuples where hashing them would never end",
    {
        "as a set's member": lambda n: [*shared(n), [b"set", last(n)]],
        "as a dict's key": lambda n: [*shared(n), [b"dictionary", [last(n), 1]]],
        "in a frozenset": lambda n: [*shared(n), [b"frozenset", last(n)]],
        "in a tuple as a key": lambda n: [*shared(n), [b"dictionary", [[b"tuple", 1, last(n)], 1]]],
    },
)
def hash_bomb(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        for depth in (24, 28, 40):
            refuses(peer, peer.call(b"one", value(depth)))


@case("S-17", "a tuple that is costly to hash does not reach a method: it might use it as a key", cpu=0.5)
def hash_bomb_in_method(server: Server) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"look_up", [b"tuple", *shared(40)[1:]]))
        refuses(peer, peer.call(b"look_up", last(40), kwargs=[b"dictionary", [text("y"), shared(40)]]))
        # through tuples that lead back to themselves by way of an instance, which can be hashed
        around = [
            b"reference",
            1,
            [b"tuple", [b"hostile.Copy", dictionary({"x": [b"tuple", *shared(40, leaf=last(1), first=2)[1:]]})]],
        ]
        refuses(peer, peer.call(b"look_up", around))


@case("S-17", "3,000 tuples each in the next, by reference: hashing them would overflow the stack", cpu=0.5)
def deep_by_reference(server: Server) -> None:
    made: list[Any] = [b"tuple", [b"reference", 1, [b"tuple", 1]]]
    for number in range(2, 3_000):
        made.append([b"reference", number, [b"tuple", [b"dereference", number - 1]]])
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"look_up", made))
        refuses(peer, peer.call(b"one", [b"dictionary", [made, 1]]))


BOMBS = {
    "lists": shared(40, b"list"),
    "dictionaries": [b"list", [b"reference", 1, [b"dictionary", [1, 1]]]]
    + [[b"reference", n, [b"dictionary", [1, [b"dereference", n - 1]], [2, [b"dereference", n - 1]]]] for n in range(2, 42)],
    "copies": [b"list", [b"reference", 1, [b"hostile.Copy", [b"dictionary"]]]]
    + [
        [
            b"reference",
            n,
            [b"hostile.Copy", [b"dictionary", [text("a"), [b"dereference", n - 1]], [text("b"), [b"dereference", n - 1]]]],
        ]
        for n in range(2, 42)
    ],
}


@cases("S-18", "2^40 shared leaves are printed, logged and sent back in bounds", BOMBS)
def expansion(server: Server, value: list[Any]) -> None:
    with Peer(server.port) as peer:
        for name, kind in ((b"fail", "builtins.ValueError"), (b"expected", "twisted.spread.pb.Error")):
            refuses(peer, peer.call(name, value), kind)
        refuses(peer, peer.call(b"no_such_method", value), "twisted.spread.flavors.NoSuchMethod")
        refuses(peer, peer.call(b"ping", value), "builtins.TypeError")
        refuses(peer, peer.call(b"look_up", value), "builtins.TypeError")
        refuses(peer, peer.call(b"kw", kwargs=[b"dictionary", [b"\xff", value]]))
        peer.result(peer.call(b"echo", value))
        serves(peer)


@case("S-18", "a cyclic argument of a call that fails is printed in bounds")
def cyclic(server: Server) -> None:
    with Peer(server.port) as peer:
        cycle = [b"reference", 1, [b"list", [b"dereference", 1], [b"dereference", 1]]]
        refuses(peer, peer.call(b"fail", cycle), "builtins.ValueError")


@case("S-18", "a large argument of a call that fails is printed in bounds")
def large_failure(server: Server) -> None:
    with Peer(server.port) as peer:
        for name in (b"fail", b"look_up"):
            peer.result(peer.call(name, text("x" * 600_000)))
            peer.result(peer.call(name, [b"tuple", *range(20_000)]))
        serves(peer)


# --- S-19 to S-22: numbers and texts


def colliding(count: int) -> dict[str, Any]:
    floats = [b"\x84" + struct.pack(">d", float(2 ** (61 * n % 1_000))) for n in range(1, 17)]
    return {
        "ints": [encode(n * PRIME) for n in range(1, count)],
        "negative ints": [encode(-n * PRIME) for n in range(1, count)],
        "ints of 440 bits": [encode((2**379 + n) * PRIME) for n in range(1, count // 8)],
        "decimals": [encode([b"decimal", n * PRIME, 0]) for n in range(1, count // 20)],
        "tuples of such ints": [encode([b"tuple", n * PRIME]) for n in range(1, count // 3)],
        "floats": floats * 500,
    }


@cases("S-19", "20,000 keys of equal hash", colliding(20_000), cpu=1.0)
def collisions(server: Server, value: list[bytes]) -> None:
    with Peer(server.port) as peer:
        pairs = [b"\x02\x80" + key + b"\x01\x81" for key in value[:4_000]]
        refuses_bytes(peer, list_head(len(pairs) + 1) + encode(b"dictionary") + b"".join(pairs))
        for word in (b"set", b"frozenset"):
            refuses_bytes(peer, list_head(len(value) + 1) + encode(word) + b"".join(value))


def refuses_bytes(peer: Peer, argument: bytes) -> None:
    number = next(peer.numbers)
    peer.send(call_with(argument, number=number))
    refuses(peer, number, text="equal_hashes")


@case("S-19", "4,000 reference numbers of equal hash", cpu=0.5)
def colliding_references(server: Server) -> None:
    with Peer(server.port) as peer:
        value = [b"list", *([b"reference", n * PRIME, [b"list"]] for n in range(1, 4_000))]
        refuses(peer, peer.call(b"one", value))


@case("S-19", "1,000 ids of equal hash, for references and for caches", cpu=0.5)
def colliding_ids(server: Server) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"one", [b"list", *([b"remote", n * PRIME] for n in range(1, 1_000))]))
        caches = [[b"hostile.Pond", n * PRIME, [b"dictionary"]] for n in range(1, 1_000)]
        refuses(peer, peer.call(b"one", [b"list", *caches]))


@cases(
    "S-20",
    "a decimal out of bounds fails the call",
    {"1E+6145": (1, 6145), "1E+1000000": (1, 10**6), "1E-10^17": (1, -(10**17)), "1E+2^440": (1, 2**440)},
)
def decimals(server: Server, value: tuple[int, int]) -> None:
    refuse_each(server, [b"decimal", *value], says="decimal")


@case("S-20", "decimals at the ceiling, and ones that are none")
def decimals_in_bounds(server: Server) -> None:
    with Peer(server.port) as peer:
        for ok in ([b"decimal", 1, 6144], [b"decimal", 1, -6144], [b"decimal", 2**447, 0], [b"decimal", -5, -2]):
            assert peer.ask(b"echo", ok) == ok
    refuse_each(
        server, [b"decimal"], [b"decimal", 1], [b"decimal", b"1", b"2"], [b"decimal", 1.5, 0], [b"decimal", [b"list"], 0]
    )


@cases(
    "S-21",
    "times that are none fail the call",
    {
        "640,000 digits": [
            [b"date", b"1" * 640_000],
            [b"datetime", b"9" * 640_000],
            [b"timedelta", b"9" * 640_000 + b" 0 0"],
        ],
        "year 0": [[b"date", b"0 1 1"], [b"datetime", b"0 1 1 0 0 0 0"]],
        "negative": [[b"date", b"-1 1 1"], [b"time", b"-1 0 0 0"]],
        "too large": [[b"timedelta", b"999999999999 0 0"], [b"datetime", b"99999 1 1 0 0 0 0"], [b"time", b"25 0 0 0"]],
        "words": [
            [b"date", b"a b c"],
            [b"date", b""],
            [b"date"],
            [b"date", 5],
            [b"date", text("2020 1 1")],
            [b"time", [b"list"]],
        ],
        "digits of other scripts": [[b"date", "٢٠٢٠ ١ ١".encode()]],
        "underscores": [[b"date", b"2_0_2_0 1_ 1"]],
    },
)
def times(server: Server, value: list[Any]) -> None:
    refuse_each(server, *value)


@cases(
    "S-22",
    "texts that are none fail the call",
    {
        "not UTF-8": [[b"unicode", b"\xff"], [b"unicode", b"\xc0\x80"], [b"unicode", b"ok\xf5\x80\x80\x80"]],
        "a surrogate": [[b"unicode", b"\xed\xa0\x80"]],
        "no bytes": [[b"unicode", 5], [b"unicode"], [b"unicode", [b"list"]], [b"unicode", b"a", b"b"]],
        "a bool that is none": [[b"boolean", b"maybe"], [b"boolean", 1], [b"boolean"], [b"boolean", b"true", b"true"]],
        "None with more": [[b"None", 1]],
    },
)
def texts(server: Server, value: list[Any]) -> None:
    refuse_each(server, *value)


@case("S-22", "NUL and the rest of Unicode cross")
def unicode(server: Server) -> None:
    with Peer(server.port) as peer:
        for ok in ("\0", "a\0b", "\u2028", "\U0010ffff", "\ufeff", "ﬁ"):
            assert peer.ask(b"echo", text(ok)) == text(ok)
            assert peer.ask(b"echo", [b"dictionary", [text(ok), 1]]) == [b"dictionary", [text(ok), 1]]


# --- S-23, S-24: state

RESERVED = ("__class__", "__dict__", "__init__", "__del__", "__reduce__", "__module__", "__weakref__", "__call__", "__x")
HOOKS = ("setCopyableState", "getStateToCopy", "getTypeToCopy", "jelly_into", "is_admin", "owner", "processUniqueID")


@cases("S-23", "state that would shadow behaviour fails the call", {name: name for name in RESERVED + HOOKS})
def shadowing(server: Server, value: str) -> None:
    for key in (text(value), value.encode()):
        refuse_each(
            server, [b"hostile.Copy", [b"dictionary", [key, 1]]], [b"hostile.Copy", [b"dictionary", [key, [b"None"]]]]
        )
    refuse_each(server, [b"hostile.Pond", 9, [b"dictionary", [text(value), 1]]]) if value in RESERVED else None


@case(
    "S-23", "state lands in the declared way: plain names do, odd ones that name nothing too, keys that are no names do not"
)
def landing(server: Server) -> None:
    with Peer(server.port) as peer:
        for name in ("role", "x", "is admin", "luid", "broker", "postUnjelly", ""):
            state = [b"dictionary", [text(name), 1]]
            assert peer.ask(b"echo", [b"hostile.Copy", state]) == [b"hostile.Copy", state]
    keys: tuple[Any, ...] = (5, 1.5, [b"None"], [b"tuple", 1], b"\xff", [b"list"], [b"hostile.Copy", [b"dictionary"]])
    refuse_each(server, *([b"hostile.Copy", [b"dictionary", [key, 1]]] for key in keys))


@case("S-23", "20,000 attribute names, and one of 600,000 bytes, are not remembered", cpu=0.5)
def attribute_names(server: Server) -> None:
    with Peer(server.port) as peer:
        for block in range(10):
            state = [b"dictionary", *([text(f"name_{block}_{n}"), 1] for n in range(2_000))]
            peer.ask(b"one", [b"hostile.Copy", state])
        peer.result(peer.call(b"one", [b"hostile.Copy", [b"dictionary", [text("x" * 600_000), 1]]]))
        serves(peer)


@cases(
    "S-24",
    "state of the wrong type fails the call",
    {
        "a list": [b"list", 1],
        "a number": 5,
        "a text": text("x"),
        "a tuple": [b"tuple", [b"tuple", 1, 2]],
        "an instance": [b"hostile.Copy", [b"dictionary"]],
        "itself": [b"dereference", 1],
    },
)
def wrong_state(server: Server, value: Any) -> None:
    with Peer(server.port) as peer:
        refuses(peer, peer.call(b"one", [b"reference", 1, [b"hostile.Copy", value]]))
        refuses(peer, peer.call(b"one", [b"reference", 1, [b"hostile.Pond", 99, value]]))


@cases(
    "S-24",
    "an instance of the wrong shape fails the call",
    {
        "no state": [[b"hostile.Copy"], [b"hostile.Pond"], [b"hostile.Pond", 1]],
        "too much": [[b"hostile.Copy", [b"dictionary"], 1], [b"hostile.Pond", 1, [b"dictionary"], 1]],
        "a copy as a cache": [[b"hostile.Copy", 5, [b"dictionary"]]],
        "a cache as a copy": [[b"hostile.Pond", [b"dictionary"]]],
        "a cache without a number": [
            [b"hostile.Pond", b"x", [b"dictionary"]],
            [b"hostile.Pond", [b"list"], [b"dictionary"]],
        ],
        "a pair that is none": [
            [b"hostile.Copy", [b"dictionary", 5]],
            [b"hostile.Copy", [b"dictionary", [text("a"), 1, 2]]],
        ],
        "a failure that is none": [[b"twisted.spread.pb.CopyableFailure"], [b"twisted.spread.pb.CopyableFailure", 1, 2, 3]],
    },
)
def wrong_shape(server: Server, value: list[Any]) -> None:
    refuse_each(server, *value)
