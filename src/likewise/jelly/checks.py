"""
Whether a value is what an annotation says: for the fields of copyable dataclasses, and for methods that ask for it.

A :class:`Check` is made of an annotation by :mod:`~likewise.jelly.annotations`. Beside saying yes or no, it makes floats of
whole numbers where a ``float`` is meant: peers whose language has one kind of number send 2.0 as 2.

Work is bounded: a container that is shared is looked through once for each annotation, however often it occurs. What an
annotation that leads back to itself takes is a tree, of at most :data:`~likewise.limits.ALIAS_DEPTH` levels.
"""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import types
from typing import Any, Final

from ..bounded import clip
from ..errors import InsecureJelly
from ..limits import ALIAS_DEPTH

# ids of a container and a Check -> what was found, and the container, which is kept alive
Seen = dict[tuple[int, int], tuple[Any, Any]]

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
FEW_ITEMS: Final = 8  # items that are looked at again rather than remembered
FEW_LEVELS: Final = 4  # of an annotation that leads back to itself, in the path that an error tells
NAMED_LEVELS: Final = (0, 1)  # where ``seen`` counts those
DEPTH: Final = (0, 0)  # where ``seen`` counts the levels of annotations that lead back to themselves


class Check:
    """Whether a value is an instance of one of these classes. The base of those that look inside."""

    __slots__ = ("classes", "expected", "floats", "only")

    def __init__(self, expected: str, *classes: type, floats: bool = False) -> None:
        self.expected = expected  # the annotation as people write it
        self.classes = classes
        self.only: Any = classes[0] if type(self) is Check and classes else None  # an instance of it needs no second look
        self.floats = floats  # whether whole numbers, here or inside, are made floats

    def holds(self, value: Any, seen: Seen | None) -> bool:
        """Whether ``value`` is what it should be; ``seen`` remembers containers, where some may be shared."""
        return isinstance(value, self.classes)

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        """Where in ``value`` the fault is, and what is there."""
        return "", value

    def to_float(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        """
        The value, with floats for whole numbers where floats are meant, as far as that changes nothing about them.

        ``in_place``: lists, dicts and sets stay the objects that they are. Else they are made anew where they change.
        """
        if type(value) is int:
            try:
                exact = float(value)
            except OverflowError:
                return value
            return exact if int(exact) == value else value
        return value


class Items(Check):
    """Looks at each item of a container, ``parts`` for each: one for sequences and sets, two for mappings."""

    __slots__ = ("parts",)

    def __init__(self, expected: str, origin: type, *parts: Check | None) -> None:
        super().__init__(expected, origin, floats=wants_floats(parts))
        self.parts = parts

    def holds(self, value: Any, seen: Seen | None) -> bool:
        if not isinstance(value, self.classes):
            return False
        container: Any = value
        if seen is None or len(container) <= FEW_ITEMS:
            return self._all_hold(container, seen)
        known = seen.get((id(value), id(self)))
        if known is None:
            known = seen[id(value), id(self)] = (self._all_hold(container, seen), container)
        holds: bool = known[0]
        return holds

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

    def to_float(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        kind = type(value)
        if not self.floats or not isinstance(value, self.classes) or kind not in CHECKED_CONTAINERS:
            return value
        known = seen.get((id(value), -id(self))) if seen is not None else None
        if known is not None:
            return known[0]
        made = self._with_floats(value, kind, seen, in_place)
        if seen is not None:
            seen[id(value), -id(self)] = (made, value)
        return made

    def _with_floats(self, value: Any, kind: type, seen: Seen | None, in_place: bool) -> Any:
        columns = []
        is_changed = False
        for part, items in zip(self.parts, self._columns(value), strict=True):
            made = list(items)
            if part is not None and part.floats and (part.only is not float or int in map(type, made)):
                for place, item in enumerate(made):
                    new = part.to_float(item, seen, in_place)
                    if new is not item:
                        made[place] = new
                        is_changed = True
            columns.append(made)
        if not is_changed:
            return value
        new_items: Any = dict(zip(*columns, strict=True)) if len(columns) == 2 else columns[0]
        if not in_place or kind is tuple or kind is frozenset:
            return kind(new_items)
        value.clear()
        if kind is list:
            value += new_items
        else:
            value.update(new_items)
        return value

    def _columns(self, value: Any) -> tuple[Any, ...]:
        return (value, value.values()) if len(self.parts) == 2 else (value,)

    def _place(self, value: Any, place: int, part: Check) -> str:
        if len(self.parts) == 2:
            return " key" if part is self.parts[0] else f"[{clip(list(value)[place], 20)}]"
        return f"[{place}]" if isinstance(value, (list, tuple)) else " member"


class Fixed(Check):
    """A tuple with a Check for each place; where ``rest`` is given, that many of them may stand where it does."""

    __slots__ = ("after", "before", "has_rest", "rest")

    def __init__(
        self,
        expected: str,
        before: tuple[Check | None, ...],
        has_rest: bool = False,
        rest: Check | None = None,
        after: tuple[Check | None, ...] = (),
    ) -> None:
        super().__init__(expected, tuple, floats=wants_floats((*before, rest, *after)))
        self.before = before
        self.has_rest = has_rest
        self.rest = rest
        self.after = after

    def holds(self, value: Any, seen: Seen | None) -> bool:
        if not self._fits(value):
            return False
        if seen is None or not self.has_rest or len(value) <= FEW_ITEMS:
            return self._all_hold(value, seen)
        known = seen.get((id(value), id(self)))
        if known is None:
            known = seen[id(value), id(self)] = (self._all_hold(value, seen), value)
        holds: bool = known[0]
        return holds

    def _all_hold(self, value: Any, seen: Seen | None) -> bool:
        for part, item in zip(self._parts(len(value)), value, strict=True):  # a loop: a cpdef takes no generator
            if part is not None and not part.holds(item, seen):
                return False
        return True

    def _fits(self, value: Any) -> bool:
        if not isinstance(value, tuple):
            return False
        least = len(self.before) + len(self.after)
        return len(value) >= least if self.has_rest else len(value) == least

    def _parts(self, size: int) -> tuple[Check | None, ...]:
        if not self.has_rest:
            return self.before
        return (*self.before, *((self.rest,) * (size - len(self.before) - len(self.after))), *self.after)

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        if self._fits(value):
            for place, (part, item) in enumerate(zip(self._parts(len(value)), value, strict=True)):
                if part is not None and not part.holds(item, seen):
                    path, found = part.offender(item, seen)
                    return f"[{place}]{path}", found
        return "", value

    def to_float(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        if not self.floats or type(value) is not tuple or not self._fits(value):
            return value
        if seen is None or not self.has_rest or len(value) <= FEW_ITEMS:
            return self._with_floats(value, seen, in_place)
        known = seen.get((id(value), -id(self)))
        if known is None:
            known = seen[id(value), -id(self)] = (self._with_floats(value, seen, in_place), value)
        return known[0]

    def _with_floats(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        parts = self._parts(len(value))
        made = [
            item if part is None or not part.floats else part.to_float(item, seen, in_place)
            for part, item in zip(parts, value, strict=True)
        ]
        for new, item in zip(made, value, strict=True):
            if new is not item:
                return tuple(made)
        return value


class KeysCheck(Check):
    """A dict with a Check for each key that is known, as a TypedDict has it; others may be there, too."""

    __slots__ = ("parts", "required")

    def __init__(self, expected: str) -> None:
        super().__init__(expected, dict)
        self.parts: dict[str, Check | None] = {}  # these two are filled later: they may lead back to this
        self.required: frozenset[str] = frozenset()

    def holds(self, value: Any, seen: Seen | None) -> bool:
        if not isinstance(value, dict) or not self.required <= value.keys():
            return False
        for name, part in self.parts.items():
            if part is not None and name in value and not part.holds(value[name], seen):
                return False
        return True

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        if isinstance(value, dict):
            for name in sorted(self.required - value.keys()):
                return f" without key {name!r}", value
            for name, part in self.parts.items():
                if part is not None and name in value and not part.holds(value[name], seen):
                    path, found = part.offender(value[name], seen)
                    return f"[{name!r}]{path}", found
        return "", value

    def to_float(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        if not self.floats or type(value) is not dict:
            return value
        for name, part in self.parts.items():
            if part is not None and part.floats and name in value:
                new = part.to_float(value[name], seen, in_place)
                if new is not value[name]:
                    if not in_place:
                        value = dict(value)
                        in_place = True
                    value[name] = new
        return value


class Either(Check):
    """One of several Checks."""

    __slots__ = ("parts",)

    def __init__(self, expected: str, *parts: Check) -> None:
        super().__init__(expected, floats=wants_floats(parts))
        self.parts = parts

    def holds(self, value: Any, seen: Seen | None) -> bool:
        for part in self.parts:  # noqa: SIM110  # a loop, as above
            if part.holds(value, seen):
                return True
        return False

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        deeper = [found for found in [part.offender(value, seen) for part in self.parts] if found[0]]
        return deeper[0] if len(deeper) == 1 else ("", value)

    def to_float(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        if type(value) is int:
            for part in self.parts:
                if not part.floats and part.holds(value, seen):
                    return value
        for part in self.parts:
            if part.holds(value, seen):
                return part.to_float(value, seen, in_place) if part.floats else value
        return value


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


class Named(Check):
    """An annotation that leads back to itself: what it takes has an end, and each part of it is looked at once."""

    __slots__ = ("target",)

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.target: Check | None = None  # filled when all of it is known

    def holds(self, value: Any, seen: Seen | None) -> bool:
        target = self.target
        if target is None:
            return True
        if not isinstance(value, CHECKED_CONTAINERS):
            return target.holds(value, seen)
        if seen is None:
            seen = {}
        key = (id(value), id(self))
        known = seen.get(key)
        if known is None:
            depth: int = seen.get(DEPTH, (0, None))[0]
            if depth >= ALIAS_DEPTH:
                raise InsecureJelly(f"over {ALIAS_DEPTH} levels of {self.expected}: too deep to be checked")
            seen[key] = (False, value)  # while it is looked at: what leads back to itself has no end
            seen[DEPTH] = (depth + 1, None)
            known = seen[key] = (target.holds(value, seen), value)
            seen[DEPTH] = (depth, None)
        holds: bool = known[0]
        return holds

    def offender(self, value: Any, seen: Seen) -> tuple[str, Any]:
        level: int = seen.get(NAMED_LEVELS, (0, None))[0]
        if self.target is None or level >= FEW_LEVELS:
            return "", value
        seen[NAMED_LEVELS] = (level + 1, None)
        found = self.target.offender(value, seen)
        seen[NAMED_LEVELS] = (level, None)
        return found

    def to_float(self, value: Any, seen: Seen | None, in_place: bool) -> Any:
        target = self.target
        if target is None or not self.floats:
            return value
        if seen is None or not isinstance(value, CHECKED_CONTAINERS):  # it holds, so that this has an end
            return target.to_float(value, seen, in_place)
        known = seen.get((id(value), -id(self)))
        if known is None:
            known = seen[id(value), -id(self)] = (target.to_float(value, seen, in_place), value)
        return known[0]


CHECKED_CONTAINERS: Final = (list, tuple, dict, set, frozenset)  # named tuples, too


def wants_floats(parts: tuple[Check | None, ...]) -> bool:
    """Whether one of these makes floats."""
    return any(part is not None and part.floats for part in parts)


class Fields:
    """The Checks of a dataclass's fields, by their names."""

    __slots__ = ("checks", "exact", "floats", "owner")

    def __init__(self, name: str, checks: dict[str, Check]) -> None:
        self.owner = f"{name}."
        self.checks = checks
        # field -> the one class that needs no second look
        self.exact: dict[str, Any] = {field: check.only for field, check in checks.items() if check.only is not None}
        self.floats = tuple(field for field, check in checks.items() if check.floats)

    def admit(self, state: dict[str, Any], seen: Seen | None) -> None:
        """Raise InsecureJelly, which says where and what, unless every value is of its field's type."""
        exact = self.exact
        for name, value in state.items():
            if exact.get(name) is type(value):
                continue
            check = self.checks.get(name)
            if check is not None:
                require(check, value, seen, self.owner, name)

    def to_floats(self, state: dict[str, Any], seen: Seen | None) -> dict[str, Any] | None:
        """Make floats of whole numbers in a state where floats are meant; the fields that have another value then."""
        changed: dict[str, Any] | None = None
        for name in self.floats:
            value = state.get(name)
            if value is not None and type(value) is not float:
                made = self.checks[name].to_float(value, seen, True)
                if made is not value:
                    if changed is None:
                        changed = {}
                    changed[name] = state[name] = made
        return changed


def require(check: Check, value: Any, seen: Seen | None, owner: str, name: str) -> None:
    """Raise InsecureJelly, which says where (``owner`` and ``name``) and what, unless a value is what it should be."""
    try:
        if check.holds(value, seen):
            return
        path, found = check.offender(value, {})
    except RecursionError:
        raise InsecureJelly(f"{owner}{name}: too deep to be checked") from None
    got = type(found).__qualname__
    if type(found) in (str, bytes, int, float):
        got = f"{got} {clip(found, 40)}"
    where = "" if not path else path if path.startswith(" without") else f" at {path.strip()}"
    raise InsecureJelly(f"{owner}{name} takes {check.expected}, not {got}{where}")


__all__ = ("ARRIVES", "COPYABLE", "Check", "Fields", "require")
