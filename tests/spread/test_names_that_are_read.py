"""As tests/objects/test_names_that_are_read.py, for the drop-in beside Twisted: no name that is read comes from the wire."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.errors import InsecureJelly
from likewise.jelly.plans import admit_name
from likewise.spread import pb
from tests.objects.test_names_that_are_read import NAMES, PROBE, Watched, may_come, noted
from tests.spread.ends import Pair


class Sent(pb.Copyable):
    def __init__(self, tag: str, state: dict[str, Any]) -> None:
        self.tag = tag
        self.state = state

    def getTypeToCopy(self) -> str:
        return self.tag

    def getStateToCopy(self) -> Any:
        return {name.encode(): value for name, value in self.state.items()}


class Live(pb.Cacheable):
    def __init__(self, tag: str, state: dict[str, Any]) -> None:
        self.tag = tag
        self.state = state
        self.observers: list[Any] = []

    def getTypeToCopy(self) -> str:
        return self.tag

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {name.encode(): value for name, value in self.state.items()}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class Copy(Watched, pb.RemoteCopy):
    pass


class SendableCopy(Watched, pb.RemoteCopy, pb.Copyable):
    pass


class ReferenceableCopy(Watched, pb.RemoteCopy, pb.Referenceable):
    def remote_ask(self) -> str:
        return "asked"


class ViewableCopy(Watched, pb.RemoteCopy, pb.Viewable):
    def view_ask(self, perspective: Any) -> str:
        return "asked"


class CacheableCopy(Watched, pb.RemoteCopy, pb.Cacheable):
    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        pass


class Mirror(Watched, pb.RemoteCache):
    def observe_told(self, what: int) -> None:
        self.__dict__["told"] = what


KINDS = (Copy, SendableCopy, ReferenceableCopy, ViewableCopy, CacheableCopy, Mirror)
for kind in KINDS:
    pb.setUnjellyableForClass(f"watched.{kind.__name__}", kind)


class Root(pb.Root):
    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def remote_give(self) -> Any:
        return self.thing

    def remote_take(self, *things: Any) -> int:
        return len(things)

    def remote_ask(self, reference: Any) -> Any:
        return reference.callRemote("ask")


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_no_name_that_the_library_reads_on_an_instance_comes_from_the_wire(cls: type) -> None:
    noted.clear()
    taken = {name: PROBE for name in NAMES if may_come(cls, name)}
    assert len(taken) > 500
    live = Live(f"watched.{cls.__name__}", taken)
    pair = Pair(Root(live if cls is Mirror else Sent(live.tag, taken)))
    arrived = pair.ask("give")
    assert object.__getattribute__(arrived, "__dict__") == taken
    for observer in list(live.observers):
        pair.result(observer.callRemote("told", 5))
        pair.result(observer.callRemote("nothing", 5))
    for name, args in (("take", (arrived, [arrived], (arrived, arrived))), ("ask", (arrived,))):
        with contextlib.suppress(InsecureJelly):
            pair.ask(name, *args)
    repr(arrived)
    copy.copy(arrived)
    for observer in list(live.observers):
        observer.end("enough")
    pair.carry()
    pair.lose()
    assert sorted(set(noted)) == []


@pytest.mark.parametrize("flag", ["takes_expressions", "is_cache", "perspective", "_mirror", "remoteMessageReceived"])
def test_the_flags_of_the_library_are_refused_and_the_connection_goes_on(flag: str) -> None:
    owners = [cls for cls in KINDS if hasattr(cls, flag) or (flag == "_mirror" and cls is Mirror)]
    assert owners
    for cls in owners:
        with pytest.raises(InsecureJelly, match=f"'{flag}' is behaviour of "):
            admit_name(cls, flag)
        live = Live(f"watched.{cls.__name__}", {flag: PROBE})
        pair = Pair(Root(live if cls is Mirror else Sent(live.tag, {flag: PROBE})))
        assert f"'{flag}' is behaviour of " in str(pair.ask("give").value)
        assert pair.ask("take", 1) == 1
