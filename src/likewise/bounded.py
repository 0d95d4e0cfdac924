"""
Bounded means for what came from a peer.

A value of 800 bytes on the wire may have 2**40 leaves, because parts are shared. Whatever prints it, compares it,
hashes it, copies it or asks how large it is goes through it leaf by leaf. So nothing else of the package does any of
that with a value that a peer made, and each function here ends after a bounded number of steps. They look at values
from outside: no method that the class of a value defines is called, except that an exception of which all is small
tells its own text.

It imports nothing of the package, so every layer may use it.
"""

from __future__ import annotations

import gc
import logging
import traceback
import types
from collections import deque
from collections.abc import Callable
from sys import getsizeof
from typing import Any, Final

opaque_types: set[type] = {
    logging.Logger,
    types.BuiltinFunctionType,
    types.CodeType,
    types.CoroutineType,
    types.FrameType,
    types.FunctionType,
    types.GeneratorType,
    types.MethodType,
    types.ModuleType,
    types.TracebackType,
    type,
}
"""
Classes whose instances count as they are, without what they lead to: a reference leads to its connection, and that to
all the others. Modules of the package add theirs.
"""

brief_types: set[type] = opaque_types - {types.MethodType}
"""Classes whose instances print shortly whatever they lead to; of a bound method the whole object is printed."""


def _is_one_of(kind: type, classes: set[type]) -> bool:
    try:
        return not classes.isdisjoint(kind.__mro__)
    except TypeError:  # a class that can't be hashed, by its metaclass
        return False


# --- how much memory a value takes

POINTER: Final = 8  # bytes of a reference from one object to another
COLLECTED: Final = 16  # bytes that the garbage collector keeps before an object
FEW_ARGUMENTS: Final = 16  # arguments that are looked at one by one before a walk is begun
LARGE_SCALAR: Final = 512  # bytes of a scalar from which on it is looked up whether it was counted before

SCALARS: Final = frozenset((bool, bytes, complex, float, int, str, type(None)))
SIZED: Final = (dict, list, tuple, set, frozenset, bytes, bytearray, str, int, deque)  # their size varies

held_bytes: Final[dict[type, Callable[[Any], int]]] = {}
"""Class -> how many bytes an instance of it holds which nothing here sees. Adapters for other packages add theirs."""


def weight(values: object, at_most: float) -> int:
    """
    About how many bytes of memory ``values`` take as they are here, as far as ``at_most``: a result above that says
    "more", after no more work than what ``at_most`` bytes hold.

    ``values`` is anything, as a rule the tuple of a call's arguments. What containers and instances hold is counted,
    in slots too, and what is held twice is counted once. No method of a value is called.
    """
    if type(values) is tuple and len(values) <= FEW_ARGUMENTS:  # the usual case, at some 100 ns for each value
        total = getsizeof(values)
        for value in values:
            kind = type(value)
            if type(kind) is not type or kind not in SCALARS:
                break
            total += getsizeof(value)
        else:
            return total
    return _weight(values, at_most)


def _weight(values: object, at_most: float) -> int:
    total = 0
    seen: set[int] = set()
    stack: list[Any] = [values]
    while stack and total <= at_most:
        value = stack.pop()
        kind = type(value)
        if type(kind) is type and kind in SCALARS:  # a metaclass may be without a hash
            size = getsizeof(value)
            if size < LARGE_SCALAR:
                total += size
                continue
            parts: list[Any] | None = []
        elif issubclass(kind, type):  # what an instance is of: here anyway
            continue
        elif kind is list or kind is dict or kind is tuple or kind is set:
            size, parts = getsizeof(value), None
        elif _is_one_of(kind, opaque_types):
            size, parts = object.__sizeof__(value) + COLLECTED, []
        else:
            size, parts = _own_size(value, kind) + COLLECTED, None
        if id(value) in seen:
            continue
        seen.add(id(value))
        total += size
        if total <= at_most and parts is None:
            stack += gc.get_referents(value)
    return total


def _own_size(value: Any, kind: type) -> int:
    """Bytes of an object alone, by what its class is derived from: a ``__sizeof__`` of its own is not asked."""
    if type(kind) is type and kind in held_bytes:
        return object.__sizeof__(value) + held_bytes[kind](value)
    for base in SIZED:
        if issubclass(kind, base):
            return base.__sizeof__(value)
    return object.__sizeof__(value) + POINTER * len(gc.get_referents(value))  # attributes may lie behind it, uncounted


# --- what is shown of a value, and of an error

CLIP: Final = 200  # characters of peer data in one error text: enough to recognise it, too few to flood a log
SMALL: Final = 2_000  # parts and characters up to which a value is printed by its own means
CHAIN: Final = 8  # causes of causes that one report shows
FIRST_FRAMES: Final = 4  # of a traceback that is too long: where it began
LAST_FRAMES: Final = 16  # and where it ended
MOST_TOLD: Final = 24  # errors in one report, those in groups and their causes counted
MOST_NOTES: Final = 8  # of one error
DEEPEST_GROUP: Final = 4  # groups within groups that are opened

_cause = BaseException.__dict__["__cause__"].__get__  # past what a class of the application's may have put in its place
_context = BaseException.__dict__["__context__"].__get__
_is_suppressed = BaseException.__dict__["__suppress_context__"].__get__
_traceback = BaseException.__dict__["__traceback__"].__get__
_members = BaseExceptionGroup.__dict__["exceptions"].__get__


def clip(value: Any, size: int = CLIP) -> str:
    """The ``repr`` of something a peer sent, cut to ``size`` characters; never walks a large value."""
    kind = type(value)
    if issubclass(kind, (str, bytes)):
        base: Any = str if issubclass(kind, str) else bytes
        length = base.__len__(value)
        text = base.__repr__(base.__getitem__(value, slice(size)))
        return text if length <= size else f"{text}... ({length} in all)"
    if value is None or kind is bool:
        return repr(value)
    if issubclass(kind, int):
        return int.__repr__(value) if int.bit_length(value) < 4 * size else "a very large int"
    if issubclass(kind, float):
        return float.__repr__(value)
    return f"<{kind.__name__}>"


def one_line(text: str) -> str:
    """
    A text as one line of a log or a terminal: line ends, control characters and what Unicode has to hide or to turn
    around text are escaped.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def shown(value: Any) -> str:
    """What a peer has sent, as one line of a log: in full where that is little, else in short."""
    return one_line(repr(value)) if is_plain(value) else one_line(clip(value))


def is_plain(value: object, size: int = SMALL) -> bool:
    """Whether a value is small, and of Python's own types in all its parts: to print it runs nobody's code."""
    stack: list[Any] = [value]
    while stack and size >= 0:
        value = stack.pop()
        kind = type(value)
        size -= 1
        if kind is str or kind is bytes or kind is bytearray:
            size -= len(value)  # type: ignore[arg-type]
        elif kind is int:
            size -= int.bit_length(value) // 3  # type: ignore[arg-type]
        elif kind is list or kind is tuple or kind is dict or kind is set or kind is frozenset:
            parts = gc.get_referents(value)
            size -= len(parts)
            if size >= 0:
                stack += parts
        elif not (value is None or kind is bool or kind is float):
            return False
    return size >= 0


def is_small(*values: object, size: int = SMALL) -> bool:
    """
    Whether printing these values is cheap, however their parts are shared: what a peer sent may have 2**40 leaves.

    Containers are walked, and what instances hold, in slots too, for dataclasses and exceptions print that. Of an
    exception the cause and the context are left out: its text has nothing of them.
    """
    stack: list[Any] = list(values)
    while stack and size >= 0:
        value = stack.pop()
        kind = type(value)
        size -= 1
        if issubclass(kind, (str, bytes, bytearray)):
            size -= (str if issubclass(kind, str) else bytes if issubclass(kind, bytes) else bytearray).__len__(value)
        elif issubclass(kind, int):
            size -= int.bit_length(value) // 3
        elif not _is_one_of(kind, brief_types):
            parts = gc.get_referents(value)
            size -= len(parts)
            if size >= 0 and issubclass(kind, BaseException):
                besides = (_cause(value), _context(value))
                parts = [part for part in parts if part is not besides[0] and part is not besides[1]]
            if size >= 0:
                stack += parts
    return size >= 0


def text_of(error: BaseException, size: int = 10_000) -> str:
    """
    The text of an error, at most ``size`` characters and bounded in work: one that holds what a peer sent may have
    no end. Of an error that is not small the arguments are named, not printed.
    """
    try:
        args = args_of(error)
        if len(args) == 1 and type(args[0]) is str and type(error).__str__ is BaseException.__str__:  # most are
            text: str = args[0]
        elif is_small(error, size=size):
            text = str(error)
        else:
            text = ", ".join(clip(each) for each in args[:4])
        shown = str.__getitem__(text, slice(size))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as broken:  # an application's own __str__
        return f"(its text can't be had: {type(broken).__name__})"
    return shown if str.__len__(text) <= size else shown + "..."


def args_of(error: BaseException) -> tuple[Any, ...]:
    """What an exception was made with, though its class has an ``args`` of its own."""
    args: tuple[Any, ...] = BaseException.__dict__["args"].__get__(error)
    return args


def chain_of(error: BaseException) -> list[BaseException]:
    """An error, what caused it, and so on: the outermost first, at most :data:`CHAIN` of them."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and len(chain) < CHAIN and all(following is not each for each in chain):
        chain.append(following)
        following = _following(following)
    return chain


def _following(error: BaseException) -> BaseException | None:
    found: BaseException | None = _cause(error)
    if found is None and not _is_suppressed(error):
        found = _context(error)
    return found


def is_cheap(error: BaseException) -> bool:
    """
    Whether an error may be handed to who prints it by Python's own means: it, its causes and the members of groups
    are small and few, and their tracebacks short.
    """
    waiting, told, frames = [error], 0, 0
    while waiting:
        each = waiting.pop()
        told += 1
        at = _traceback(each)
        while at is not None and frames <= 8 * LAST_FRAMES:
            frames += 1
            at = at.tb_next
        if told > MOST_TOLD or frames > 8 * LAST_FRAMES or not is_small(each):
            return False
        following = _following(each)
        if following is not None:
            waiting.append(following)
        if issubclass(type(each), BaseExceptionGroup):
            waiting += _members(each)
    return True


def outline(error: BaseException, size: int = 8_000) -> str:
    """
    An error as Python prints it, with its traceback, its causes and the members of a group, in at most about ``size``
    characters: of each there is a bounded part, and what an error holds is printed only where it is small.
    """
    parts: list[str] = []
    _tell(error, parts, [MOST_TOLD], "")
    text = "".join(parts)
    if len(text) <= size:
        return text
    begin = size // 4
    return f"{text[:begin]}\n... ({len(text) - size} characters not shown)\n{text[begin - size :]}"


def _tell(error: BaseException, parts: list[str], left: list[int], indent: str) -> None:
    chain = chain_of(error)
    if _following(chain[-1]) is not None:
        parts.append(f"{indent}(more causes came before)\n\n")
    for place in range(len(chain) - 1, -1, -1):
        each = chain[place]
        if left[0] <= 0:
            parts.append(f"{indent}(more errors are not shown)\n")
            return
        left[0] -= 1
        at = _traceback(each)
        if at is not None:
            parts.append(f"{indent}Traceback (most recent call last):\n")
            parts += [indent + line for line in _frames(at)]
        parts.append(f"{indent}{_name(type(each))}: {text_of(each, SMALL)}\n")
        parts += [f"{indent}{note}\n" for note in _notes(each)]
        if issubclass(type(each), BaseExceptionGroup) and len(indent) < 2 * DEEPEST_GROUP:
            for number, member in enumerate(_members(each), 1):
                if left[0] <= 0:
                    parts.append(f"{indent}(more errors are not shown)\n")
                    return
                parts.append(f"{indent}---------------- {number} ----------------\n")
                _tell(member, parts, left, indent + "  ")
        if place:
            how = "The above exception was the direct cause of the following exception:"
            if _cause(chain[place - 1]) is not each:
                how = "During handling of the above exception, another exception occurred:"
            parts.append(f"\n{indent}{how}\n\n")


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _frames(at: types.TracebackType) -> list[str]:
    count, step = 0, at
    while True:
        count += 1
        if step.tb_next is None:
            break
        step = step.tb_next
    if count <= FIRST_FRAMES + LAST_FRAMES:
        return traceback.format_tb(at)
    skipped = count - FIRST_FRAMES - LAST_FRAMES
    first = traceback.format_tb(at, limit=FIRST_FRAMES)
    return [*first, f"  ... ({skipped} frames not shown)\n", *traceback.format_tb(at, limit=-LAST_FRAMES)]


def _notes(error: BaseException) -> list[str]:
    try:
        notes = error.__notes__
    except Exception:  # there are none, as a rule
        return []
    if not isinstance(notes, (list, tuple)):
        return []
    return [str.__getitem__(note, slice(500)) if isinstance(note, str) else clip(note) for note in notes[:MOST_NOTES]]


__all__ = (
    "CHAIN",
    "CLIP",
    "args_of",
    "brief_types",
    "chain_of",
    "clip",
    "held_bytes",
    "is_cheap",
    "is_plain",
    "is_small",
    "one_line",
    "opaque_types",
    "outline",
    "shown",
    "text_of",
    "weight",
)
