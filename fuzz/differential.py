"""
What Twisted and we both accept must mean the same: ``python -P fuzz/differential.py [--inputs N] [--seed N]``.

An input that only one of the two accepts says nothing here: we refuse more, on purpose. The last line has the counts.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from twisted.spread import banana, jelly  # noqa: E402

from fuzz.inputs import Inputs  # noqa: E402
from fuzz.targets import LIMITS, REGISTRY  # noqa: E402
from likewise.errors import InsecureJelly, RemoteProtocolError  # noqa: E402
from likewise.jelly.decoder import Decoder  # noqa: E402
from likewise.wire.framer import Framer  # noqa: E402
from likewise.wire.reader import Reader  # noqa: E402
from likewise.wire.tokens import PB  # noqa: E402

TASTER = jelly.SecurityOptions()  # no names are looked up, whatever the input says
NOTHING = object()


class Tokens(banana.Banana):
    """Twisted's decoder of banana, with its vocabulary on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.connectionMade()
        self._selectDialect(b"pb")

    def connectionMade(self) -> None:
        self.setPrefixLimit(64)

    def expressionReceived(self, obj: Any) -> None:
        self.found.append(obj)


def twisteds(data: bytes) -> tuple[list[Any], list[Any]]:
    """The expressions that Twisted reads from these bytes, and the value of each, or NOTHING."""
    reader = Tokens()
    try:
        reader.dataReceived(data)
    except Exception:  # whatever it raises: it refuses
        pass
    values = []
    for expression in reader.found:
        try:
            values.append(jelly.unjelly(expression, TASTER))
        except Exception:
            values.append(NOTHING)
    return reader.found, values


def ours(data: bytes) -> tuple[list[Any], list[Any]]:
    """The same of ours."""
    framer = Framer(LIMITS)
    framer.speak(PB)
    expressions, values = [], []
    try:
        framer.feed(data)
        while (frame := framer.next_frame()) is not None:
            expressions.append(Reader(frame).read_expression())
            try:
                values.append(Decoder(frame, REGISTRY, None, LIMITS).decode())
            except (InsecureJelly, RemoteProtocolError):
                values.append(NOTHING)
    except RemoteProtocolError:
        pass
    return expressions, values


def differ(one: Any, other: Any) -> str:
    """Where two graphs differ, ``""`` if they do not: types, values, and what is shared."""
    pairs: dict[int, int] = {}
    stack: list[tuple[Any, Any, str]] = [(one, other, "")]
    while stack:
        a, b, path = stack.pop()
        if type(a) is not type(b):
            return f"{path}: {type(a).__name__} and {type(b).__name__}"
        if isinstance(a, (list, dict, set)):  # tuples are compared by value: which of two equal ones is which can't be seen
            if id(a) in pairs:
                if pairs[id(a)] != id(b):
                    return f"{path}: shared otherwise"
                continue
            pairs[id(a)] = id(b)
        if isinstance(a, (list, tuple)):
            if len(a) != len(b):
                return f"{path}: {len(a)} and {len(b)} items"
            stack += [(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True))]
        elif isinstance(a, dict):
            if len(a) != len(b):
                return f"{path}: {len(a)} and {len(b)} entries"
            for x, y in zip(a.items(), b.items(), strict=True):  # the order is that of the wire
                stack += [(x[0], y[0], f"{path} key"), (x[1], y[1], f"{path}[{x[0]!r:.20}]")]
        elif isinstance(a, float) and math.isnan(a):
            if not math.isnan(b):
                return f"{path}: NaN and {b}"
        elif isinstance(a, (set, frozenset)):
            if len(a) != len(b) or sorted(map(repr, a)) != sorted(map(repr, b)):
                return f"{path}: {a!r:.100} and {b!r:.100}"
        elif (
            isinstance(a, (int, float, str, bytes, type(None)))
            or hasattr(a, "isoformat")
            or type(a).__eq__ is not object.__eq__
        ):
            if a != b:
                return f"{path}: {a!r:.100} and {b!r:.100}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare with Twisted.")
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    supply = Inputs("decoder", options.seed)
    both_read = both_accept = differences = only_ours = only_twisteds = 0
    for _ in range(options.inputs):
        data = supply.next()
        their_expressions, their_values = twisteds(data)
        our_expressions, our_values = ours(data)
        for theirs, mine in zip(their_expressions, our_expressions, strict=False):
            both_read += 1
            if where := differ(mine, theirs):
                differences += 1
                print(f"BANANA {data.hex()}\n  ours and Twisted's differ at {where}")
        for theirs, mine in zip(their_values, our_values, strict=False):
            only_ours += theirs is NOTHING and mine is not NOTHING
            only_twisteds += mine is NOTHING and theirs is not NOTHING
            if theirs is NOTHING or mine is NOTHING:
                continue
            both_accept += 1
            if where := differ(mine, theirs):
                differences += 1
                print(f"JELLY {data.hex()}\n  ours and Twisted's differ at {where}")
    print(
        f"seed {options.seed}: {options.inputs:,} inputs; both read {both_read:,} expressions, both accept {both_accept:,}"
    )
    print(f"only ours {only_ours:,}, only Twisted's {only_twisteds:,}, {differences:,} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
