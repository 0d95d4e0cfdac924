"""
The closed list of what may come in: wire name -> local class. Nothing else is ever built.

There is one process-wide registry, which the PB functions (:func:`setUnjellyableForClass` and its kin) and
:func:`copyable` fill, and each endpoint may have its own, which then is all that counts there.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Final, TypeVar, overload

from .checks import COPYABLE
from .constructed import Constructor, constructor_of
from .context import Receivable
from .foreign import ADOPTED, ELSEWHERE, Adoption, Rebuilt, require_adoptable
from .forms import FORMS
from .members import admit_enum
from .named import admit_named_tuple, is_named_tuple
from .plans import (
    CACHE,
    COPY,
    COPY_HOOK,
    DATACLASS,
    FACTORY,
    Incoming,
    Outgoing,
    found_in,
    is_ours,
    refuse_async,
    wire_name,
)
from .values import VALUES

T = TypeVar("T", bound=type)


class Registry:
    """
    Wire name -> what may be built for it.

    ``entries`` are classes made by :func:`copyable`, :class:`RemoteCopy` classes (taken under their own name) or
    exception classes; more come by the PB functions as methods. An endpoint closes the registry it is given.
    """

    def __init__(self, *entries: type) -> None:
        self.incoming: dict[bytes, Incoming] = {}
        self.exceptions: dict[str, type[BaseException]] = {}
        self.adoptions: dict[type, Adoption] = {}
        self.is_closed = False
        self._claims: dict[tuple[str, type], tuple[str, str]] = {}  # (name, kind) -> module and full name of who has it
        for entry in entries:
            self.accept(entry)

    def accept(self, entry: type, name: str | None = None) -> None:
        """
        Admit a copyable class, a RemoteCopy class, an exception class, or a type that is adopted process-wide, under
        ``name`` or its own.

        Raises:
            TypeError: it is none of these, or another class has the name. Running the same definition again replaces it.
        """
        plan = registered_plan(entry)
        if plan is not None:
            self._claim(name or registered_name(entry), entry)
            self._add(name or registered_name(entry), plan)
        elif entry in ADOPTED and name is None:
            self._adopt(ADOPTED[entry])
        elif issubclass(entry, Receivable):
            self._claim(name or wire_name(entry), entry)
            self.setUnjellyableForClass(name or wire_name(entry), entry)
        elif issubclass(entry, BaseException):
            self._claim(name or wire_name(entry), entry, BaseException)
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

        Raises:
            TypeError: ``unjellyable`` is no such class, or another class of the sender has the name of this one.
        """
        if not isinstance(unjellyable, type):
            raise TypeError(f"{unjellyable!r} is no class: a function goes to setUnjellyableFactoryForClass")
        plan = registered_plan(unjellyable) or _plan_of_receivable(unjellyable)
        refuse_async(unjellyable, "setCopyableState", "postUnjelly")
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

    def adopt(
        self,
        cls: type,
        *,
        to_state: Callable[[Any], Any],
        from_state: Callable[[Any], Any],
        name: str | None = None,
        state: Any = None,
        subclasses: bool = False,
    ) -> None:
        """
        Let a type of another package cross, both ways: as what ``to_state(instance)`` returns, from which
        ``from_state(state)`` makes an instance again.

        On ``default_registry`` it holds for the whole process, on another for the endpoints that are given that one.
        ``name`` is what it is called on the wire, by default its full name. ``state`` is the annotation of a state, where
        none of the two functions has it: what does not fit it is refused before ``from_state`` is called. Subclasses are
        not meant unless ``subclasses`` says so; then ``from_state`` may return instances of them.

        Raises:
            TypeError: the type crosses as it is, a function is none or is async, or the name, or the type, is taken already.
        """
        self._open()
        if not isinstance(cls, type):
            raise TypeError(f"{cls!r} is no class: adopt() takes the type whose instances are to cross")
        adoption = Adoption(cls, to_state, from_state, name or wire_name(cls), state, subclasses)
        require_adoptable(adoption)
        self._adopt(adoption)

    def _adopt(self, adoption: Adoption) -> None:
        cls, name = adoption.cls, adoption.name
        if registered_plan(cls) is not None:
            raise TypeError(f"{wire_name(cls)} is @likewise.copyable: there is nothing to adopt")
        mine = self.adoptions.get(cls)
        if mine is not None and not adoption.is_like(mine):
            raise TypeError(f"{wire_name(cls)} is adopted here already, as {mine.name!r}: it can't be so twice")
        held = self.incoming.get(name.encode()) or BUILT_IN_PLANS.get(name.encode())
        if held is not None and not (isinstance(held, Rebuilt) and held.adoption is not None and held.adoption.cls is cls):
            raise TypeError(f"{name!r} means something else already: give adopt() another name for {wire_name(cls)}")
        self._claim(name, cls)
        self._add(name, Rebuilt(adoption.rebuild, adoption))
        self.adoptions[cls] = adoption
        if self is default_registry:
            ADOPTED[cls] = adoption
        else:
            ELSEWHERE.add(cls)

    def close(self) -> Registry:
        """Let nothing more in; called by the endpoint that uses this registry."""
        self.is_closed = True
        return self

    def _add(self, classname: str | bytes | type, plan: Incoming) -> None:
        self._open()
        if isinstance(classname, type):
            sender, classname = classname, registered_name(classname)
            self._claim(classname, sender)
        tag = classname.encode() if isinstance(classname, str) else classname
        held = self.incoming.get(tag)
        if isinstance(held, Rebuilt) and held.adoption is not None and not isinstance(plan, Rebuilt):
            raise TypeError(f"{wire_name(held.adoption.cls)} is adopted as {held.adoption.name!r}: choose another name")
        self.incoming[tag] = plan

    def _claim(self, name: str, cls: type, kind: type = object) -> None:
        """
        Keep a name for one class. Two classes of one ``__name__`` in a module, as ``Order.Line`` and ``Invoice.Line``,
        would arrive as whichever was registered last.
        """
        self._open()
        mine = (cls.__module__, cls.__qualname__)
        holder = self._claims.setdefault((name, kind), mine)
        if holder != mine:
            own = f"{name.rpartition('.')[0]}.{cls.__qualname__}"
            raise TypeError(
                f"{'.'.join(holder)} travels as {name!r} already, so {'.'.join(mine)} can't: give one of them a name of its "
                f"own, @likewise.copyable(name={own!r}) or accept(cls, name=...); a Copyable by getTypeToCopy, and by that "
                "name in setUnjellyableForClass"
            )

    def _open(self) -> None:
        if self.is_closed:
            raise RuntimeError("this registry serves an endpoint already: register everything before serve() or connect()")


outgoing: Final[dict[type, Outgoing]] = {}
"""The classes made by :func:`copyable`, for sending; Enums and named tuples are in ``FORMS``."""

constructors: Final[dict[type, Constructor]] = {}
"""Those of them whose own constructor makes what comes in."""

BUILT_IN_PLANS: Final[dict[bytes, Incoming]] = dict(VALUES)
"""What every registry admits: our own forms of values, and those of PB itself, as failures are. Filled by ``objects/``."""


def registered_name(cls: type) -> str:
    """The name under which a class travels."""
    known = outgoing.get(cls) or FORMS.get(cls)
    return known.name if known is not None and known.name else wire_name(cls)


def _plan_of_receivable(cls: type) -> Incoming:
    if not issubclass(cls, Receivable):
        raise TypeError(f"{cls.__qualname__} must derive from likewise.RemoteCopy or likewise.RemoteCache")
    return Incoming(kind_of_receivable(cls), cls)


def kind_of_receivable(cls: type) -> int:
    """How instances of a class that may stand for objects of a peer are read, by its hooks as they are now."""
    if getattr(cls, "is_cache", False):
        return CACHE
    return COPY if getattr(cls, "setCopyableState", None) in (None, Receivable.setCopyableState) else COPY_HOOK


def registered_plan(cls: type) -> Incoming | None:
    """How instances are read of a class made by :func:`copyable`; ``None`` for any other."""
    if cls in constructors:
        return Rebuilt(constructors[cls].build)
    if cls in outgoing:
        return Incoming(DATACLASS, cls, outgoing[cls].is_strict)
    form = FORMS.get(cls)
    return None if form is None or form.incoming is None else form.incoming()


default_registry: Final = Registry()
"""The process-wide registry, used by every endpoint that is given none of its own."""


@overload
def copyable(cls: T, /) -> T: ...
@overload
def copyable(*, name: str | None = None, strict: bool = True) -> Callable[[T], T]: ...
def copyable(cls: T | None = None, /, *, name: str | None = None, strict: bool = True) -> T | Callable[[T], T]:
    """
    Let a dataclass, a class of attrs, msgspec or pydantic, an Enum or a named tuple cross by copy, both ways; importing it
    is what admits it.

    All fields cross, those with ``init=False`` too, under the class's full name or under ``name``. What arrives is an
    instance of this very class: unknown fields are refused, absent ones get their defaults, ``__init__`` and
    ``__post_init__`` are not run. A field that lies behind a property is set by its setter.

    A value that is not of the type that its field is annotated with is refused, and the call fails with an error that
    says which: ``list[int]``, ``str | None``, ``dict[str, Line]`` and the like are looked through. ``strict=False``
    turns that off. Annotations that say nothing about what can arrive (``Any``, protocols) are not checked. Where a
    ``float`` is meant, a whole number that came as an int is made one.

    A class of attrs, msgspec or pydantic is made by its own constructor or converter, which checks what came; what that
    does not take (``init=False``, private attributes) does not cross.

    A member of an Enum crosses by its name, and a named tuple by its fields in their order: between two ends of likewise.

    Raises:
        TypeError: none of these (put ``@likewise.copyable`` above ``@dataclass``), another class travels under the name,
            or there is a field that can't be set.
    """

    def admit(cls: T) -> T:
        if cls in ADOPTED:
            raise TypeError(f"{wire_name(cls)} is adopted already, as {ADOPTED[cls].name!r}")
        if issubclass(cls, enum.Enum) or is_named_tuple(cls):
            _admit_form(cls, name or wire_name(cls), strict)
        else:
            _admit_class(cls, name or wire_name(cls), strict)
        COPYABLE.add(cls)
        return cls

    return admit if cls is None else admit(cls)


def _admit_class(cls: Any, name: str, strict: bool) -> None:
    """Let a dataclass, or a class of attrs, msgspec or pydantic, cross."""
    constructor = constructor_of(cls, strict)
    if constructor is None and not dataclasses.is_dataclass(cls):
        raise TypeError(
            f"{cls.__qualname__} is no dataclass: put @likewise.copyable above @dataclass. Enums, named tuples and "
            "classes of attrs, msgspec and pydantic do as well; likewise.adopt() takes any other"
        )
    if constructor is not None and issubclass(cls, BaseException):
        raise TypeError(f"{cls.__qualname__} is an exception: likewise.default_registry.accept() takes it")
    fields = constructor.fields if constructor else tuple(field.name for field in dataclasses.fields(cls))
    _check_fields(cls, fields, constructor is not None)
    before = outgoing.get(cls)
    outgoing[cls] = Outgoing(cls, name, strict, fields)
    if constructor is not None:
        constructors[cls] = constructor
    try:
        default_registry.accept(cls)
    except TypeError:
        constructors.pop(cls, None)
        del outgoing[cls]
        if before is not None:
            outgoing[cls] = before
        raise


def _admit_form(cls: type, name: str, strict: bool) -> None:
    """Let an Enum or a class of named tuples cross."""
    before = FORMS.get(cls)
    if issubclass(cls, enum.Enum):
        admit_enum(cls, name)
    else:
        admit_named_tuple(cls, name, strict)
    try:
        default_registry.accept(cls)
    except TypeError:
        del FORMS[cls]
        if before is not None:
            FORMS[cls] = before
        raise


def _check_fields(cls: type, fields: tuple[str, ...], is_constructed: bool) -> None:
    """Raise TypeError for a field that can't be filled, or that would be taken for something of the library's."""
    for name in fields:
        found = found_in(cls, name)
        if isinstance(found, property) and found.fset is None and not is_constructed:
            raise TypeError(f"{cls.__qualname__}.{name} is a property without a setter: what comes can't be put there")
        for base in cls.__mro__:
            if is_ours(base) and name in base.__dict__:
                raise TypeError(
                    f"{cls.__qualname__}.{name} is a name that likewise reads on every {base.__name__}: a peer would "
                    "set it. Call the field something else"
                )


def registry_from(accept: Registry | Iterable[type] | None) -> Registry:
    """The registry of an endpoint: the process-wide one, or ``accept``, which is closed by it."""
    if accept is None:
        return default_registry
    registry = accept if isinstance(accept, Registry) else Registry(*accept)
    return registry.close() if registry is not default_registry else registry


adopt = default_registry.adopt
setUnjellyableForClass = default_registry.setUnjellyableForClass
setUnjellyableFactoryForClass = default_registry.setUnjellyableFactoryForClass
setUnjellyableForClassTree = default_registry.setUnjellyableForClassTree

__all__ = (
    "Registry",
    "adopt",
    "copyable",
    "default_registry",
    "setUnjellyableFactoryForClass",
    "setUnjellyableForClass",
    "setUnjellyableForClassTree",
)
