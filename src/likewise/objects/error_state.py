"""
What a peer is told of an exception: the name of its class, its text, and what it takes along beside them.

What it takes along (its arguments, fields, notes, the members of a group) lies in the state of a failure under one key, as
bytes that hold a jelly of their own. So a peer that knows nothing of it (Twisted's keeps it as one more attribute of its
CopiedFailure) need not admit what is in there, and what can't be read there costs nothing but itself: the call fails
with a RemoteError, which has the name and the text.

Each part has ceilings in :mod:`likewise.limits`; one that is over them, or that can't cross, is left out.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import uuid
from collections.abc import Callable
from typing import Any, Final

from ..bounded import args_of, clip, text_of
from ..errors import ENDS_THE_PROGRAM, WIRE_NAMES, LikewiseError, RemoteError
from ..jelly.context import Sendable
from ..jelly.encoder import Encoder
from ..jelly.plans import wire_name
from ..jelly.registry import outgoing
from ..limits import ERROR_BYTES, ERROR_DEPTH, ERROR_LISTS, ERROR_MEMBERS, ERROR_NOTE, ERROR_NOTES, ERROR_PARTS
from ..wire.tokens import LIKEWISE_1

LONGEST_TEXT: Final = 10_000  # characters of an error's text that cross

KNOWN_ERRORS: Final[dict[str, type[BaseException]]] = {name: cls for cls, name in WIRE_NAMES.items()}

# The parts. What is a jelly of its own is kept as bytes until it is known whether anybody there can read it.
ARGS: Final = "args"  # a tuple of plain values; of a group its message alone
FIELDS: Final = "fields"  # the fields of a copyable dataclass
ITSELF: Final = "itself"  # a Copyable, in the form that it has anywhere else
NOTES: Final = "notes"  # a list of str
MEMBERS: Final = "members"  # a list of dictionaries: type, value, parents, carried
LEFT_OUT: Final = (MEMBERS, FIELDS, ITSELF, NOTES, ARGS)  # in this order, if all together is too large

PLAIN_SCALARS: Final = frozenset((
    bool, complex, datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal, float,
    fractions.Fraction, type(None), uuid.UUID,
))  # fmt: skip
PART: Final = 10  # characters or bytes that count as one part
LARGEST_INT_BITS: Final = 448  # bits; the wire has none that are larger


def error_names(cls: type) -> list[str]:
    """The class of an error and its bases as a peer knows them; what only we know is left out unless it comes first."""
    names = []
    for base in cls.__mro__:
        if base in WIRE_NAMES:
            names.append(WIRE_NAMES[base])
        elif not issubclass(base, LikewiseError) or base.__module__ != LikewiseError.__module__:
            names.append(wire_name(base))
    if cls.__module__ == LikewiseError.__module__ and names[0] not in KNOWN_ERRORS:
        names.insert(0, wire_name(cls))
    return names


def names_and_text(error: BaseException) -> tuple[list[str], str]:
    """The full names of the class of an error and of its bases, and its text; of one that is passed on, as they came."""
    if isinstance(error, RemoteError):
        return names_of_remote(error), short(error.text)
    kind = type(error)
    if isinstance(error, BaseExceptionGroup) and kind.__str__ is BaseExceptionGroup.__str__:
        return error_names(kind), short(str(error))  # which counts the members, and prints none of them
    return error_names(kind), short(text_of(error, LONGEST_TEXT))


def names_of_remote(error: RemoteError) -> list[str]:
    """The names of an error of a peer, for the next one: its class first, and no name twice."""
    return list(dict.fromkeys((error.type, *error.parents)))


def short(text: str, size: int = LONGEST_TEXT) -> str:
    """As much of a text as may cross, without what UTF-8 can't spell."""
    cut = str.__getitem__(text, slice(size))
    if len(cut) < str.__len__(text):
        cut += "..."
    return cut.encode("utf-8", "replace").decode()


def is_plain_data(value: Any, parts: int = ERROR_PARTS) -> bool:
    """Whether a value is made of numbers, texts, dates and containers of these, and is cheap to print, however shared."""
    stack = [value]
    while stack and parts > 0:
        value = stack.pop()
        kind = type(value)
        parts -= 1
        if kind is str or kind is bytes:
            parts -= len(value) // PART
        elif kind is int:
            if value.bit_length() > LARGEST_INT_BITS:
                return False
        elif kind in (list, tuple, set, frozenset):
            parts -= len(value)
            if parts > 0:
                stack += value
        elif kind is dict:
            parts -= 2 * len(value)
            if parts > 0:
                stack += value.keys()
                stack += value.values()
        elif kind not in PLAIN_SCALARS:
            return False
    return parts > 0


def parts_in(error: BaseException, text: str, left: list[int] | None = None, depth: int = 0) -> dict[str, Any]:
    """
    What an error takes along beside its ``text``, by the names above; as much as may cross.

    ``left`` is how many exceptions in groups there may still be, in a list that all of these share.
    """
    parts: dict[str, Any] = {}
    why: BaseException | None = None
    if isinstance(error, RemoteError):  # passed on by a server between two others: it stays what it was
        parts |= error.carried
        parts.pop(NOTES, None)
    else:
        _take(parts, ARGS, lambda: _args(error, text))
        why = _take(parts, FIELDS, lambda: _fields(error))
        _take(parts, ITSELF, lambda: _itself(error))
    if isinstance(error, BaseExceptionGroup):
        _take(parts, MEMBERS, lambda: _members(error, [ERROR_MEMBERS] if left is None else left, depth))
    _take(parts, NOTES, lambda: _notes(error))
    if why is not None:
        parts[NOTES] = [*parts.get(NOTES, ()), state_not_sent(why)]
    for name in LEFT_OUT:
        if not parts or len(written_alone(parts)) <= ERROR_BYTES:
            break
        parts.pop(name, None)
    return parts


def carried_by(error: BaseException, text: str, left: list[int] | None = None, depth: int = 0) -> bytes:
    """The same as bytes, as it lies in the state of a failure; empty if there is nothing more to tell."""
    parts = parts_in(error, text, left, depth)
    return written_alone(parts) if parts else b""


def _take(parts: dict[str, Any], name: str, make: Callable[[], Any]) -> BaseException | None:
    """Have one part made; returns why it can't be."""
    try:
        part = make()
    except ENDS_THE_PROGRAM:
        raise
    except BaseException as why:  # of a hook, a property, or a value that can't cross
        return why
    if part is not None:
        parts[name] = part
    return None


def state_not_sent(why: BaseException) -> str:
    """The note on an error that class and text alone are sent of."""
    return short(f"(its state can't be sent: {text_of(why, ERROR_NOTE)})", ERROR_NOTE)


def written_alone(value: Any) -> bytes:
    """A value as a jelly that no connection is needed for."""
    encoder = Encoder(None, None, ERROR_LISTS - 4, LIKEWISE_1)
    encoder.encode(value)
    return b"".join(encoder.written())


def _args(error: BaseException, text: str) -> bytes | None:
    args = args_of(error)
    if isinstance(error, BaseExceptionGroup):
        args = (BaseExceptionGroup.__dict__["message"].__get__(error),)
    elif isinstance(error, OSError):
        made_with = OSError.__reduce__(error)[1]  # with the names of files, which args leaves out
        args = made_with if isinstance(made_with, tuple) and is_plain_data(made_with) else args
    says_all = len(args) == 1 and type(args[0]) is str and args[0] == text if text else not args
    return None if says_all or not is_plain_data(args) else written_alone(args)


def _fields(error: BaseException) -> bytes | None:
    plan = outgoing.get(type(error))
    if plan is None or isinstance(error, Sendable):
        return None
    return written_alone({name: getattr(error, name) for name in plan.fields})


def _itself(error: BaseException) -> bytes | None:
    return written_alone(error) if isinstance(error, Sendable) else None


def _notes(error: BaseException) -> list[str] | None:
    notes = error.__dict__.get("__notes__")
    if not isinstance(notes, (list, tuple)) or not notes:
        return None
    shown = [short(note, ERROR_NOTE) if isinstance(note, str) else clip(note) for note in notes[:ERROR_NOTES]]
    if len(notes) > ERROR_NOTES:
        shown[-1] = f"({len(notes) - ERROR_NOTES + 1} more notes were not sent)"
    return shown


def _members(group: BaseException, left: list[int], depth: int) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    members = BaseExceptionGroup.__dict__["exceptions"].__get__(group)
    for member in members if depth < ERROR_DEPTH else ():
        if left[0] <= 0:
            break
        left[0] -= 1
        names, text = names_and_text(member)
        carried = carried_by(member, text, left, depth + 1)
        told.append({"type": names[0], "value": text, "parents": names, "carried": carried})
    if len(told) < len(members):
        names = [wire_name(RemoteError), wire_name(Exception)]
        told.append({"type": names[0], "value": f"({len(members) - len(told)} more were not sent)", "parents": names})
    return told


__all__ = (
    "KNOWN_ERRORS",
    "LONGEST_TEXT",
    "carried_by",
    "error_names",
    "is_plain_data",
    "names_and_text",
    "names_of_remote",
    "parts_in",
    "short",
    "state_not_sent",
    "written_alone",
)
