"""
What the tables of a session hold: an object of ours that the peer has, or a mirror, and the other way round.

An entry of something of the peer's knows it weakly: the tables keep nothing alive that the application has let go of.
"""

from __future__ import annotations

import weakref
from typing import Any, Protocol

from ..bounded import opaque_types
from ..errors import ENDS_THE_PROGRAM, InsecureJelly
from ..jelly.context import Luid
from ..jelly.plans import set_state
from ..wire import native
from ..wire.keys import keyed
from .events import Driver

Release = tuple[bool, Luid, int]  # is it a cache, its id, how many counts are given back


class MirrorTables(Protocol):
    """The tables that an entry stands in."""

    def has_ended(self, ref: Any) -> None:
        """The mirror is gone; called by its finalizer."""


def luid_key(luid: Luid) -> Luid:
    """What stands for an id of the peer's choice in a table of ours."""
    return keyed(luid) if type(luid) is int else luid


def takes_expressions(target: Any) -> bool:
    """Whether this object reads the arguments of its calls itself, as s-expressions."""
    cls = type(target)  # what is on the object itself may have come from the peer
    known = getattr(cls, "takes_expressions", None)
    if isinstance(known, property):
        known = known.__get__(target)
    return bool(known) if known is not None else not hasattr(cls, "find_remote_method")


class Exported:
    """An object of ours that the peer holds by reference."""

    __slots__ = ("count", "is_raw", "key", "target")

    def __init__(self, target: Any, key: object) -> None:
        self.is_raw = takes_expressions(target)
        self.target = target
        self.key = key
        self.count = 1


class Observed:
    """A Cacheable of ours that the peer mirrors as one perspective sees it; ``key`` says which Cacheable, and who."""

    __slots__ = ("cacheable", "count", "key", "observer", "perspective")

    def __init__(self, cacheable: Any, key: tuple[object, object], perspective: Any, observer: Any) -> None:
        self.cacheable = cacheable
        self.key = key
        self.perspective = perspective
        self.observer = observer
        self.count = 1

    def stop(self, driver: Driver) -> None:
        """Tell the Cacheable that its observer is gone; whatever it raises stays here, but what ends the program."""
        try:
            self.cacheable.stoppedObserving(self.perspective, self.observer)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:  # whatever it is, the others are told
            driver.report("running stoppedObserving", error)
        finally:
            self.observer.stop()


class Held(weakref.ref[Any]):
    """A reference of ours to an object of the peer; ``count`` is how often the peer sent it."""

    __slots__ = ("count", "luid")
    count: int
    luid: Luid


class MirrorRef(weakref.ref[Any]):
    """Leads from a mirror to its entry when the mirror is gone."""

    __slots__ = ("entry",)
    entry: MirrorEntry


class MirrorEntry:
    """
    A mirror here of a Cacheable of the peer.

    From the mirror's end until the peer's ``uncache`` the state is kept: until it hears of the end, the peer may still
    send changes, or ``cached`` for what it believes to be here. ``because`` says why a mirror that lives is followed no
    longer; ``failures`` counts the changes that it could not take.
    """

    __slots__ = ("because", "cls", "count", "failures", "is_filled", "luid", "ref", "state", "tables")

    def __init__(self, tables: MirrorTables, luid: int, mirror: Any, is_filled: bool) -> None:
        self.tables: MirrorTables | None = tables
        self.luid = luid
        self.cls: Any = type(mirror)
        self.count = 1
        self.failures = 0
        self.because: str | None = None
        self.is_filled = is_filled  # the mirror has got its state
        self.state: dict[str, Any] | None = None
        self.attach(mirror)

    def attach(self, mirror: Any) -> None:
        assert self.tables is not None
        self.ref: MirrorRef | None = MirrorRef(mirror, self.tables.has_ended)
        self.ref.entry = self
        self.state = None
        mirror._mirror = self

    def keep(self, state: dict[str, Any]) -> None:
        """Called by the mirror's finalizer."""
        if self.tables is not None:
            self.state = state

    def living(self) -> Any:
        """The mirror, or ``None``."""
        return self.ref() if self.ref is not None else None

    def revived(self) -> Any:
        """A new object with the state of the one that ended."""
        if not self.is_filled:
            raise InsecureJelly(f"the cache {self.luid} is not here: its state could not be read")
        if self.state is None:
            raise InsecureJelly(f"the mirror {self.luid} has ended, and its class overrides __del__ without super()")
        mirror = native.new_instance(self.cls)
        set_state(mirror, self.state)
        return mirror

    def end(self, because: str) -> None:
        self.tables = None
        self.state = None
        self.because = because

    def stop(self, driver: Driver) -> None:
        """Tell the mirror, if there still is one, that it is followed no longer."""
        mirror = self.living()
        hook = getattr(type(mirror), "mirror_ended", None)
        if hook is None or not self.is_filled:
            return
        try:
            hook(mirror, self.because)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:
            driver.report("running mirror_ended", error)


opaque_types.add(MirrorEntry)


__all__ = ("Exported", "Held", "MirrorEntry", "MirrorRef", "Observed", "takes_expressions")
