"""
Whether a value is what an annotation says: for the fields of copyable dataclasses, and for methods that ask for it.

An annotation becomes a :class:`Check` once, when the first value comes, because it may name what is defined later. It
covers what can arrive: the built-in types, their containers with what is in them, unions, ``Literal``, and the classes
that are registered. What else an annotation says is not checked: ``Any``, protocols, type variables, a name that can't
be resolved, and classes whose objects arrive as those of another class, as a Referenceable does.

Work is bounded: a container that is shared is looked through once for each annotation, however often it occurs.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any, Final, TypeVar

from ..bounded import clip
from ..errors import InsecureJelly

Seen = dict[tuple[int, int], tuple[bool, Any]]  # ids of a container and a Check -> the verdict, and the container kept alive
F = TypeVar("F", bound=Callable[..., Any] | type)

ARRIVES: Final[set[type]] = {
    bool,
    int,
    str,
    bytes,
    types.NoneType,
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    list,
    dict,
    set,
    frozenset,
    tuple,
}
"""Classes whose instances arrive as what they are, beside those that are registered."""

COPYABLE: Final[set[type]] = set()
"""The classes made by ``likewise.copyable``."""

BASES: Final[list[type]] = []
"""Classes whose subclasses are registered to stand for a peer's objects."""

SEQUENCES: Final = {list, set, frozenset} | {
    getattr(collections.abc, name) for name in ("Sequence", "MutableSequence", "Collection", "Iterable", "Set", "MutableSet")
}
MAPPINGS: Final = {dict, collections.abc.Mapping, collections.abc.MutableMapping}
FEW: Final = 8  # items that are looked at again rather than remembered
PREFIXES: Final = ("remote_", "view_", "perspective_", "observe_")


class Check:
    """Whether a value is an instance of one of these classes. The base of those that look inside."""

    __slots__ = ("classes", "expected", "only")

    def __init__(self, expected: str, *classes: type) -> None:
        self.expected = expected  # the annotation as people write it
        self.classes = classes
        self.only: Any = classes[0] if type(self) is Check and classes else None  # an instance of it needs no second look

    def holds(self, value: Any, seen: Seen | None) -> bool:
        """Whether ``value`` is what it should be; ``seen`` remembers containers, where some may be shared."""
        return isinstance(value, self.classes)

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        """Where in ``value`` the fault is, and what is there."""
        return "", value


class Items(Check):
    """Looks at each item of a container, ``parts`` for each: one for sequences and sets, two for mappings."""

    __slots__ = ("parts",)

    def __init__(self, expected: str, origin: type, *parts: Check | None) -> None:
        super().__init__(expected, origin)
        self.parts = parts

    def holds(self, value: Any, seen: Seen | None) -> bool:
        if not isinstance(value, self.classes):
            return False
        container: Any = value
        if seen is None or len(container) <= FEW:
            return self._all_hold(container, seen)
        known = seen.get((id(value), id(self)))
        if known is None:
            known = seen[id(value), id(self)] = (self._all_hold(container, seen), container)
        return known[0]

    def _all_hold(self, value: Any, seen: Seen | None) -> bool:
        for part, items in zip(self.parts, self._columns(value), strict=True):
            if part is not None:
                only = part.only
                for item in items:
                    if type(item) is not only and not part.holds(item, seen):
                        return False
        return True

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        if isinstance(value, self.classes):
            for part, items in zip(self.parts, self._columns(value), strict=True):
                for place, item in enumerate(items):
                    if part is not None and not part.holds(item, seen):
                        path, found = part.offender(item, seen)
                        return f"{self._place(value, place, part)}{path}", found
        return "", value

    def _columns(self, value: Any) -> tuple[Any, ...]:
        return (value, value.values()) if len(self.parts) == 2 else (value,)

    def _place(self, value: Any, place: int, part: Check) -> str:
        if len(self.parts) == 2:
            return " key" if part is self.parts[0] else f"[{clip(list(value)[place], 20)}]"
        return f"[{place}]" if isinstance(value, (list, tuple)) else " member"


class Fixed(Check):
    """A tuple with a Check for each place."""

    __slots__ = ("parts",)

    def __init__(self, expected: str, *parts: Check | None) -> None:
        super().__init__(expected, tuple)
        self.parts = parts

    def holds(self, value: Any, seen: Seen | None) -> bool:
        if not isinstance(value, tuple) or len(value) != len(self.parts):
            return False
        for part, item in zip(self.parts, value, strict=True):  # a loop: generators can't be compiled in a cpdef
            if part is not None and not part.holds(item, seen):
                return False
        return True

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        if isinstance(value, tuple) and len(value) == len(self.parts):
            for place, (part, item) in enumerate(zip(self.parts, value, strict=True)):
                if part is not None and not part.holds(item, seen):
                    path, found = part.offender(item, seen)
                    return f"[{place}]{path}", found
        return "", value


class Either(Check):
    """One of several Checks."""

    __slots__ = ("parts",)

    def __init__(self, expected: str, *parts: Check) -> None:
        super().__init__(expected)
        self.parts = parts

    def holds(self, value: Any, seen: Seen | None) -> bool:
        for part in self.parts:  # noqa: SIM110  # a loop, as above
            if part.holds(value, seen):
                return True
        return False


class Literal(Check):
    """One of these very values."""

    __slots__ = ("values",)

    def __init__(self, expected: str, values: tuple[Any, ...]) -> None:
        super().__init__(expected)
        self.values = values

    def holds(self, value: Any, seen: Seen | None) -> bool:
        for each in self.values:  # noqa: SIM110  # a loop, as above
            if type(each) is type(value) and each == value:
                return True
        return False


def shown(annotation: Any) -> str:
    """An annotation as people write it."""
    if annotation is ...:
        return "..."
    if annotation is None or annotation is types.NoneType:
        return "None"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is typing.Union or origin is types.UnionType:
        return " | ".join(map(shown, arguments))
    if arguments:
        return f"{shown(origin)}[{', '.join(map(shown, arguments))}]"
    name = getattr(annotation, "__qualname__", None) or getattr(annotation, "__name__", None)
    return str(name or annotation).replace("typing.", "")


def check_for(annotation: Any, levels: int = 16) -> Check | None:
    """The Check of an annotation, down to so many ``levels`` of it; ``None`` if there is nothing to check."""
    if not levels:  # an alias that leads back to itself
        return None
    while True:  # what only wraps another annotation
        if isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif typing.get_origin(annotation) in (typing.Annotated, typing.Final):
            annotation = typing.get_args(annotation)[0]
        else:
            break
    if annotation is None:
        annotation = types.NoneType
    inner = functools.partial(check_for, levels=levels - 1)
    origin, arguments, text = typing.get_origin(annotation), typing.get_args(annotation), shown(annotation)
    if origin is typing.Union or origin is types.UnionType:
        parts = [inner(part) for part in arguments]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            return None
        if all(type(part) is Check for part in known):  # the frequent one: X | None
            return Check(text, *(cls for part in known for cls in part.classes))
        return Either(text, *known)
    if origin is typing.Literal:
        return Literal(text, arguments)
    if origin is tuple:
        if not arguments:
            return Fixed("tuple[()]")
        if len(arguments) == 2 and arguments[1] is ...:
            return Items(text, tuple, inner(arguments[0]))
        return Fixed(text, *map(inner, arguments))
    if origin in SEQUENCES:
        return Items(text, origin, inner(arguments[0]))
    if origin in MAPPINGS:
        return Items(text, origin, *map(inner, arguments))
    return _check_for_class(origin or annotation, text)


def _check_for_class(cls: Any, text: str) -> Check | None:
    if typing.is_typeddict(cls):
        return Check(text, dict)
    if cls is float:
        return Check(text, float, int)  # as type checkers have it
    if cls in SEQUENCES or cls in MAPPINGS or cls in ARRIVES or cls in COPYABLE:
        return Check(text, cls)
    if isinstance(cls, type) and issubclass(cls, tuple(BASES)):
        return Check(text, cls)
    return None


def resolved(owner: Any, annotation: Any) -> Any:
    """What an annotation that was written as a string stands for; ``Any`` if that can't be found out."""
    if not isinstance(annotation, str):
        return annotation
    names = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else {}
    local = {owner.__name__: owner, **vars(owner)} if isinstance(owner, type) else {}
    try:
        return typing.get_type_hints(types.SimpleNamespace(__annotations__={"it": annotation}), names, local, True)["it"]
    except Exception:  # imported for type checkers only, or no type at all
        return Any


class Fields:
    """The Checks of a dataclass's fields."""

    __slots__ = ("checks", "exact", "name")

    def __init__(self, cls: type, name: str) -> None:
        self.name = name
        self.exact: dict[str, Any] = {}  # field -> the one class that needs no second look
        self.checks: dict[str, Check] = {}
        for field in dataclasses.fields(cls):
            owner = next((base for base in cls.__mro__ if field.name in inspect.get_annotations(base)), cls)
            check = check_for(resolved(owner, field.type))
            if check is None:
                continue
            if field.default is None and not check.holds(None, None):  # `x: int = None`, as people write it
                check = Either(f"{check.expected} | None", check, Check("None", types.NoneType))
            self.checks[field.name] = check
            if check.only is not None:
                self.exact[field.name] = check.only

    def admit(self, state: dict[str, Any], seen: Seen | None) -> None:
        """Raise InsecureJelly, which says where and what, unless every value is of its field's type."""
        exact = self.exact
        for name, value in state.items():
            if exact.get(name) is type(value):
                continue
            check = self.checks.get(name)
            if check is not None and not check.holds(value, seen):
                raise InsecureJelly(_fault(f"{self.name}.{name}", check, value))


def _fault(name: str, check: Check, value: Any) -> str:
    path, found = check.offender(value, {})
    got = type(found).__qualname__
    if type(found) in (str, bytes, int, float):
        got = f"{got} {clip(found, 40)}"
    where = f" at {path.strip()}" if path else ""
    return f"{name} takes {check.expected}, not {got}{where}"


def checked(target: F) -> F:
    """
    Have the arguments of a remote method checked by its annotations; of a class, those of all its remote methods.

    A wrong one ends the call with InsecureJelly, which names the argument, what it takes and what came; the method is
    not run. What is not annotated is not checked. Calls from within the program are checked, too.
    """
    if isinstance(target, type):
        for name, value in list(vars(target).items()):
            if name.startswith(PREFIXES) and inspect.isfunction(value):
                setattr(target, name, checked(value))
        return target
    function: Any = target
    parameters = list(inspect.signature(function).parameters.values())
    plan: list[tuple[list[Check | None], dict[str, Check | None], Check | None, Check | None]] = []

    def compiled() -> tuple[list[Check | None], dict[str, Check | None], Check | None, Check | None]:
        positional: list[Check | None] = []
        by_name: dict[str, Check | None] = {}
        more: Check | None = None
        rest: Check | None = None
        for each in parameters:
            check = None if each.annotation is each.empty else check_for(resolved(function, each.annotation))
            if check is not None and each.default is None and not check.holds(None, None):
                check = Either(f"{check.expected} | None", check, Check("None", types.NoneType))
            if each.kind is each.VAR_POSITIONAL:
                more = check
            elif each.kind is each.VAR_KEYWORD:
                rest = check
            else:
                by_name[each.name] = check
                if each.kind is not each.KEYWORD_ONLY:
                    positional.append(check)
        return positional, by_name, more, rest

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if not plan:
            plan.append(compiled())
        positional, by_name, more, rest = plan[0]
        seen: Seen = {}
        for place, value in enumerate(args):
            check = positional[place] if place < len(positional) else more
            if check is not None and not check.holds(value, seen):
                name = parameters[place].name if place < len(positional) else f"argument {place}"
                raise InsecureJelly(_fault(f"{function.__name__}: {name}", check, value))
        for name, value in kwargs.items():
            check = by_name.get(name, rest)
            if check is not None and not check.holds(value, seen):
                raise InsecureJelly(_fault(f"{function.__name__}: {name}", check, value))
        return function(*args, **kwargs)

    return typing.cast(F, run)


__all__ = ("ARRIVES", "COPYABLE", "Check", "Fields", "check_for", "checked", "resolved")
