"""
Recipes of costly messages, for ``costly.py``: what a message consists of, as data that can be changed at random.

A recipe is a list of parts ``(container, node, share)``: a container that is filled with a node, over and over, until the
share of all tokens that the ceilings allow is used up. A node is a tuple, its kind first; :func:`rendered` makes its bytes.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

from fuzz.inputs import PRIME, head

Node = tuple[Any, ...]
Recipe = list[tuple[str, Node, float]]

UNICODE = b"\x02\x80\x07\x82unicode"
WORDS = {
    "list": b"\x08\x87", "tuple": b"\x0b\x87", "set": b"\x03\x82set", "frozenset": b"\x09\x82frozenset", "dict": b"\x05\x87",
}  # fmt: skip
TAGS = {"order": b"f.Order", "key": b"f.Key", "goose": b"f.Goose", "hooked": b"f.Hooked", "point": b"f.Point"}
TIMES = {
    "date": (b"2020 1 11", b"2020 01 11", b"02020   1 11", b"2020 1 2_0"),
    "datetime": (b"2020 1 11 11 11 11 111111", b"2020 1 11", b"2020 01 1 11 11 11 1"),
    "time": (b"11 11 11 111111", b"1", b"01 1"),
    "timedelta": (b"9999999 11111 111111", b"00000000000000000000000000000001 0000000000000011111 1", b"-999 0 0"),
}
ODD_BITS = (7, 31, 56, 59, 63, 100, 113, 448)
STRIDES = (1, 2, 3, 31, 32, 4_096, 1 << 20, 1 << 40, (1 << 55) + 1, PRIME, PRIME // 3, 1 / 256, 1 / 3, 2.0**-40, 1e300)


def integer(number: int) -> bytes:
    """The token of an int."""
    kind = (0x81 if number < 1 << 31 else 0x85) if number >= 0 else (0x83 if number > -(1 << 31) else 0x86)
    return head(abs(number) % (1 << 448), kind)


def string(data: bytes) -> bytes:
    """The token of a byte string."""
    return head(len(data), 0x82) + data


def chain(count: int, at_once: float, is_set: bool = False) -> Iterator[int]:
    """
    Ints that look in the same places of a dict, or a set, of so many.

    The first ones fill a stretch of the way that CPython goes round the table; the others enter it, and walk to its end.
    """
    places = 8
    while count > ((3 * places - 4) // 5 if is_set else 2 * places // 3):
        places *= 4 if is_set and places < 80_000 else 2
    mask = places - 1
    step = 10 if is_set else 1  # a set looks at the nine places behind each, too
    place, taken = 0, set()
    while len(taken) < count * at_once:
        for each in range(place, min(place + step, places)):
            if each not in taken:
                taken.add(each)
                yield each
        place = 5 * place + 1 & mask
    number, missed = mask, 0
    while True:
        number += 1
        place, perturb = number & mask, number
        while (is_held := all(each in taken for each in range(place, place + step))) and perturb:
            perturb >>= 5
            place = 5 * place + perturb + 1 & mask
        if is_held or missed > 500:  # where little of the table is taken, few walk far
            missed = 0
            yield number
        missed += 1


class Renderer:
    """Makes the bytes of one message. ``budget`` is how many tokens it may have."""

    def __init__(self, budget: int, bytes_at_most: int) -> None:
        self.budget = budget
        self.bytes_at_most = bytes_at_most
        self.named = 0
        self.chains: dict[Any, Iterator[int]] = {}
        self.shared: dict[Any, int] = {}

    def message(self, recipe: Recipe, scale: float) -> bytes:
        """``(list part ...)``"""
        parts = [self.part(*each, scale) for each in recipe]
        return head(len(parts) + 1, 0x80) + WORDS["list"] + b"".join(parts)

    def part(self, container: str, node: Node, share: float, scale: float) -> bytes:
        first, tokens, is_constant = self.node(node, 0, 0)
        pair = 2 if container == "dict" else 0
        budget = int(self.budget * share * scale) - 8
        count = max(1, min(budget // (tokens + pair), int(self.bytes_at_most * share) // (len(first) + 2 * pair) - 1))
        before, after = (b"\x02\x80", b"\x01\x81") if pair else (b"", b"")
        if is_constant:
            items = (before + first + after) * count
        elif container in ("list", "tuple") and not is_unique(node):
            block = [before + self.node(node, i, count)[0] + after for i in range(min(count, BLOCK))]
            items = b"".join(block) * (count // len(block))
            count = len(block) * (count // len(block))
        else:
            items = b"".join([before + self.node(node, i, count)[0] + after for i in range(count)])
        return head(count + 1, 0x80) + WORDS[container] + items

    def node(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        """Its bytes where it stands for the i-th of so many, its tokens, and whether it is the same each time."""
        made: tuple[bytes, int, bool] = getattr(self, "_" + node[0])(node, i, count)
        return made

    # --- leaves

    def _int(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        _, bits, stride = node
        return integer((1 << bits) - 1 + int(i * stride)), 1, not stride

    def _float(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        return b"\x84" + struct.pack(">d", i * node[1] + 0.5), 1, not node[1]

    def _bytes(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        return string(b"x" * node[1] if not node[2] else b"%d" % i), 1, not node[2]

    def _text(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        return UNICODE + string(node[2].encode() * node[1]), 3, True

    def _atom(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        return {
            "none": (b"\x01\x80\x01\x87", 2, True),
            "true": (b"\x02\x80\x07\x82boolean\x04\x82true", 3, True),
            "unpersistable": (b"\x02\x80\x0c\x87\x01\x82x", 3, True),
        }[node[1]]

    def _time(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        _, kind, style, stride = node
        text = b"%d 0 0" % (i * stride) if stride else TIMES[kind][style % len(TIMES[kind])]
        return b"\x02\x80" + string(b"timedelta" if stride else kind.encode()) + string(text), 3, not stride

    def _decimal(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        _, bits, exponent, stride = node
        number = integer((1 << bits) - 1 + int(i * stride))
        return b"\x03\x80\x07\x82decimal" + number + integer(exponent), 4, not stride

    def _chain(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        known = self.chains.get(node)
        if known is None or not i:
            known = self.chains[node] = chain(max(count, 8), node[1], node[2])
        return integer(next(known)), 1, False

    def _remote(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        return b"\x02\x80\x10\x87" + integer(1 + int(i * node[1])), 3, not node[1]

    # --- what has parts

    def _many(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        _, container, *parts = node
        made = [self.node(part, i, count) for part in parts]
        if container == "dict":
            items = [b"\x02\x80" + item + b"\x01\x81" for item, _, _ in made]
        else:
            items = [item for item, _, _ in made]
        tokens = 2 + sum(count for _, count, _ in made) + (2 * len(made) if container == "dict" else 0)
        return head(len(items) + 1, 0x80) + WORDS[container] + b"".join(items), tokens, all(each[2] for each in made)

    def _instance(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        _, tag, *parts = node
        made = [self.node(part, i, count) for part in parts[:2]]
        names = (b"name", b"other") if tag == "key" else (b"more", b"parent")
        pairs = b"".join(
            b"\x02\x80" + UNICODE + string(name) + each[0] for name, each in zip(names, made, strict=False)
        )
        state = head(len(made) + 1, 0x80) + WORDS["dict"] + pairs
        tokens = 4 + sum(5 + each[1] - 1 for each in made)
        return b"\x02\x80" + string(TAGS[tag]) + state, tokens, all(each[2] for each in made)

    def _share(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        """A node that is there once, and meant again each other time."""
        inner = self.node(node[1], 0, count)
        number = self.shared.get(node)
        if not i or number is None:
            self.named += 1
            self.shared[node] = self.named
            return b"\x03\x80\x04\x87" + integer(self.named) + inner[0], inner[1] + 3 if i else 3, False
        return b"\x02\x80\x03\x87" + integer(number), 3, False

    def _named(self, node: Node, i: int, count: int) -> tuple[bytes, int, bool]:
        """A node with a number of its own."""
        _, inner, stride = node
        item, tokens, _ = self.node(inner, i, count)
        self.named += 1
        number = 5_000_000 + int(self.named * stride) % (1 << 59)
        return b"\x03\x80\x04\x87" + integer(number) + item, tokens + 3, False


BLOCK = 5_000  # different items that are made, where an item may come again


def is_unique(node: Node) -> bool:
    """Whether a node may not come twice."""
    return node[0] in ("named", "share") or any(isinstance(part, tuple) and is_unique(part) for part in node)


# --- at random

LEAVES: list[Callable[[random.Random], Node]] = [
    lambda pick: ("int", pick.choice(ODD_BITS), pick.choice((0, 0, *STRIDES))),
    lambda pick: ("float", pick.choice((0, *STRIDES[:6], *STRIDES[-4:]))),
    lambda pick: ("bytes", pick.choice((0, 1, 3, 40, 200)), pick.random() < 0.3),
    lambda pick: ("text", pick.choice((0, 1, 8, 100, 1_000)), pick.choice(("a", "é", "€", "\U0001f600"))),
    lambda pick: ("atom", pick.choice(("none", "true", "unpersistable"))),
    lambda pick: ("time", pick.choice(list(TIMES)), pick.randrange(4), pick.choice((0, 0, 1))),
    lambda pick: ("decimal", pick.choice(ODD_BITS), pick.choice((0, 2, -2, 6_144, -6_144)), pick.choice((0, 1, 3, PRIME))),
    lambda pick: ("chain", pick.choice((0.3, 0.5, 0.7, 0.9)), pick.random() < 0.4),
    lambda pick: ("remote", pick.choice((0, 1, 4_096, 1 << 40))),
]


def node(pick: random.Random, depth: int = 3) -> Node:
    """Any node."""
    kind = pick.random()
    if depth == 0 or kind < 0.45:
        return pick.choice(LEAVES)(pick)
    if kind < 0.65:
        parts = [node(pick, depth - 1) for _ in range(pick.choice((0, 0, 1, 1, 2, 5, 12)))]
        return ("many", pick.choice(list(WORDS)), *parts)
    if kind < 0.8:
        return ("instance", pick.choice(list(TAGS)), *(node(pick, depth - 1) for _ in range(pick.randrange(3))))
    if kind < 0.9:
        return ("share", node(pick, depth - 1))
    return ("named", node(pick, depth - 1), pick.choice((1, 4_096, 1 << 40, (1 << 55) + 1)))


def recipe(pick: random.Random) -> Recipe:
    """Any recipe."""
    count = pick.choice((1, 1, 1, 2, 3))
    shares = [pick.random() + 0.1 for _ in range(count)]
    return [(pick.choice(list(WORDS)), node(pick), share / sum(shares)) for share in shares]


def changed(pick: random.Random, known: Recipe, other: Recipe) -> Recipe:
    """A recipe with a change, or with a part of another one."""
    made = [*known]
    how = pick.random()
    place = pick.randrange(len(made))
    container, inner, share = made[place]
    if how < 0.2:
        made[place] = (pick.choice(list(WORDS)), inner, share)
    elif how < 0.6:
        made[place] = (container, node_changed(pick, inner), share)
    elif how < 0.8:
        made[place] = (container, inner, share / 2)
        part = pick.choice(other)
        made.append((part[0], part[1], share / 2))
    elif len(made) > 1:
        del made[place]
        made = [(each, part, size / (1 - share)) for each, part, size in made]
    else:
        made[place] = (container, ("many", pick.choice(list(WORDS)), inner), share)
    return made[:4]


def node_changed(pick: random.Random, known: Node) -> Node:
    """A node with a change somewhere within."""
    inner = [place for place, part in enumerate(known) if isinstance(part, tuple)]
    if inner and pick.random() < 0.6:
        place = pick.choice(inner)
        return (*known[:place], node_changed(pick, known[place]), *known[place + 1 :])
    if known[0] == "many" and pick.random() < 0.7:
        return (*known, known[-1] if len(known) > 2 and pick.random() < 0.5 else node(pick, 1))
    if inner and pick.random() < 0.3:
        part: Node = known[pick.choice(inner)]
        return part
    return node(pick, 2)


def seeds() -> list[Recipe]:
    """One of each kind, to begin with."""
    leaves: list[Node] = [
        *(("int", bits, 0) for bits in ODD_BITS), ("float", 0), ("bytes", 3, False), ("text", 1, "a"), ("text", 100, "€"),
        ("atom", "none"), ("atom", "true"), ("atom", "unpersistable"),
        *(("time", kind, style, 0) for kind, texts in TIMES.items() for style in range(len(texts))),
        ("decimal", 7, 2, 0), ("decimal", 448, 6_144, 0), ("decimal", 448, -6_144, 0), ("remote", 1), ("remote", 0),
        *(("many", kind) for kind in WORDS), *(("many", kind, ("int", 1, 0)) for kind in WORDS),
        *(("instance", kind) for kind in TAGS), ("instance", "order", ("int", 1, 0)),
        ("share", ("many", "tuple")), ("named", ("int", 1, 0), 1), ("named", ("many", "tuple"), 1 << 40),
        ("share", ("many", "tuple", *(("int", 7, 0),) * 200)),
    ]  # fmt: skip
    keys: list[Node] = [
        *(("int", 7, stride) for stride in STRIDES), *(("float", stride) for stride in STRIDES),
        ("chain", 0.5, False), ("chain", 0.8, False), ("chain", 0.7, True),
        ("int", 440, 1), ("decimal", 7, 6_000, 1), ("decimal", 7, 0, PRIME), ("time", "date", 0, 1),
        ("many", "tuple", ("int", 7, 1)), ("many", "tuple", ("int", 7, PRIME)), ("many", "frozenset", ("int", 7, 1)),
        ("instance", "key", ("int", 7, 1)), ("instance", "key", ("int", 7, PRIME)), ("text", 100, "a"),
        ("many", "tuple", ("int", 7, 1), ("share", ("many", "tuple", *(("decimal", 448, 6_144, 0),) * 200))),
        ("many", "tuple", ("int", 7, 1), ("share", ("many", "tuple", *(("instance", "key", ("int", 7, 0)),) * 200))),
    ]  # fmt: skip
    values: list[Recipe] = [[("list", each, 1.0)] for each in leaves]
    return values + [[(kind, each, 1.0)] for each in keys for kind in ("dict", "set", "frozenset")]
