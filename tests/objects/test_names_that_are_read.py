"""
No name that the library reads on an instance comes from the wire.

Every name in the source of the library that may come as state is sent, to objects of each kind that state can be given
to, and then what the library does with such objects is done. The classes note what is read on them from within the
library: nothing of it may be what has come.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import sys
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.jelly.plans import admit_name
from likewise.testing import Pair

SOURCE = Path(likewise.__file__).parent
PROBE = 4711


def names_read() -> list[str]:
    """All attribute names that some module of the library reads, as attributes or by ``getattr``."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                found.add(node.value)  # names in tables, which are read by getattr() elsewhere
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(node.name)
    return sorted(found)


NAMES = names_read()
noted: list[tuple[str, str]] = []


class Watched:
    """Notes what the library reads on an instance that has come from the wire."""

    def __getattribute__(self, name: str) -> Any:
        frame = sys._getframe(1)
        module = str(frame.f_globals.get("__name__"))
        if module.startswith("likewise.") and name in object.__getattribute__(self, "__dict__"):
            noted.append((module, name))
        return object.__getattribute__(self, name)


class Sent(likewise.Copyable):
    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    def getTypeToCopy(self) -> str:
        return "watched.Copy"

    def getStateToCopy(self) -> Any:
        return {name.encode(): value for name, value in self.state.items()}  # as Python 2 spells them


class Live(likewise.Cacheable):
    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.observers: list[Any] = []

    def getTypeToCopy(self) -> str:
        return "watched.Mirror"

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {name.encode(): value for name, value in self.state.items()}  # as Python 2 spells them

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class Copy(Watched, likewise.RemoteCopy):
    pass


class SendableCopy(Watched, likewise.RemoteCopy, likewise.Copyable):
    """Is sent on, by the attributes that came."""


class ReferenceableCopy(Watched, likewise.RemoteCopy, likewise.Referenceable):
    """Is called by the peer."""

    def remote_ask(self) -> str:
        return "asked"


class CacheableCopy(Watched, likewise.RemoteCopy, likewise.Cacheable):
    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class Mirror(Watched, likewise.RemoteCache):
    def observe_told(self, what: int) -> None:
        self.__dict__["told"] = what


class Root(likewise.Root):
    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def remote_give(self) -> Any:
        return self.thing

    def remote_take(self, *things: Any) -> int:
        return len(things)

    def remote_ask(self, reference: Any) -> Any:
        return reference.callRemote("ask")


def use(pair: Pair, arrived: Any, live: Live) -> None:
    """Do all that the library does with such an object."""
    for observer in list(live.observers):
        observer.callRemote("told", 5)
        observer.callRemote("nothing", 5)
    pair.run()
    viewed = likewise.ViewPoint(arrived, likewise.Viewable())
    for name, args in (("take", (arrived, [arrived], (arrived, arrived))), ("ask", (arrived,)), ("take", (viewed,))):
        with contextlib.suppress(InsecureJelly):
            pair.client.root.callRemote(name, *args)
        pair.run()
    repr(arrived)
    copy.copy(arrived)
    if isinstance(arrived, likewise.RemoteCache):
        assert arrived.ended_because is None and arrived.failed_changes == 1
    for observer in list(live.observers):
        observer.end("enough")
    pair.run()
    pair.client.lose()
    pair.run()


def may_come(cls: type, name: str) -> bool:
    try:
        admit_name(cls, name)
    except InsecureJelly:
        return False
    return True


@pytest.mark.parametrize("cls", [Copy, SendableCopy, ReferenceableCopy, CacheableCopy, Mirror], ids=lambda cls: cls.__name__)
def test_no_name_that_the_library_reads_on_an_instance_comes_from_the_wire(cls: type) -> None:
    noted.clear()
    taken = {name: PROBE for name in NAMES if may_come(cls, name)}
    assert len(taken) > 500  # what is no name of the object's own comes in as ever
    registry = likewise.Registry()
    registry.setUnjellyableForClass("watched.Mirror" if cls is Mirror else "watched.Copy", cls)
    live = Live(taken)
    pair = Pair(Root(live if cls is Mirror else Sent(taken)), accept=registry)
    result = pair.client.root.callRemote("give")
    pair.run()
    assert result.error is None
    assert object.__getattribute__(result.value, "__dict__") == taken
    use(pair, result.value, live)
    assert sorted(set(noted)) == []


def test_the_flags_of_the_library_are_among_the_names_that_are_refused() -> None:
    assert {"takes_expressions", "is_cache", "_mirror", "perspective", "setCopyableState", "jelly_into"} <= set(NAMES)
    for cls, names in (
        (Copy, ("is_cache", "setCopyableState")),
        (SendableCopy, ("jelly_into", "getStateToCopy")),
        (ReferenceableCopy, ("takes_expressions", "jelly_into", "processUniqueID", "find_remote_method", "remote_ask")),
        (Mirror, ("takes_expressions", "is_cache", "_mirror", "ended_because", "failed_changes", "observe_told")),
    ):
        assert [name for name in names if may_come(cls, name)] == []


def test_what_has_come_as_state_is_no_method_for_the_peer() -> None:
    """Not even where it can be called: as an instance whose class has a ``__call__`` can."""

    class Callable(likewise.RemoteCopy):
        def __call__(self) -> str:
            return "ran"

    class Target(likewise.RemoteCopy, likewise.Referenceable):
        pass

    target = Target()
    target.setCopyableState({"remote_run": Callable()})
    with pytest.raises(likewise.NoSuchMethod):
        target.find_remote_method("run")
    target.__dict__["remote_run"] = lambda: "put there by the program itself"
    assert target.find_remote_method("run")() == "put there by the program itself"
