"""
How one registered class goes out and comes in: names checked, fields known, all worked out once and not per object.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable
from types import CoroutineType, MemberDescriptorType
from typing import Any, Final

from ..bounded import clip
from ..errors import InsecureJelly, NotSendable
from ..wire import native
from ..wire.writer import bytes_token
from .annotations import fields_of
from .atoms import UNICODE_HEAD
from .checks import Fields, Seen

# How an incoming tag is handled; plain ints because the decoder compares them for every object.
COPY: Final = 0  # a RemoteCopy whose state becomes its attributes
COPY_HOOK: Final = 1  # a RemoteCopy with a setCopyableState of its own
CACHE: Final = 2  # a RemoteCache
DATACLASS: Final = 3
FACTORY: Final = 4  # a function that gets the state
TAKER: Final = 5  # takes the open decoder: for a driver with forms of its own
FILLED: Final = 6  # a blank instance that the plan's own fill() gives its state, whatever that is

SHAPE_KEPT: Final = 64
LONGEST_STATE_HEAD: Final = 128
# verdicts on attribute names remembered for a class; a peer can't make it grow further
ATTRIBUTE_VERDICTS_KEPT: Final = 1_024


def wire_name(cls: type) -> str:
    """The name under which a class travels: ``__module__ + "." + __name__``, as in Twisted's ``reflect.qual``."""
    return f"{cls.__module__}.{cls.__name__}"


def is_ours(cls: type) -> bool:
    """Whether a class is this library's own: what it defines is read here, and is nobody's to set from afar."""
    package, _, module = str(cls.__module__).partition(".")
    return package == "likewise" and not module.startswith(("cli", "testing"))  # which are users of it


def may_be_set(cls: type, name: str) -> bool:
    """Whether wire state may set this attribute: no dunder, nothing of ours, nothing that the class defines as behaviour."""
    if name.startswith("__"):
        return False
    for base in cls.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            if is_ours(base):
                return False
            if not (isinstance(found, MemberDescriptorType) or not (callable(found) or hasattr(type(found), "__get__"))):
                return False
    return True


def admit_name(cls: type, name: object) -> str:
    """An attribute name from the wire, as str; InsecureJelly if it may not be set on instances of ``cls``."""
    if isinstance(name, bytes):  # as Python 2 peers send them
        try:
            name = name.decode()
        except UnicodeDecodeError:
            raise InsecureJelly(f"attribute name {clip(name)} of {wire_name(cls)} is not UTF-8") from None
    if not isinstance(name, str):
        raise InsecureJelly(f"attribute name {clip(name)} of {wire_name(cls)} is no string")
    if not may_be_set(cls, name):
        raise InsecureJelly(
            f"{clip(name)} is behaviour of {wire_name(cls)} or reserved: wire state may not set it. Send it under another "
            "name, or leave it out (getStateToCopy)"
        )
    return sys.intern(name)


def admit_state(cls: type, state: object) -> dict[str, Any]:
    """State from the wire as attributes of an instance of ``cls``, each name checked."""
    if not state:
        return {}
    if not isinstance(state, dict):
        raise InsecureJelly(f"the state of {wire_name(cls)} must be a dictionary, not {clip(state)}")
    return {admit_name(cls, name): value for name, value in state.items()}


# --- where instances have their attributes


SLOTS: Final[dict[type, dict[str, Any]]] = {}
SLOTS_KEPT: Final = 4_096


def slots_of(cls: type) -> dict[str, Any]:
    """The slots of a class and its bases, as Python names them, and what reads and sets them; ours are left out."""
    known = SLOTS.get(cls)
    if known is not None:
        return known
    slots: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if "__slots__" in base.__dict__ and not is_ours(base):
            slots.update({name: found for name, found in vars(base).items() if type(found) is MemberDescriptorType})
    if len(SLOTS) < SLOTS_KEPT:
        SLOTS[cls] = slots
    return slots


def state_of(instance: Any) -> dict[str, Any]:
    """The attributes of an instance: its ``__dict__``, and with it those slots that are set, where it has any."""
    slots = slots_of(type(instance))
    if not slots:
        its_dict: dict[str, Any] = instance.__dict__
        return its_dict
    state = dict(getattr(instance, "__dict__", ()))
    for name, slot in slots.items():
        try:
            state[name] = slot.__get__(instance)
        except AttributeError:  # it is not set
            continue
    return state


def set_state(instance: Any, state: dict[str, Any]) -> None:
    """Make these the attributes of an instance, in its slots where it has them, without asking its class."""
    slots = slots_of(type(instance))
    if slots:
        state = dict(state)
        for name in [name for name in state if name in slots]:
            slots[name].__set__(instance, state.pop(name))
        if native.dict_slot(type(instance)) is None:
            if state:
                raise InsecureJelly(f"{wire_name(type(instance))} has slots, and none for {clip(next(iter(state)))}")
            return
    native.replace_dict(instance, state)


def found_in(cls: type, name: str) -> Any:
    """What a class and its bases have under a name, not asked for its value; ``None`` if nothing."""
    return next((base.__dict__[name] for base in cls.__mro__ if name in base.__dict__), None)


def takes_values(found: Any) -> bool:
    """Whether this is what attributes of instances are set by: a slot, a property, any other data descriptor."""
    return hasattr(type(found), "__set__")


def field_of(instance: Any, name: str) -> Any:
    """
    A field of a dataclass instance.

    Raises:
        NotSendable: it has none.
    """
    try:
        return getattr(instance, name)
    except AttributeError as error:
        raise NotSendable(f"{wire_name(type(instance))} has no value for this field: set it before it is sent") from error


# --- hooks


def refuse_to_wait(owner: object, hook: str, result: Any) -> None:
    """
    Raise for what a hook returned if that is to be awaited: what it makes is needed while the message is written.

    Raises:
        NotSendable: it is a coroutine, a Deferred or the like.
    """
    if isinstance(result, CoroutineType):
        result.close()  # nobody is to be told that it was never awaited
    elif not hasattr(type(result), "__await__"):
        return
    raise NotSendable(
        f"{hook} of {wire_name(type(owner))} is async or returned a {type(result).__name__}: a hook must return its "
        "state at once. Get what it needs before the object is sent"
    )


def refuse_async(cls: type, *hooks: str) -> None:
    """Raise TypeError if one of these methods of a registered class is ``async``: nobody would await it."""
    for hook in hooks:
        if inspect.iscoroutinefunction(getattr(cls, hook, None)):
            raise TypeError(f"{cls.__qualname__}.{hook} is async: it is called while a message is read, and must be plain")


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


class Incoming:
    """What one registered tag becomes."""

    __slots__ = (
        "defaults",
        "dict_slot",
        "fields",
        "has_slots",
        "is_strict",
        "kind",
        "make",
        "names",
        "post",
        "required",
        "seen_in",
        "set_by",
        "shape",
    )

    def __init__(self, kind: int, make: Any, is_strict: bool = False) -> None:
        self.kind = kind
        self.make = make  # the local class, the factory or the taker
        self.seen_in = 0  # the number of the message that last had the hooks of the class looked at
        self.names: dict[bytes, str] = {}  # raw attribute name -> admitted name
        self.shape: list[tuple[bytes, str, int]] = []  # the first state's pairs up to their values: bytes, name, size
        self.post = hasattr(make, "postUnjelly")
        self.has_slots = kind == COPY and bool(slots_of(make))
        self.dict_slot = native.dict_slot(make) if kind == COPY else None
        self.required: frozenset[str] = frozenset()
        self.defaults: dict[str, Callable[[], Any]] = {}
        self.set_by: tuple[str, ...] = ()  # the fields of a dataclass that lie in slots, or behind properties
        self.is_strict = is_strict  # the fields of a dataclass take what their annotations say
        self.fields: Fields | None = None
        if kind == DATACLASS:
            self._read_fields()

    def look_again(self, message: int) -> None:
        """Another message is read: hooks may have been put on the class, or taken off it, since the last one."""
        self.seen_in = message
        if self.kind == COPY or self.kind == COPY_HOOK:
            self.kind = COPY if getattr(self.make, "setCopyableState", None) in (None, *STOCK_STATE_SETTERS) else COPY_HOOK
            self.has_slots = self.kind == COPY and bool(slots_of(self.make))
            self.dict_slot = native.dict_slot(self.make)
        self.post = hasattr(self.make, "postUnjelly")

    def _read_fields(self) -> None:
        required = set()
        set_by = []
        for field in dataclasses.fields(self.make):
            self.names[field.name.encode()] = field.name
            if takes_values(found_in(self.make, field.name)):
                set_by.append(field.name)
            if takes_values(field.default):  # the property itself, which dataclass() took for one
                required.add(field.name)
            elif field.default is not dataclasses.MISSING:
                self.defaults[field.name] = _constant(field.default)
            elif field.default_factory is not dataclasses.MISSING:
                self.defaults[field.name] = field.default_factory
            else:
                required.add(field.name)
        self.required = frozenset(required)
        self.set_by = tuple(set_by)

    def admit(self, raw: bytes) -> str:
        """The attribute name spelled ``raw``, checked; verdicts are kept in :attr:`names`."""
        if self.kind == DATACLASS:
            name = self.names.get(raw)
            if name is None:
                raise InsecureJelly(f"{wire_name(self.make)} has no field {clip(raw)}")
            return name
        name = admit_name(self.make, raw)
        if len(self.names) < ATTRIBUTE_VERDICTS_KEPT:
            self.names[raw] = name
        return name

    def learn(self, head: bytes, name: str) -> None:
        """Remember how the next pair of a state begins, to know it again at a glance."""
        if len(self.shape) < SHAPE_KEPT and len(head) < LONGEST_STATE_HEAD:
            self.shape.append((head, name, len(head)))

    def build(self, state: dict[str, Any]) -> Any:
        """An instance of a registered dataclass; ``__init__`` and ``__post_init__`` are not run."""
        instance = self.make.__new__(self.make)
        self.fill(instance, state)
        return instance

    def admit_values(self, state: dict[str, Any], seen: Seen | None) -> dict[str, Any] | None:
        """
        Raise InsecureJelly unless each value is of its field's type; ``seen`` where containers may be shared.

        Whole numbers where floats are meant become floats; returns the fields that this has changed.
        """
        if self.fields is None:  # not before the first comes: annotations may name what is defined later
            self.fields = fields_of(self.make, wire_name(self.make))
        self.fields.admit(state, seen)
        return self.fields.to_floats(state, seen) if self.fields.floats else None

    def set_again(self, instance: Any, changed: dict[str, Any]) -> None:
        """Set some fields of an instance that is filled already."""
        for name, value in changed.items():
            if name in self.set_by:
                object.__setattr__(instance, name, value)
            else:
                instance.__dict__[name] = value

    def fill(self, instance: Any, state: dict[str, Any]) -> None:
        """Set the fields of a dataclass instance; those not sent get their defaults. Of a copy, what came."""
        if self.kind != DATACLASS:
            set_state(instance, state)
            return
        missing = self.required - state.keys()
        if missing:
            raise InsecureJelly(f"{wire_name(self.make)} came without {', '.join(sorted(missing))}")
        for name, default in self.defaults.items():
            if name not in state:
                state[name] = default()
        if not self.set_by:
            instance.__dict__.update(state)
            return
        for name, value in state.items():  # first what those that look at others may look at
            if name not in self.set_by:
                instance.__dict__[name] = value
        for name in self.set_by:
            object.__setattr__(instance, name, state[name])  # for frozen ones refuse plain assignment


STOCK_STATE_SETTERS: Final[list[Any]] = []
"""The ``setCopyableState`` that a class has unless it has its own; put here by :mod:`~likewise.jelly.context`."""


class Outgoing:
    """How instances of a copyable class go out; ``fields`` are those of a class that is no dataclass of Python's own."""

    __slots__ = ("fields", "head", "is_plain", "is_strict", "name", "pairs")

    def __init__(self, cls: type, name: str, is_strict: bool = True, fields: tuple[str, ...] | None = None) -> None:
        self.name = name
        self.is_strict = is_strict
        self.head = b"\x02\x80" + bytes_token(name.encode())
        self.fields = tuple(field.name for field in dataclasses.fields(cls)) if fields is None else fields
        # The name of each field, and how its pair in the state begins.
        self.pairs = tuple((each, b"\x02\x80" + UNICODE_HEAD + bytes_token(each.encode())) for each in self.fields)
        # Whether an instance that has them has them in its __dict__.
        lies_elsewhere = any(takes_values(found_in(cls, each)) for each in self.fields)
        self.is_plain = native.dict_slot(cls) is not None and not lies_elsewhere


class Plain:
    """
    How instances of a Copyable class without hooks go out: ``head``, then their ``__dict__``.

    ``seen_in`` is the number of the message that last found the class to be so. Hooks can be put on a class at any time.
    """

    __slots__ = ("head", "hooks", "seen_in")

    def __init__(self, cls: type, hooks: tuple[str, ...]) -> None:
        self.head = b"\x02\x80" + bytes_token(wire_name(cls).encode())
        self.hooks = tuple((name, getattr(cls, name)) for name in (*hooks, "__module__", "__name__"))
        self.seen_in = 0

    def holds(self, cls: type) -> bool:
        """Whether all hooks are what they were."""
        for name, found in self.hooks:  # noqa: SIM110  # generators can't be compiled in a cpdef
            if getattr(cls, name, None) is not found:
                return False
        return True
