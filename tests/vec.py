"""
The application of the recorded conversations: what the server serves, and the classes that cross.

Their wire names begin with ``vec.``, as in the recording. Some of them may not cross, which is what they are for.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from likewise import Cacheable, Copyable, Error, Referenceable, Registry, RemoteCache, RemoteCopy, Root
from tests.replay import Result

VEC = "vec"


class Frog(Copyable):
    __module__ = VEC

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class RFrog(RemoteCopy):
    pass


class Tagged(Copyable):
    __module__ = VEC

    def __init__(self) -> None:
        self.legs = 4

    def getTypeToCopy(self) -> str:
        return "frog-tag"


class RTagged(RemoteCopy):
    pass


class Fact(Copyable):
    __module__ = VEC

    def __init__(self) -> None:
        self.a = 1


class Unknown(Copyable):
    """Nobody registers it."""

    __module__ = VEC

    def __init__(self) -> None:
        self.a = 1


class Plain:
    __module__ = VEC


class IntSub(int):
    __module__ = VEC


class StrSub(str):
    __module__ = VEC


class ListSub(list[Any]):
    __module__ = VEC


class Pond(Cacheable):
    __module__ = VEC

    def __init__(self) -> None:
        self.ducks = [b"one", b"two"]
        self.observers: list[Any] = []
        self.stopped = 0

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        self.observers.append(observer)
        return {"ducks": list(self.ducks)}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)
        self.stopped += 1


class RPond(RemoteCache):
    ducks: list[bytes]

    def observe_add(self, duck: bytes) -> int:
        self.ducks.append(duck)
        return len(self.ducks)


class MyError(Error):
    __module__ = VEC


class MyUnexpected(Exception):
    __module__ = VEC


class JErr(Error, Copyable, RemoteCopy):
    """An exception that travels as itself."""

    __module__ = VEC

    def __init__(self, code: int) -> None:
        Error.__init__(self)
        self.code = code


class Thing(Referenceable):
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def remote_ping(self, x: Any) -> str:
        self.calls.append(x)
        return "pong"


class Server(Root):
    """What the recorded server served."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.waiting: list[Result] = []
        self.shared_thing = Thing()
        self.shared_pond = Pond()

    def remote_echo(self, x: Any) -> Any:
        return x

    def remote_nothing(self) -> None:
        return None

    def remote_args(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        return args, kwargs

    def remote_keep(self, x: Any) -> None:
        self.kept.append(x)

    def remote_drop(self) -> None:
        self.kept.clear()

    def remote_later(self) -> Result:
        self.waiting.append(Result())
        return self.waiting[-1]

    def remote_thing(self) -> Thing:
        return Thing()

    def remote_sameThing(self) -> Thing:
        return self.shared_thing

    def remote_manyThings(self) -> list[Thing]:
        return [self.shared_thing, self.shared_thing, Thing()]

    def remote_isMine(self, x: Any) -> bool:
        return x is self.shared_thing

    def remote_call(self, reference: Any, x: Any) -> Any:
        return reference.callRemote("ping", x)

    def remote_frog(self) -> Frog:
        return Frog(legs=4, name="Fred")

    def remote_unknown(self) -> Unknown:
        return Unknown()

    def remote_pond(self) -> Pond:
        return self.shared_pond

    def remote_isMyPond(self, x: Any) -> bool:
        return x is self.shared_pond

    def remote_error(self) -> None:
        raise MyError("expected trouble")

    def remote_unexpected(self) -> None:
        raise MyUnexpected("unexpected trouble")

    def remote_deferredError(self) -> Result:
        return self.remote_later()

    def remote_deferredUnexpected(self) -> Result:
        return self.remote_later()

    def remote_jellyError(self) -> None:
        raise JErr(7)


def registry() -> Registry:
    """What both ends of the recorded conversations admit."""
    admitted = Registry(MyError)
    admitted.setUnjellyableForClass("vec.Frog", RFrog)
    admitted.setUnjellyableForClass("frog-tag", RTagged)
    admitted.setUnjellyableFactoryForClass("vec.Fact", lambda state: state)
    admitted.setUnjellyableForClass("vec.Pond", RPond)
    admitted.setUnjellyableForClass("vec.JErr", JErr)
    return admitted


INTS = [0, 1, -1, 127, 128, 16384, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63, -(2**63), 2**448 - 1, -(2**448) + 1]
FLOATS = [0.0, -0.0, 1.5, 1e300, float("inf"), float("-inf"), float("nan")]
STRINGS = [b"", b"abc", b"\x00\xff\x80", b"list", b"message", "", "abc", "\u00e9\u4e2d\U0001f600", "list"]
CONTAINERS = [[1, [2, []]], (1, (2, 3)), {"k": [1], 2: "two", (1, 2): None}, {7}, frozenset([8])]
DATES = [
    datetime.datetime(2026, 11, 23, 21, 5, 7, 89),
    datetime.date(1999, 1, 2),
    datetime.time(23, 59, 58, 1),
    datetime.timedelta(-1, 5, 6),
    *map(Decimal, ("9.95", "-78.901", "0", "1E+5", "0.0")),
]
