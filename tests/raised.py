"""Errors of every kind, by name, for remote methods to raise; ``EXPECTED`` is what is told of them by class and text."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import likewise


class SoldOut(likewise.Error):
    """Registered; made of two arguments, by a ``__new__`` and an ``__init__`` that want both."""

    def __new__(cls, item: str, left: int) -> SoldOut:
        return super().__new__(cls, item, left)

    def __init__(self, item: str, left: int) -> None:
        super().__init__(item, left)


@likewise.copyable
@dataclasses.dataclass(frozen=True)
class Overdue(likewise.Error):
    """A frozen copyable dataclass."""

    book: str
    days: int = 0
    fines: tuple[int, ...] = ()


@likewise.copyable
@dataclasses.dataclass(slots=True)
class Slotted(ValueError):
    """One with slots."""

    book: str


@likewise.copyable
@dataclasses.dataclass(frozen=True)
class FrozenNew(Exception):
    """One whose ``__new__`` takes two arguments."""

    item: str
    left: int

    def __new__(cls, item: str, left: int) -> FrozenNew:
        return super().__new__(cls, item, left)


class ReadsAttributes(Exception):
    """Registered, and its text needs an attribute that does not cross."""

    def __init__(self, x: int) -> None:
        super().__init__()
        self.x = x

    def __str__(self) -> str:
        return f"x is {self.x}"


class Unknown(LookupError):
    """Registered nowhere."""


class NoArgs(Exception):
    """Its ``args`` can't be read."""

    @property
    def args(self) -> Any:
        raise asyncio.CancelledError("no args")


class NoText(Exception):
    """Its text can't be had."""

    def __str__(self) -> str:
        raise asyncio.CancelledError("no text")


class Holder:
    """No plain value."""

    def __repr__(self) -> str:
        return "a holder"


def noted() -> Exception:
    error = KeyError("duck")
    error.add_note("seen at the pond")
    return error


def grouped() -> Exception:
    members = [ValueError(1, "a"), Unknown("u"), Overdue("Emma", 3), ExceptionGroup("inner", [KeyError("k")])]
    return ExceptionGroup("many", members)


RAISED: dict[str, Callable[[], BaseException]] = {
    "text": lambda: ValueError("why"),
    "nothing": ValueError,
    "two arguments": lambda: SoldOut("duck", 0),
    "frozen": lambda: Overdue("Emma", 3, (1, 2)),
    "slots": lambda: Slotted("Emma"),
    "frozen, two arguments": lambda: FrozenNew("duck", 0),
    "key": lambda: KeyError("duck"),
    "key of a tuple": lambda: KeyError(("duck", 1)),
    "errno": lambda: FileNotFoundError(2, "No such file or directory", "pond.txt"),
    "unicode": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "stop": lambda: StopIteration(5),
    "group": grouped,
    "notes": noted,
    "reads attributes": lambda: ReadsAttributes(5),
    "unknown": lambda: Unknown("not", [1, {"a": 2.5}]),
    "not plain": lambda: ValueError(Holder()),
    "no args": lambda: NoArgs("why"),
    "no text": lambda: NoText("why"),
    "surrogate": lambda: ValueError("\udc80"),
}

REGISTERED = (
    SoldOut,
    KeyError,
    FileNotFoundError,
    UnicodeDecodeError,
    StopIteration,
    ExceptionGroup,
    ValueError,
    ReadsAttributes,
)


def describe(error: BaseException) -> str:
    """What a caller got, class, arguments, fields and notes, in one line."""
    notes = "".join(f" [{note}]" for note in getattr(error, "__notes__", ()))
    if isinstance(error, likewise.RemoteError):
        return f"RemoteError {error.type}: {error.text!r} {error.remote_args!r}{notes}"
    shown = [repr(error)]
    if isinstance(error, OSError):
        shown += [str(error.errno), str(error.filename)]
    if isinstance(error, ExceptionGroup):
        shown = [str(error), *map(describe, error.exceptions)]
    return " | ".join(shown) + notes


ARRIVES = {
    "text": "ValueError('why')",
    "nothing": "ValueError()",
    "two arguments": "SoldOut('duck', 0)",
    "frozen": "Overdue(book='Emma', days=3, fines=(1, 2))",
    "slots": "Slotted(book='Emma')",
    "frozen, two arguments": "FrozenNew(item='duck', left=0)",
    "key": "KeyError('duck')",
    "key of a tuple": "KeyError(('duck', 1))",
    "errno": "FileNotFoundError(2, 'No such file or directory') | 2 | pond.txt",
    "unicode": "UnicodeDecodeError('utf-8', b'\\xff', 0, 1, 'invalid start byte')",
    "stop": "RemoteError builtins.StopIteration: '5' (5,) [(not made again as builtins.StopIteration: a StopIteration "
    "can't be raised where a call is awaited)]",
    "group": "many (4 sub-exceptions) | ValueError(1, 'a') | RemoteError tests.raised.Unknown: 'u' None | "
    "Overdue(book='Emma', days=3, fines=()) | inner (1 sub-exception) | KeyError('k')",
    "notes": "KeyError('duck') [seen at the pond]",
    "reads attributes": "RemoteError tests.raised.ReadsAttributes: 'x is 5' () [(not made again as "
    "tests.raised.ReadsAttributes: 'ReadsAttributes' object has no attribute 'x')]",
    "unknown": "RemoteError tests.raised.Unknown: \"('not', [1, {'a': 2.5}])\" ('not', [1, {'a': 2.5}])",
    "not plain": "ValueError('a holder')",
    "no args": "RemoteError tests.raised.NoArgs: 'why' None",
    "no text": "RemoteError tests.raised.NoText: \"(its text can't be had: CancelledError)\" ('why',)",
    "surrogate": "ValueError('?')",
}
"""What :func:`describe` says of each where the caller's registry has ``REGISTERED``, whoever the two ends are."""

BASE: dict[str, Callable[[], BaseException]] = {
    "exit": lambda: SystemExit(3),
    "cancelled": lambda: asyncio.CancelledError("stopped"),
    "base group": lambda: BaseExceptionGroup("b", [GeneratorExit("g")]),
}
"""What is no Exception. It may be raised where that fails one call; see the tests."""
