"""
Inputs, fast: seeds that are changed at random, byte by byte and token by token, and expressions made from a grammar.

Atheris (``guided.py``) knows which inputs reach new code and is slow for it; this knows what banana and jelly look
like and makes tens of thousands a second. What either finds worth keeping goes to ``corpus/``.
"""

from __future__ import annotations

import random
import struct
from pathlib import Path

from tests.sexp import VOCABULARY

HERE = Path(__file__).parent
PRIME = 2**61 - 1

WORDS = [bytes((number, 0x87)) for number in range(1, len(VOCABULARY) + 1)]
NAMES = (
    b"unicode boolean set frozenset decimal datetime date time timedelta method true false root echo pond thing keep fail "
    b"call later change f.Colour f.Rights f.Pair RED READ|WRITE Europe/Berlin NaN likewise.UUID likewise.complex carried "
    b"likewise.Fraction likewise.bytearray likewise.timezone likewise.Exception f.Order f.Key f.Goose f.Hooked f.Pond "
    b"f.Point what lines more parent name other role is_admin "
    b"__class__ __dict__ state postUnjelly _x os.system twisted.spread.pb.CopyableFailure type value parents traceback"
).split()


def head(number: int, kind: int) -> bytes:
    """A prefix and its type byte."""
    out = bytearray()
    while number > 127:
        out.append(number & 127)
        number >>= 7
    out.append(number)
    out.append(kind)
    return bytes(out)


STRINGS = [head(len(name), 0x82) + name for name in NAMES]
TEXTS = [b"\x02\x80\x07\x82unicode" + string for string in STRINGS]
ATOMS = [
    *WORDS, *STRINGS, *TEXTS,
    *(head(number, kind) for number in (0, 1, 2, 3, 5, 7, 127, 128, 2**31 - 1, 2**31, 2**56, PRIME, 3 * PRIME, 2**448 - 1)
      for kind in (0x80, 0x81, 0x82, 0x83, 0x85, 0x86, 0x87)),
    *(b"\x84" + struct.pack(">d", number) for number in (0.0, -0.0, 1.5, 2.0**61, float("inf"), float("nan"))),
    b"\x01\x80\x01\x87", b"\x01\x80\x05\x87", b"\x01\x80\x0b\x87", b"\x01\x80\x08\x87", b"\x01\x80\x03\x82set",
    b"\x02\x80\x07\x82boolean\x04\x82true", b"\x02\x80\x03\x87\x01\x81", b"\x03\x80\x04\x87\x01\x81",
    b"\x00\x80", b"\x7f\x80", b"\xff", b"\x88", b"\x02\x82\xff\xfe", b"\x00" * 63 + b"\x01\x81",
]  # fmt: skip


class Inputs:
    """An endless supply for one target, the same for the same seed."""

    def __init__(self, target: str, seed: int) -> None:
        self.target = target
        self.random = random.Random(seed)
        self.seeds = [path.read_bytes() for path in sorted((HERE / "corpus" / target).iterdir())]
        self.pool = list(self.seeds)

    def next(self) -> bytes:
        """One more, of at most 4 KiB."""
        if self.random.random() < 0.4:
            made = self.made()
        else:
            made = self.changed(self.random.choice(self.pool))
            if self.random.random() < 0.001 and len(self.pool) < 2_000:
                self.pool.append(made)
        return made[:4_096]

    # --- changed

    def changed(self, seed: bytes) -> bytes:
        """A seed with a few changes."""
        pick = self.random
        data = bytearray(seed)
        for _ in range(1 + int(pick.expovariate(0.7))):
            place = int(pick.random() * (len(data) + 1))
            how = int(pick.random() * 8)
            if how == 0:
                data[place : place + 1] = bytes((int(pick.random() * 256),))
            elif how == 1:
                data[place:place] = pick.choice(ATOMS)
            elif how == 2:
                del data[place : place + 1 + int(pick.expovariate(0.2))]
            elif how == 3:
                end = place + 1 + int(pick.expovariate(0.1))
                data[place:place] = data[place:end]
            elif how == 4:
                atom = pick.choice(ATOMS)
                data[place : place + len(atom)] = atom
            elif how == 5:
                other = pick.choice(self.pool)
                start = int(pick.random() * (len(other) + 1))
                data[place:] = other[start:]
            elif how == 6 and place < len(data):
                data[place] = (data[place] + (1 if pick.random() < 0.5 else 255)) & 255
            else:
                data[place:place] = self.expression(3)
        return bytes(data)

    # --- made

    def made(self) -> bytes:
        """An input from the grammar."""
        first = bytes((int(self.random.random() * 256),))
        if self.target == "decoder":
            return self.expression(6)
        if self.target == "framer":
            return first + b"".join(self.expression(5) for _ in range(1 + int(self.random.expovariate(1))))
        return bytes((first[0] | 2,)) + b"".join(self.message() for _ in range(1 + int(self.random.expovariate(0.5))))

    def message(self) -> bytes:
        """A message of the broker, mostly well formed."""
        pick = self.random
        kind = int(pick.random() * 10)
        number = head(int(pick.random() * 9), 0x81)
        if kind < 5:
            word = b"\x1a\x87" if kind else b"\x19\x87"  # message or cachemessage
            luid = pick.choice((b"\x04\x82root", b"\x04\x82root", head(int(pick.random() * 9), 0x81)))
            name = pick.choice(STRINGS[12:20] + STRINGS[:1])
            count = int(pick.expovariate(1))
            args = head(count + 1, 0x80) + b"\x0b\x87" + b"".join(self.expression(4) for _ in range(count))
            kwargs = b"\x01\x80\x05\x87" if pick.random() < 0.7 else self.dictionary(3)
            return b"\x07\x80" + word + number + luid + name + pick.choice((b"\x01\x81", b"\x00\x81")) + args + kwargs
        if kind < 7:
            return b"\x03\x80" + pick.choice((b"\x1b\x87", b"\x1c\x87")) + number + self.expression(4)
        if kind < 9:
            return b"\x02\x80" + pick.choice((b"\x1d\x87", b"\x1e\x87", b"\x1f\x87")) + number
        return self.expression(3)

    def dictionary(self, depth: int) -> bytes:
        count = int(self.random.expovariate(0.7))
        pairs = b"".join(b"\x02\x80" + self.key() + self.expression(depth - 1) for _ in range(count))
        return head(count + 1, 0x80) + b"\x05\x87" + pairs

    def key(self) -> bytes:
        return self.random.choice(TEXTS[-26:]) if self.random.random() < 0.8 else self.expression(1)

    def expression(self, depth: int) -> bytes:
        """A value as jelly, mostly well formed."""
        pick = self.random
        if depth <= 0 or pick.random() < 0.25:
            return pick.choice(ATOMS)
        kind = int(pick.random() * 14)
        if kind < 5:  # list tuple dictionary set frozenset
            if kind == 2:
                return self.dictionary(depth)
            word = (b"\x08\x87", b"\x0b\x87", b"", b"\x03\x82set", b"\x09\x82frozenset")[kind]
            count = int(pick.expovariate(0.6))
            return head(count + 1, 0x80) + word + b"".join(self.expression(depth - 1) for _ in range(count))
        small = bytes((1 + int(pick.random() * 4), 0x81))
        if kind == 5:
            return b"\x03\x80\x04\x87" + small + self.expression(depth - 1)
        if kind == 6:
            return b"\x02\x80\x03\x87" + small
        if kind == 7:
            return b"\x02\x80" + pick.choice((b"\x0f\x87", b"\x10\x87", b"\x11\x87", b"\x12\x87")) + small
        if kind == 8:
            return b"\x03\x80\x06\x82f.Pond" + bytes((int(pick.random() * 12), 0x81)) + self.dictionary(depth - 1)
        if kind < 11:
            tag = pick.choice((b"f.Order", b"f.Key", b"f.Goose", b"f.Hooked", b"f.Point"))
            state = self.dictionary(depth - 1) if pick.random() < 0.8 else self.expression(depth - 1)
            return b"\x02\x80" + head(len(tag), 0x82) + tag + state
        if kind > 11:
            return self.form_of_ours(depth)
        tag, body = pick.choice((
            (b"decimal", (b"\x05\x81\x02\x81", b"\x05\x81\x02\x83", b"\x01\x81" + head(10**6, 0x81))),
            (b"datetime", (b"\x10\x822020 1 2 3 4 5 6", b"\x05\x820 0 0")),
            (b"timedelta", (b"\x05\x821 2 3", b"\x0d\x82999999999 0 0")),
            (b"date", (b"\x08\x822020 1 2",)),
            (b"time", (b"\x07\x821 2 3 4",)),
        ))  # fmt: skip
        chosen = pick.choice(body)
        return (b"\x03\x80" if tag == b"decimal" else b"\x02\x80") + head(len(tag), 0x82) + tag + chosen

    def form_of_ours(self, depth: int) -> bytes:
        """A value that likewise-1 alone has a form for, mostly well formed."""
        pick = self.random
        zone = pick.choice((b"\x00\x81", b"\x00\x01\x81", b"\x0d\x82Europe/Berlin", b"\x04\x82Mars", b"\x05\x83\x01\x82x"))
        pair = b"\x03\x80\x0b\x87"
        tag, state = pick.choice((
            (b"likewise.UUID", head(16, 0x82) + bytes(range(16))),
            (b"likewise.complex", pair + b"\x84\x7f\xf8\x00\x00\x00\x00\x00\x00" * 2),
            (b"likewise.Fraction", pair + pick.choice((b"\x03\x81\x06\x81", b"\x03\x83\x07\x81", b"\x01\x81\x00\x81"))),
            (b"likewise.bytearray", pick.choice((b"\x03\x82abc", b"\x05\x81"))),
            (b"likewise.timezone", head(3 if zone.endswith(b"x") else 2, 0x80) + b"\x0b\x87" + zone),
            (b"likewise.Exception", self.dictionary(depth - 1)),
            (b"f.Colour", pick.choice((b"\x03\x82RED", b"\x04\x82PINK"))),
            (b"f.Rights", pick.choice((b"\x0a\x82READ|WRITE", b"\x00\x82", b"\x04\x82READ", b"\x05\x82READ|"))),
            (b"f.Pair", pair + self.expression(depth - 1) + self.expression(depth - 1)),
            (b"f.Pair", pair + b"\x02\x80\x03\x87\x01\x81" + self.expression(depth - 1)),
            (b"decimal", pick.choice((b"\x03\x82NaN", b"\x09\x82-Infinity", b"\x08\x82sNaN1234", b"\x03\x82nan"))),
            (b"datetime", b"\x10\x822020 1 2 3 4 5 6" + zone),
        ))  # fmt: skip
        count = 2 if tag != b"datetime" else 4 if zone.endswith(b"x") else 3
        return head(count, 0x80) + head(len(tag), 0x82) + tag + state
