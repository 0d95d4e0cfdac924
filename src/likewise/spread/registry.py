"""
The two registries of Twisted, tag to class and tag to factory, and what the decoder makes of them.

What is registered here is admitted by connections of ours, and by those of likewise's asyncio driver in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from twisted.python.reflect import qual

from ..jelly.context import Receivable
from ..jelly.plans import CACHE, COPY, COPY_HOOK, FACTORY, TAKER, Incoming
from ..jelly.registry import Registry, default_registry, registered_plan
from .forms import Filled, is_stock, taker
from .security import BASIC_TYPES, globalSecurity, undotted

registry: Final = Registry()
"""What comes in over a connection of ours. What is not in it is looked for in ``likewise.default_registry``."""

detached: Final = Registry()
"""What ``unjelly()`` builds where there is no connection."""


class Registered(Incoming):
    """How an instance of a registered class is read from a connection: as its hooks have it while a message is read."""

    def __init__(self, unjellyable: Any) -> None:
        self.registered = unjellyable
        self._taker = taker(unjellyable)
        super().__init__(*self._kind())

    def _kind(self) -> tuple[int, Any]:
        cls = self.registered
        reads_itself = not (is_stock(cls, "unjellyFor") and is_stock(cls, "setStateFor"))
        if not isinstance(cls, type) or reads_itself:
            return TAKER, self._taker
        if getattr(cls, "is_cache", False):
            return CACHE, cls
        is_plain = getattr(cls, "setCopyableState", None) in (None, Receivable.setCopyableState)
        return COPY if is_plain else COPY_HOOK, cls

    def look_again(self, message: int) -> None:
        self.kind, self.make = self._kind()
        super().look_again(message)


def plan_of(unjellyable: Any) -> Incoming:
    """How an instance of a registered class is read from a connection."""
    plan = registered_plan(unjellyable) if isinstance(unjellyable, type) else None
    return Registered(unjellyable) if plan is None else plan


def detached_plan_of(unjellyable: Any) -> Incoming:
    """How one is read where there is no connection."""
    plan = plan_of(unjellyable)
    return Filled(unjellyable, is_trusted=True) if plan.kind in (COPY, COPY_HOOK, CACHE) else plan


class Classes(dict[bytes, Any]):
    """Tag -> what stands for it; changing it changes what is admitted."""

    def __init__(self, plan: Callable[[Any], Incoming], detached_plan: Callable[[Any], Incoming]) -> None:
        super().__init__()
        self._plan = plan
        self._detached_plan = detached_plan

    def __setitem__(self, tag: bytes, unjellyable: Any) -> None:
        if tag in BASIC_TYPES:  # of PB itself: listed, as in Twisted, and read by the decoder
            super().__setitem__(tag, unjellyable)
            return
        registry.incoming[tag] = plan = self._plan(unjellyable)
        detached.incoming[tag] = self._detached_plan(unjellyable)
        if not tag.startswith(b"twisted.spread."):  # the other driver has its own for these
            default_registry.incoming[tag] = plan
        if b"." not in tag:
            undotted.add(tag)
        super().__setitem__(tag, unjellyable)

    def __delitem__(self, tag: bytes) -> None:
        super().__delitem__(tag)
        for each in (registry, detached, default_registry):
            each.incoming.pop(tag, None)
        undotted.discard(tag)

    def pop(self, tag: bytes, *default: Any) -> Any:
        if tag not in self:
            return super().pop(tag, *default)
        found = self[tag]
        del self[tag]
        return found

    def update(self, other: Any = (), **more: Any) -> None:
        items: Iterable[tuple[Any, Any]] = other.items() if hasattr(other, "items") else other
        for tag, unjellyable in [*items, *more.items()]:
            self[tag] = unjellyable


def _factory(function: Any) -> Incoming:
    return Incoming(FACTORY, function)


unjellyableRegistry = Classes(plan_of, detached_plan_of)
unjellyableFactoryRegistry = Classes(_factory, _factory)


def tag_of(classname: Any) -> bytes:
    """The tag of a class, or of its name."""
    name = qual(classname) if isinstance(classname, type) else classname
    return name if isinstance(name, bytes) else str(name).encode()


def setUnjellyableForClass(classname: Any, unjellyable: Any) -> None:
    """
    Say which local class stands for a remote one.

    ``classname`` is the sender's class, its full name, or the tag that its ``getTypeToCopy`` returns.
    """
    tag = tag_of(classname)
    unjellyableRegistry[tag] = unjellyable
    globalSecurity.allowTypes(tag)


def setUnjellyableFactoryForClass(classname: Any, copyFactory: Callable[[Any], Any]) -> None:
    """Have ``copyFactory(state)`` make the local object for a remote class."""
    tag = tag_of(classname)
    if tag not in unjellyableRegistry:  # which goes first
        unjellyableFactoryRegistry[tag] = copyFactory
    globalSecurity.allowTypes(tag)


def setUnjellyableForClassTree(module: Any, baseClass: type, prefix: str | None = None) -> None:
    """
    Register every class in ``module`` that derives from ``baseClass``, under ``prefix + "." + its name``.

    ``prefix`` is the module's name unless given; ``""`` makes the tag the bare class name.
    """
    prefix = module.__name__ if prefix is None else prefix
    for name in dir(module):
        found = getattr(module, name)
        if isinstance(found, type) and issubclass(found, baseClass):
            setUnjellyableForClass(f"{prefix}.{name}" if prefix else name, found)
