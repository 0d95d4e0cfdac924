"""
An exception as a peer told of it, put together again: as its own class where that is registered here, else as a
:class:`~likewise.errors.RemoteError`.

Whatever is wrong with what came, or fails in the application's class, there is an exception that says what happened at
the peer, and that a waiting call can fail with.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, Final

from ..bounded import clip, is_small, text_of
from ..errors import ENDS_THE_PROGRAM, CallError, RemoteError, made_again
from ..jelly.checks import Seen
from ..jelly.decoder import Decoder
from ..jelly.expressions import to_frame
from ..jelly.plans import DATACLASS, Incoming, wire_name
from ..jelly.registry import Registry
from ..limits import ERROR_BYTES, ERROR_DEPTH, ERROR_LISTS, ERROR_MEMBERS, ERROR_NOTE, ERROR_NOTES, Limits
from .error_state import ARGS, FIELDS, ITSELF, KNOWN_ERRORS, LONGEST_TEXT, MEMBERS, NOTES, is_plain_data, short

LONGEST_TRACEBACK: Final = 60_000  # characters
LONGEST_ERROR_NAME: Final = 500  # characters of the name of an error's class, from a peer
MOST_PARENTS: Final = 100
NO_TRACEBACK: Final = "Traceback unavailable\n"  # Twisted's own words

CARRIED_LIMITS: Final = Limits(
    frame_bytes=2 * ERROR_BYTES,
    frame_items=50_000,
    hash_work=50_000,
    hash_probes=50_000,
    unfolded_tuples=50_000,
    rebuilt_bytes=50_000,
    depth=ERROR_LISTS,
)
PLAIN_REGISTRY: Final = Registry()  # from which plain values are read, and nothing else
KINDS: Final = {ARGS: bytes, FIELDS: bytes, ITSELF: bytes, NOTES: list, MEMBERS: list}
ESCAPE: Final = r"""\\(?:['"\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})"""
QUOTED: Final = re.compile(rf"""'(?:[^'\\\n]|{ESCAPE})*'|"(?:[^"\\\n]|{ESCAPE})*\"""")  # a str as repr() has it


class Described:
    """What a peer says of one exception, each part of the right type and size, whatever it sent."""

    def __init__(self, state: Any) -> None:
        items = state.items() if isinstance(state, dict) else ()
        known = {as_text(key, LONGEST_ERROR_NAME): value for key, value in items}
        self.type = as_text(known.get("type", b"unknown"), LONGEST_ERROR_NAME)
        self.text = as_text(known.get("value", ""))
        parents = known.get("parents", ())
        parents = parents[:MOST_PARENTS] if isinstance(parents, (list, tuple)) else ()
        self.parents = tuple(as_text(name, LONGEST_ERROR_NAME) for name in parents)
        shown = as_text(known.get("traceback", ""), LONGEST_TRACEBACK)
        self.traceback = "" if shown == NO_TRACEBACK else shown
        count = known.get("count", 0)
        self.id = count if type(count) is int else 0
        self.carried = known.get("carried", b"")


def as_text(value: Any, size: int = LONGEST_TEXT) -> str:
    """Text of a field that peers send as bytes or str, and that a hostile one makes anything; cut to ``size``."""
    if not isinstance(value, (str, bytes)):
        return clip(value)
    cut = value[:size]
    return cut.decode("utf-8", "replace") if isinstance(cut, bytes) else cut


class CarriedParts:
    """
    What came beside class and text, as far as it can be read here: arguments, members, notes.

    ``left`` is how many exceptions in groups there may still be, in a list that all of these share.
    """

    def __init__(
        self, told: Described, registries: tuple[Registry, ...], left: list[int] | None = None, depth: int = 0
    ) -> None:
        self.parts = parts_of(told.carried)
        self.args = args_from(self.parts)
        self.notes = [short(note, ERROR_NOTE) for note in self.parts.get(NOTES, ())[:ERROR_NOTES] if type(note) is str]
        left = [ERROR_MEMBERS + ERROR_DEPTH] if left is None else left
        self.members: list[Exception] = []
        for state in self.parts.get(MEMBERS, ()) if depth <= ERROR_DEPTH else ():
            if left[0] <= 0:
                break
            left[0] -= 1
            self.members.append(error_from(Described(state), registries, left, depth + 1))

    def noted(self, error: Exception) -> Exception:
        """The error, with the notes."""
        if self.notes:
            error.__dict__["__notes__"] = self.notes  # add_note() asks the class, and a frozen dataclass refuses
        return error


def error_from(
    told: Described, registries: tuple[Registry, ...], left: list[int] | None = None, depth: int = 0
) -> Exception:
    """The exception that a waiting call fails with: of its own class where one of these registries has it."""
    came = CarriedParts(told, registries, left, depth)
    try:
        error = _as_itself(told, came, registries)
        if error is not None:
            check_error(error)
            return came.noted(error)
    except ENDS_THE_PROGRAM:
        raise
    except BaseException as broken:  # of a hook, a class with other ideas, or what came for it
        came.notes.append(f"(not made again as {clip(told.type)[1:-1]}: {text_of(broken, ERROR_NOTE)})")
    remote = RemoteError(
        told.type,
        told.text,
        parents=told.parents,
        traceback=told.traceback,
        id=told.id,
        remote_args=came.args,
        members=tuple(came.members),
    )
    remote.carried = came.parts
    return came.noted(remote)


def is_known(told: Described, registries: tuple[Registry, ...]) -> bool:
    """Whether one of these registries has the class of what came."""
    tag = told.type.encode("utf-8", "replace")
    return any(told.type in registry.exceptions or _is_dataclass(registry.incoming.get(tag)) for registry in registries)


def _is_dataclass(plan: Incoming | None) -> bool:
    return plan is not None and plan.kind == DATACLASS and issubclass(plan.make, Exception)


def parts_of(carried: Any) -> dict[str, Any]:
    """What came beside name and text; what is not as it should be is left out."""
    parts = _plain_from(carried) if isinstance(carried, bytes) and carried else None
    if type(parts) is not dict:
        return {}
    return {name: parts[name] for name, kind in KINDS.items() if type(parts.get(name)) is kind}


def args_from(parts: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """What the exception was made with over there, ``None`` where that did not come, or is not cheap to print."""
    args = _plain_from(parts[ARGS]) if ARGS in parts else None
    return args if type(args) is tuple and is_plain_data(args) else None


def _plain_from(data: bytes) -> Any:
    try:
        return read_alone(data, PLAIN_REGISTRY)
    except Exception:
        return None


def read_alone(data: bytes, registry: Registry) -> Any:
    """
    What a jelly holds that was written alone.

    Raises:
        Exception: it is none, what is in it is not registered, or whatever a hook of the application raises.
    """
    if len(data) > ERROR_BYTES:
        raise CallError(f"over {ERROR_BYTES} bytes")
    return Decoder(to_frame(data, CARRIED_LIMITS), registry, None, CARRIED_LIMITS).decode()


def _as_itself(told: Described, came: CarriedParts, registries: tuple[Registry, ...]) -> Any:
    """The exception as an instance of its own class; ``None`` if that is not registered."""
    parts, args = came.parts, came.args
    if ITSELF in parts:
        error = read_alone(parts[ITSELF], registries[-1])
        if isinstance(error, BaseException) and not BaseException.__dict__["args"].__get__(error):
            BaseException.__dict__["args"].__set__(error, _args_for(type(error), told.text) if args is None else args)
        return error
    tag = told.type.encode("utf-8", "replace")
    for registry in registries:
        plan = registry.incoming.get(tag)
        if plan is not None and FIELDS in parts and _is_dataclass(plan):
            return _with_fields(plan, parts[FIELDS], _args_for(plan.make, told.text) if args is None else args, registry)
        cls: Any = registry.exceptions.get(told.type)
        if cls is not None:
            break
    else:
        cls = KNOWN_ERRORS.get(told.type)
        return None if cls is None else made_again(cls, _args_for(cls, told.text))  # what was raised may be derived from it
    if issubclass(cls, BaseExceptionGroup) and args and came.members:
        return made_again(cls, (args[0], came.members))
    return made_again(cls, args if args is not None else _args_for(cls, told.text))


def _args_for(cls: type[BaseException], text: str) -> tuple[Any, ...]:
    """What an exception must have been made with to have this text, where nothing but the text came."""
    if cls.__str__ is KeyError.__str__ and QUOTED.fullmatch(text):  # which prints its one argument as repr() does
        return (ast.literal_eval(text),)
    return (text,) if text else ()


def _with_fields(plan: Incoming, data: bytes, args: tuple[Any, ...], registry: Registry) -> Any:
    """A copyable dataclass that is an exception, with the fields that came."""
    state = read_alone(data, registry)
    if type(state) is not dict or not all(type(name) is str for name in state):
        raise CallError("its fields are no dictionary")
    for name in state:
        plan.admit(name.encode("utf-8", "replace"))
    if plan.is_strict:
        seen: Seen = {}
        plan.admit_values(state, seen)
    missing = plan.required - state.keys()
    if missing:
        raise CallError(f"it came without {', '.join(sorted(missing))}")
    error = made_again(plan.make, args)
    for name, default in plan.defaults.items():
        object.__setattr__(error, name, state[name] if name in state else default())
    for name in plan.required:
        object.__setattr__(error, name, state[name])
    return error


def check_error(error: Any) -> None:
    """Raise unless an exception that was put together here may be raised, and can be printed."""
    if not isinstance(error, Exception):
        raise CallError(f"{wire_name(type(error))} is no Exception")
    if isinstance(error, StopIteration):
        raise CallError("a StopIteration can't be raised where a call is awaited")
    if is_small(error):
        str(error)
        repr(error)


def settleable(error: BaseException) -> BaseException:
    """
    What a waiting call can fail with: the exception itself, as a rule.

    A Future refuses a StopIteration. Who awaits one that holds a CancelledError believes to have been cancelled.
    """
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    refused = CallError(f"{wire_name(type(error))}: {text_of(error, 500)}")
    refused.__cause__ = error
    return refused


__all__ = ("CarriedParts", "Described", "as_text", "check_error", "error_from", "is_known", "settleable")
