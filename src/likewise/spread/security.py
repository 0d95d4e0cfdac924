"""
Tasters: what may come in, by type, module and class.

A taster that allows all basic types, as those of most programs do, costs nothing while a message is read. A *narrow*
one has every message looked through first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Final

from twisted.python.reflect import qual

from ..bounded import clip
from ..errors import InsecureJelly
from ..jelly.plans import TAKER, Incoming

BASIC_TYPES: Final = frozenset(
    b"None boolean unicode decimal datetime date time timedelta set frozenset dictionary list tuple reference "
    b"dereference unpersistable remote cached lcache local".split()
)
"""The types that the decoder builds without asking."""

undotted: Final[set[bytes]] = set()
"""Registered tags without a dot: a taster has to name them."""


class NotifyingDict(dict[Any, Any]):
    """A dict that says when it has changed."""

    def __init__(self, changed: Callable[[], None], items: Any = ()) -> None:
        super().__init__(items)
        self._changed = changed

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._changed()

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._changed()

    def pop(self, *args: Any) -> Any:
        found = super().pop(*args)
        self._changed()
        return found

    def popitem(self) -> tuple[Any, Any]:
        found = super().popitem()
        self._changed()
        return found

    def clear(self) -> None:
        super().clear()
        self._changed()

    def update(self, *args: Any, **kwargs: Any) -> None:
        super().update(*args, **kwargs)
        self._changed()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        found = super().setdefault(key, default)
        self._changed()
        return found


# --- tasters


class DummySecurityOptions:
    """Allows everything. For jelly that never leaves this process, or comes from one that is trusted like it."""

    __module__ = "likewise.spread.jelly"

    def isModuleAllowed(self, moduleName: Any) -> Any:
        """Whether things of this module may be looked up."""
        return 1

    def isClassAllowed(self, klass: Any) -> Any:
        """Whether instances of this class may be built, its module being allowed."""
        return 1

    def isTypeAllowed(self, typeName: Any) -> Any:
        """Whether a type of this name may come in."""
        return 1


class SecurityOptions:
    """
    Allows atoms only, until told more; what contains a dot passes as a type and is then looked up in a registry.

    ``allowedTypes``, ``allowedModules`` and ``allowedClasses`` are dicts: names as bytes, classes.
    """

    __module__ = "likewise.spread.jelly"

    basicTypes = [
        "dictionary",
        "list",
        "tuple",
        "reference",
        "dereference",
        "unpersistable",
        "persistent",
        "long_int",
        "long",
        "dict",
    ]

    def __init__(self) -> None:
        atoms = "None bool boolean string str int float datetime time date timedelta NoneType unicode decimal set frozenset"
        self.allowedTypes = dict.fromkeys(atoms.encode().split(), 1)
        self.allowedModules: dict[bytes, int] = {}
        self.allowedClasses: dict[type, int] = {}

    @property
    def allowedTypes(self) -> dict[bytes, int]:
        """The names of the types that may come in."""
        return self._types

    @allowedTypes.setter
    def allowedTypes(self, types: dict[bytes, int]) -> None:
        self._types = NotifyingDict(self._changed, types)
        self._changed()

    def _changed(self) -> None:
        self._narrow_at: tuple[int, bool] = (-1, True)

    def is_narrow(self) -> bool:
        """Whether this refuses anything that the decoder would build without asking."""
        at, is_narrow = self._narrow_at
        if at != len(undotted):
            is_narrow = not (BASIC_TYPES | undotted <= self._types.keys())
            self._narrow_at = (len(undotted), is_narrow)
        return is_narrow

    def allowBasicTypes(self) -> None:
        """Allow lists, dictionaries, tuples and references inside a jelly, and marks of what could not be sent."""
        self.allowTypes(*self.basicTypes)

    def allowTypes(self, *types: Any) -> None:
        """Allow types by name, or by the name of a class."""
        for each in types:
            if isinstance(each, str):
                each = each.encode()
            self.allowedTypes[each if isinstance(each, bytes) else qual(each).encode()] = 1

    def allowInstancesOf(self, *classes: type) -> None:
        """Allow instances of these classes, and what goes with them: basic types, their modules, classes as values."""
        self.allowBasicTypes()
        self.allowTypes("instance", "class", "classobj", "module")
        for klass in classes:
            self.allowTypes(qual(klass))
            self.allowModules(klass.__module__)
            self.allowedClasses[klass] = 1

    def allowModules(self, *modules: Any) -> None:
        """Allow modules, by name or themselves, as values and as homes of classes and functions."""
        for module in modules:
            name = module.__name__ if isinstance(module, ModuleType) else module
            self.allowedModules[name if isinstance(name, bytes) else name.encode()] = 1

    def isModuleAllowed(self, moduleName: Any) -> Any:
        """Whether things of this module may be looked up."""
        return (moduleName if isinstance(moduleName, bytes) else moduleName.encode()) in self.allowedModules

    def isClassAllowed(self, klass: Any) -> Any:
        """Whether instances of this class may be built, its module being allowed."""
        return klass in self.allowedClasses

    def isTypeAllowed(self, typeName: Any) -> Any:
        """Whether a type of this name may come in."""
        name = typeName if isinstance(typeName, bytes) else typeName.encode()
        return name in self._types or b"." in name


def is_narrow(taster: Any) -> bool:
    """Whether every message has to be looked through with this taster before it is read."""
    method = getattr(type(taster), "isTypeAllowed", None)
    if method is SecurityOptions.isTypeAllowed:
        narrow: bool = taster.is_narrow()
        return narrow
    return method is not DummySecurityOptions.isTypeAllowed


def check_types(expression: Any, taster: Any, incoming: Mapping[bytes, Incoming]) -> None:
    """
    Look through a jelly for types that a taster refuses; forms that are read by their own class are left to it.

    ``incoming`` tells which these are.

    Raises:
        InsecureJelly: it names the type.
    """
    stack = [expression]
    while stack:
        item = stack.pop()
        if not isinstance(item, list) or not item or type(item[0]) is not bytes:
            continue  # no jelly: the decoder says so better
        word = item[0]
        if not taster.isTypeAllowed(word):
            raise InsecureJelly(clip(word))
        plan = incoming.get(word)
        if word == b"dictionary":
            for pair in reversed(item[1:]):
                stack.extend(reversed(pair) if isinstance(pair, list) else ())
        elif plan is None or plan.kind != TAKER:
            stack.extend(reversed(item[1:]))


globalSecurity = SecurityOptions()
globalSecurity.allowBasicTypes()
