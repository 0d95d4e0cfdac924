"""
How one registered class goes out and comes in: names checked, fields known, all worked out once and not per object.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any, Final

from ..bounded import clip
from ..errors import InsecureJelly
from ..wire import native
from ..wire.writer import bytes_token
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
LONGEST_HEAD: Final = 128
NAMES_KEPT: Final = 1_024  # verdicts on attribute names remembered for a class; a peer can't make it grow further


def wire_name(cls: type) -> str:
    """The name under which a class travels: ``__module__ + "." + __name__``, as in Twisted's ``reflect.qual``."""
    return f"{cls.__module__}.{cls.__name__}"


def may_be_set(cls: type, name: str) -> bool:
    """Whether wire state may set this attribute: no dunder, nothing that the class defines as behaviour."""
    if name.startswith("__"):
        return False
    for base in cls.__mro__:
        if name in base.__dict__:
            found = base.__dict__[name]
            return isinstance(found, MemberDescriptorType) or not (callable(found) or hasattr(type(found), "__get__"))
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
        raise InsecureJelly(f"{clip(name)} is behaviour of {wire_name(cls)} or reserved: wire state may not set it")
    return sys.intern(name)


def admit_state(cls: type, state: object) -> dict[str, Any]:
    """State from the wire as attributes of an instance of ``cls``, each name checked."""
    if not state:
        return {}
    if not isinstance(state, dict):
        raise InsecureJelly(f"the state of {wire_name(cls)} must be a dictionary, not {clip(state)}")
    return {admit_name(cls, name): value for name, value in state.items()}


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


class Incoming:
    """What one registered tag becomes."""

    __slots__ = ("defaults", "dict_slot", "fields", "is_strict", "kind", "make", "names", "post", "required", "shape")

    def __init__(self, kind: int, make: Any, is_strict: bool = False) -> None:
        self.kind = kind
        self.make = make  # the local class, the factory or the taker
        self.names: dict[bytes, str] = {}  # raw attribute name -> admitted name
        self.shape: list[tuple[bytes, str, int]] = []  # the first state's pairs up to their values: bytes, name, size
        self.post = hasattr(make, "postUnjelly")
        self.dict_slot = native.dict_slot(make) if kind == COPY else None
        self.required: frozenset[str] = frozenset()
        self.defaults: dict[str, Callable[[], Any]] = {}
        self.is_strict = is_strict  # the fields of a dataclass take what their annotations say
        self.fields: Fields | None = None
        if kind == DATACLASS:
            self._read_fields()

    def _read_fields(self) -> None:
        required = set()
        for field in dataclasses.fields(self.make):
            self.names[field.name.encode()] = field.name
            if field.default is not dataclasses.MISSING:
                self.defaults[field.name] = _constant(field.default)
            elif field.default_factory is not dataclasses.MISSING:
                self.defaults[field.name] = field.default_factory
            else:
                required.add(field.name)
        self.required = frozenset(required)

    def admit(self, raw: bytes) -> str:
        """The attribute name spelled ``raw``, checked; verdicts are kept in :attr:`names`."""
        if self.kind == DATACLASS:
            name = self.names.get(raw)
            if name is None:
                raise InsecureJelly(f"{wire_name(self.make)} has no field {clip(raw)}")
            return name
        name = admit_name(self.make, raw)
        if len(self.names) < NAMES_KEPT:
            self.names[raw] = name
        return name

    def learn(self, head: bytes, name: str) -> None:
        """Remember how the next pair of a state begins, to know it again at a glance."""
        if len(self.shape) < SHAPE_KEPT and len(head) < LONGEST_HEAD:
            self.shape.append((head, name, len(head)))

    def build(self, state: dict[str, Any]) -> Any:
        """An instance of a registered dataclass; ``__init__`` and ``__post_init__`` are not run."""
        instance = self.make.__new__(self.make)
        self.fill(instance, state)
        return instance

    def admit_values(self, state: dict[str, Any], seen: Seen | None) -> None:
        """Raise InsecureJelly unless each value is of its field's type; ``seen`` where containers may be shared."""
        if self.fields is None:  # not before the first comes: annotations may name what is defined later
            self.fields = Fields(self.make, wire_name(self.make))
        self.fields.admit(state, seen)

    def fill(self, instance: Any, state: dict[str, Any]) -> None:
        """Set the fields of a dataclass instance; those not sent get their defaults."""
        missing = self.required - state.keys()
        if missing:
            raise InsecureJelly(f"{wire_name(self.make)} came without {', '.join(sorted(missing))}")
        for name, default in self.defaults.items():
            if name not in state:
                state[name] = default()
        if hasattr(instance, "__dict__"):
            instance.__dict__.update(state)
        else:  # slots; and frozen ones refuse plain assignment
            for name, value in state.items():
                object.__setattr__(instance, name, value)


class Outgoing:
    """How instances of a copyable dataclass go out."""

    __slots__ = ("fields", "head", "is_strict", "name")

    def __init__(self, cls: type, name: str, is_strict: bool = True) -> None:
        self.name = name
        self.is_strict = is_strict
        self.head = b"\x02\x80" + bytes_token(name.encode())
        self.fields = tuple(field.name for field in dataclasses.fields(cls))
