"""
The closed list of what may come in: wire name -> local class. Nothing else is ever built.

There is one process-wide registry, which the PB functions (:func:`setUnjellyableForClass` and its kin) and
:func:`copyable` fill, and each endpoint may have its own, which then is all that counts there.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable
from types import MemberDescriptorType, ModuleType
from typing import Any, Final, TypeVar, overload

from ..errors import InsecureJelly, clip
from ..wire.writer import bytes_token
from .context import Receivable

T = TypeVar("T", bound=type)

# How an incoming tag is handled; plain ints because the decoder compares them for every object.
COPY: Final = 0  # a RemoteCopy whose state becomes its attributes
COPY_HOOK: Final = 1  # a RemoteCopy with a setCopyableState of its own
CACHE: Final = 2  # a RemoteCache
DATACLASS: Final = 3
FACTORY: Final = 4  # a function that gets the state
TAKER: Final = 5  # takes the open decoder: for a driver with forms of its own

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

    __slots__ = ("defaults", "kind", "make", "names", "post", "required")

    def __init__(self, kind: int, make: Any) -> None:
        self.kind = kind
        self.make = make  # the local class, the factory or the taker
        self.names: dict[bytes, str] = {}  # raw attribute name -> admitted name
        self.post = hasattr(make, "postUnjelly")
        self.required: frozenset[str] = frozenset()
        self.defaults: dict[str, Callable[[], Any]] = {}
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

    def build(self, state: dict[str, Any]) -> Any:
        """An instance of a registered dataclass; ``__init__`` and ``__post_init__`` are not run."""
        instance = self.make.__new__(self.make)
        self.fill(instance, state)
        return instance

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


class Registry:
    """
    Wire name -> what may be built for it.

    ``entries`` are classes made by :func:`copyable`, :class:`RemoteCopy` classes (taken under their own name) or
    exception classes; more come by the PB functions as methods. An endpoint closes the registry it is given.
    """

    def __init__(self, *entries: type) -> None:
        self.incoming: dict[bytes, Incoming] = {}
        self.exceptions: dict[str, type[BaseException]] = {}
        self.is_closed = False
        for entry in entries:
            self.accept(entry)

    def accept(self, entry: type, name: str | None = None) -> None:
        """Admit a copyable dataclass, a RemoteCopy class or an exception class, under ``name`` or its own."""
        if entry in outgoing:
            self._add(name or outgoing[entry].name, Incoming(DATACLASS, entry))
        elif issubclass(entry, Receivable):
            self.setUnjellyableForClass(name or wire_name(entry), entry)
        elif issubclass(entry, BaseException):
            self._open()
            self.exceptions[name or wire_name(entry)] = entry
        else:
            raise TypeError(
                f"{entry.__qualname__} can't come in: decorate it with @likewise.copyable, or give it the base RemoteCopy"
            )

    def setUnjellyableForClass(self, classname: str | bytes | type, unjellyable: Any) -> None:
        """
        Say which local class stands for a remote one.

        ``classname`` is the sender's class, its full name, or the tag that its ``getTypeToCopy`` returns;
        ``unjellyable`` a RemoteCopy or RemoteCache class, or a class made by :func:`copyable`.
        """
        if not isinstance(unjellyable, type):
            raise TypeError(f"{unjellyable!r} is no class: a function goes to setUnjellyableFactoryForClass")
        if unjellyable in outgoing:
            plan = Incoming(DATACLASS, unjellyable)
        elif not issubclass(unjellyable, Receivable):
            raise TypeError(f"{unjellyable.__qualname__} must derive from likewise.RemoteCopy or likewise.RemoteCache")
        elif unjellyable.is_cache:
            plan = Incoming(CACHE, unjellyable)
        elif unjellyable.setCopyableState is Receivable.setCopyableState:
            plan = Incoming(COPY, unjellyable)
        else:
            plan = Incoming(COPY_HOOK, unjellyable)
        self._add(classname, plan)

    def setUnjellyableFactoryForClass(self, classname: str | bytes | type, copyFactory: Callable[[Any], Any]) -> None:
        """Have ``copyFactory(state)`` make the local object for a remote class."""
        self._add(classname, Incoming(FACTORY, copyFactory))

    def setUnjellyableForClassTree(self, module: ModuleType, baseClass: type, prefix: str | None = None) -> None:
        """
        Register every class in ``module`` that derives from ``baseClass``, under ``prefix + "." + its name``.

        ``prefix`` is the module's name unless given; ``""`` makes the tag the bare class name.
        """
        prefix = module.__name__ if prefix is None else prefix
        for name, found in vars(module).items():
            if isinstance(found, type) and issubclass(found, baseClass):
                self.setUnjellyableForClass(f"{prefix}.{name}" if prefix else name, found)

    def close(self) -> Registry:
        """Let nothing more in; called by the endpoint that uses this registry."""
        self.is_closed = True
        return self

    def _add(self, classname: str | bytes | type, plan: Incoming) -> None:
        self._open()
        if isinstance(classname, type):
            classname = outgoing[classname].name if classname in outgoing else wire_name(classname)
        self.incoming[classname.encode() if isinstance(classname, str) else classname] = plan

    def _open(self) -> None:
        if self.is_closed:
            raise RuntimeError("this registry serves an endpoint already: register everything before serve() or connect()")


class Outgoing:
    """How instances of a copyable dataclass go out."""

    __slots__ = ("fields", "head", "name")

    def __init__(self, cls: type, name: str) -> None:
        self.name = name
        self.head = b"\x02\x80" + bytes_token(name.encode())
        self.fields = tuple(field.name for field in dataclasses.fields(cls))


outgoing: Final[dict[type, Outgoing]] = {}
"""The classes made by :func:`copyable`, for sending."""

BUILT_IN: Final[dict[bytes, Incoming]] = {}
"""What every registry admits: the forms of PB itself, as failures are. Filled by ``objects/``."""

default_registry: Final = Registry()
"""The process-wide registry, used by every endpoint that is given none of its own."""


@overload
def copyable(cls: T, /) -> T: ...
@overload
def copyable(*, name: str) -> Callable[[T], T]: ...
def copyable(cls: T | None = None, /, *, name: str | None = None) -> T | Callable[[T], T]:
    """
    Let a dataclass cross by copy, both ways; importing it is what admits it.

    All fields cross, under the class's full name or under ``name``. What arrives is an instance of this very class:
    unknown fields are refused, absent ones get their defaults, ``__init__`` and ``__post_init__`` are not run.

    Raises:
        TypeError: not a dataclass. Put ``@likewise.copyable`` above ``@dataclass``.
    """

    def admit(cls: T) -> T:
        if not dataclasses.is_dataclass(cls):
            raise TypeError(f"{cls.__qualname__} is no dataclass: put @likewise.copyable above @dataclass")
        outgoing[cls] = Outgoing(cls, name or wire_name(cls))
        default_registry.accept(cls)
        return cls

    return admit if cls is None else admit(cls)


def registry_from(accept: Registry | Iterable[type] | None) -> Registry:
    """The registry of an endpoint: the process-wide one, or ``accept``, which is closed by it."""
    if accept is None:
        return default_registry
    registry = accept if isinstance(accept, Registry) else Registry(*accept)
    return registry.close() if registry is not default_registry else registry


setUnjellyableForClass = default_registry.setUnjellyableForClass
setUnjellyableFactoryForClass = default_registry.setUnjellyableFactoryForClass
setUnjellyableForClassTree = default_registry.setUnjellyableForClassTree

__all__ = (
    "Registry",
    "copyable",
    "default_registry",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
)
