"""
The application of the recorded conversations as it was: written for Twisted's PB, with the imports changed.

Their wire names begin with ``vec.``, as in the recording. :class:`End` is one end of a conversation for
:mod:`tests.replay`: a Broker on a transport in memory.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.cred import checkers, portal
from twisted.internet import defer, main
from twisted.python.failure import Failure
from zope.interface import implementer

from likewise.broker.states import Side
from likewise.spread import pb, util
from tests.replay import Result

VEC = "vec"


class Frog(pb.Copyable):
    __module__ = VEC

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class RFrog(pb.RemoteCopy):
    pass


class Tagged(pb.Copyable):
    __module__ = VEC

    def __init__(self) -> None:
        self.legs = 4

    def getTypeToCopy(self) -> bytes:
        return b"frog-tag"


class RTagged(pb.RemoteCopy):
    pass


class Fact(pb.Copyable):
    __module__ = VEC

    def __init__(self) -> None:
        self.a = 1


class Unknown(pb.Copyable):
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


class Pond(pb.Cacheable):
    __module__ = VEC

    def __init__(self) -> None:
        self.ducks = [b"one", b"two"]
        self.observers: list[Any] = []
        self.stopped = 0

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"ducks": list(self.ducks)}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)
        self.stopped += 1


class RPond(pb.RemoteCache):
    ducks: list[bytes]

    def observe_add(self, duck: bytes) -> int:
        self.ducks.append(duck)
        return len(self.ducks)


class MyError(pb.Error):
    __module__ = VEC


class MyUnexpected(Exception):
    __module__ = VEC


class JErr(pb.Error, pb.Copyable, pb.RemoteCopy):
    """An exception that travels as itself."""

    __module__ = VEC

    def __init__(self, code: int) -> None:
        pb.Error.__init__(self)
        self.code = code


pb.setUnjellyableForClass("vec.Frog", RFrog)
pb.setUnjellyableForClass("frog-tag", RTagged)
pb.setUnjellyableFactoryForClass("vec.Fact", lambda state: state)
pb.setUnjellyableForClass("vec.Pond", RPond)
pb.setUnjellyableForClass("vec.JErr", JErr)


class Thing(pb.Referenceable):
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def remote_ping(self, x: Any) -> str:
        self.calls.append(x)
        return "pong"


class Mind(pb.Referenceable):
    def __init__(self) -> None:
        self.got: list[Any] = []

    def remote_print(self, *args: Any) -> None:
        self.got.append(args)


class Doc(pb.Viewable):
    def view_whoami(self, user: Any, extra: Any = None) -> tuple[Any, Any]:
        return user.name, extra


class Av(pb.Avatar):
    def __init__(self, name: str, mind: Any, doc: Doc) -> None:
        self.name = name
        self.mind = mind
        self.shared_doc = doc

    def perspective_add(self, a: int, b: int) -> int:
        return a + b

    def perspective_callback(self) -> Any:
        return self.mind.callRemote("print", "hello mind").addCallback(lambda _: None)

    def perspective_doc(self) -> Doc:
        return self.shared_doc


@implementer(portal.IRealm)
class Realm:
    """Who has come and gone."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.doc = Doc()

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        assert interfaces == (pb.IPerspective,)
        name = "anonymous" if avatarId is checkers.ANONYMOUS else avatarId.decode()
        self.log.append(f"login {name}")
        return pb.IPerspective, Av(name, mind, self.doc), lambda: self.log.append(f"logout {name}")


class Root(pb.Root):
    """What the recorded server served."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.waiting: list[defer.Deferred[Any]] = []
        self.shared_thing = Thing()
        self.shared_pond = Pond()

    def remote_echo(self, x: Any) -> Any:
        return x

    def remote_nothing(self) -> None:
        return None

    def remote_args(self, *args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    def remote_keep(self, x: Any) -> None:
        self.kept.append(x)

    def remote_drop(self) -> None:
        self.kept.clear()

    def remote_later(self) -> defer.Deferred[Any]:
        self.waiting.append(defer.Deferred())
        return self.waiting[-1]

    remote_deferredError = remote_deferredUnexpected = remote_later

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

    def remote_jellyError(self) -> None:
        raise JErr(7)

    def remote_pages(self, collector: Any) -> None:
        util.StringPager(collector, b"0123456789" * 3, 10)

    def remote_filePages(self, collector: Any) -> None:
        util.FilePager(collector, io.BytesIO(b"abc" * 10))


# --- one end of a conversation


class Transport:
    """Takes what is written, asks a pager for its pages, and is told to close."""

    def __init__(self) -> None:
        self.written = b""
        self.is_losing = False
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        if not self.is_losing:
            self.written += data

    def loseConnection(self) -> None:
        self.is_losing = True

    def registerProducer(self, producer: Any, streaming: Any) -> None:
        assert not streaming and self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None


class CallFailed(Exception):
    """The Failure that a call ended in."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure

    @property
    def outcome(self) -> str:
        """As the recording has it: ``vec.MyError: expected trouble``."""
        kind: Any = self.failure.type
        name = kind.decode() if isinstance(kind, bytes) else f"{kind.__module__}.{kind.__name__}"
        return f"{name}: {self.failure.getErrorMessage()}"


def settled(answer: defer.Deferred[Any]) -> Result:
    """A Deferred as the replay waits for it."""
    result = Result()
    answer.addCallbacks(result.succeed, lambda failure: result.fail(CallFailed(failure)))
    return result


class End:
    """One end: a Broker as a factory makes it."""

    def __init__(self, side: Side, *, has_portal: bool = False, dialects: tuple[bytes, ...] = (b"pb", b"none")) -> None:
        self.side = side
        self.root = Root()
        self.realm = Realm()
        self.is_closed = False
        self.reports: list[BaseException] = []
        self.factory: Any
        if side is Side.CLIENT:
            self.factory = pb.PBClientFactory()
        elif has_portal:
            users = checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
            self.factory = pb.PBServerFactory(portal.Portal(self.realm, [users]))
        else:
            self.factory = pb.PBServerFactory(self.root)
        self.broker: pb.Broker = self.factory.buildProtocol(None)
        self.broker.knownDialects = list(dialects)  # type: ignore[misc]
        self.transport = Transport()
        self.broker.makeConnection(self.transport)  # type: ignore[arg-type]

    def admit_strangers(self) -> None:
        """Let anybody log in without a name."""
        self.factory.root.portal.registerChecker(checkers.AllowAnonymousAccess())

    def call(self, method: str, *args: Any, **kwargs: Any) -> Result:
        return settled(self.broker.remoteForName("root").callRemote(method, *args, **kwargs))

    def close(self) -> None:
        """Our application ends the connection, or the peer did."""
        self.is_closed = True
        self.transport.loseConnection()
        self.broker.connectionLost(Failure(main.CONNECTION_DONE))

    def feed(self, data: bytes) -> bytes:
        self.broker.dataReceived(data)
        output = self.output()
        if self.transport.is_losing and not self.is_closed:
            self.close()
        return output

    def output(self) -> bytes:
        while self.transport.producer is not None:
            self.transport.producer.resumeProducing()
        written, self.transport.written = self.transport.written, b""
        return written

    def references(self) -> list[str]:
        """What the peer may call, as the recording has it."""
        return sorted(map(repr, self.broker.localObjects))
