"""
What the applications of the recorded conversations did: for each conversation and side a script, see ``replay.py``.

A script's assertions say what the bytes mean. A side without a script did nothing of its own accord.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from likewise import InsecureJelly, NoSuchMethod, NotSendable, RemoteError
from likewise.broker.states import Side
from likewise.errors import ConnectionClosed, RemoteProtocolError
from likewise.jelly.basics import Unpersistable
from likewise.wire.tokens import NONE
from tests import vec
from tests.replay import CONVERSATIONS, End, Script

Made = Callable[[End], Script]
SCRIPTS: dict[tuple[str, Side], Made] = {}


def client(*names: str) -> Callable[[Made], Made]:
    """What the client's application did."""
    return _script(names, Side.CLIENT)


def server(*names: str) -> Callable[[Made], Made]:
    """What the server's application did besides answering."""
    return _script(names, Side.SERVER)


def _script(names: tuple[str, ...], side: Side) -> Callable[[Made], Made]:
    def add(made: Made) -> Made:
        for name in names:
            assert name in CONVERSATIONS and (name, side) not in SCRIPTS
            SCRIPTS[name, side] = made
        return made

    return add


def nothing(at: End) -> Script:
    """The application does nothing of its own accord."""
    return
    yield


# --- what the applications did ----------------------------------------------------------------------------------


@client("negotiate-none")
def _(at: End) -> Script:
    assert (yield at.call("echo", [1, None, "x"])) == [1, None, "x"]
    assert at.broker.dialect is NONE


@client("negotiate-server-only-none", "call-noargs", "did-not-understand")
def _(at: End) -> Script:
    assert (yield at.call("nothing")) is None


@server("negotiate-unknown-selected", "version-mismatch-client")
@client("negotiate-no-common", "version-mismatch-server")
def _(at: End) -> Script:
    assert isinstance(at.fault, RemoteProtocolError) and at.is_closed
    with pytest.raises(ConnectionClosed):
        at.call("nothing")
    return
    yield


def _echo(name: str, value: Any) -> None:
    @client(name)
    def _(at: End) -> Script:
        got = yield at.call("echo", value)
        assert repr(got) == repr(value)


_echo("call-ints", vec.INTS)
_echo("call-floats", vec.FLOATS)
_echo("call-strings", vec.STRINGS)
_echo("call-none-bool", [None, True, False, 1, 0])
_echo("call-containers", vec.CONTAINERS)
_echo("call-dates", vec.DATES)
_echo("equal-not-shared", [[1], [1], "sss", "sss"])


@client("call-int-too-large")
def _(at: End) -> Script:
    with pytest.raises(NotSendable, match=r"args\[0\]: an int of 449 bits"):
        at.call("echo", 2**448)
    assert (yield at.call("nothing")) is None


@client("string-too-long")
def _(at: End) -> Script:
    with pytest.raises(NotSendable, match=r"args\[0\]: a byte string of 655,361 bytes"):
        at.call("echo", b"x" * 655_361)
    with pytest.raises(NotSendable, match=r"args\[0\]\['k'\]: a str of 655,361 bytes"):
        at.call("echo", {"k": "x" * 655_361})
    assert (yield at.call("nothing")) is None


@client("call-kwargs")
def _(at: End) -> Script:
    assert (yield at.call("args", 1, "two", name="n", key=[3])) == ((1, "two"), {"name": "n", "key": [3]})


@client("shared-list")
def _(at: End) -> Script:
    shared = [1]
    (one, two), _ = yield at.call("args", shared, shared)
    assert one is two and one == [1]


@client("shared-tuple")
def _(at: End) -> Script:
    shared = (1, 2)
    got = yield at.call("echo", [shared, shared, (), ()])
    assert got == [shared, shared, (), ()] and got[0] is got[1]


@client("shared-between-args-and-kwargs")
def _(at: End) -> Script:
    shared = [1]
    (one, two), kwargs = yield at.call("args", shared, shared, k=shared, l=shared)
    assert one is two and kwargs["k"] is kwargs["l"] and one is not kwargs["k"]
    assert one == kwargs["k"] == [1]


@server("subclasses")
def _(at: End) -> Script:
    yield None
    assert [type(each) for each in at.root.kept[0]] == [Unpersistable] * 3
    assert at.root.kept[0][0].reason == "instance of class vec.IntSub deemed insecure"


@client("cyclic-list")
def _(at: End) -> Script:
    value: list[Any] = []
    value.append(value)
    got = yield at.call("echo", value)
    assert type(got) is list and len(got) == 1 and got[0] is got


@client("cyclic-tuple")
def _(at: End) -> Script:
    value: tuple[list[Any]] = ([],)
    value[0].append(value)
    got = yield at.call("echo", value)
    assert type(got) is tuple and type(got[0]) is list and got[0][0] is got


@client("cyclic-dict")
def _(at: End) -> Script:
    value: dict[str, Any] = {}
    value.update(me=value, k=[value])
    got = yield at.call("echo", value)
    assert got["me"] is got and got["k"][0] is got and len(got) == 2


@client("pipelined")
def _(at: End) -> Script:
    order: list[Any] = []
    calls = [at.call("later") for _ in range(3)]
    for number, each in enumerate(calls):
        each.on_done = lambda result, number=number: order.append((number, result.value))
    yield None  # all three are out before there is an answer
    yield calls[1]
    assert order == [(2, "r2"), (0, "r0"), (1, "r1")]


@server("pipelined")
def _(at: End) -> Script:
    for number in (2, 0, 1):
        at.root.waiting[number].succeed(f"r{number}")
        yield None


@client("no-answer")
def _(at: End) -> Script:
    root = at.broker.remote("root")
    assert root.callRemoteOnly("keep", 5) is None
    assert root.callRemoteOnly("nosuch") is None
    assert at.broker.unanswered == 0
    assert (yield at.call("nothing")) is None


@server("no-answer")
def _(at: End) -> Script:
    yield None
    assert at.root.kept == [5]


@client("return-reference")
def _(at: End) -> Script:
    thing = yield at.call("thing")
    assert (yield thing.callRemote("ping", 1)) == "pong"
    del thing
    yield None
    assert at.sizes()["references"] == 0


@server("return-reference", "same-reference-twice", "reference-twice-in-one-message", "reference-home")
def _(at: End) -> Script:
    yield None
    assert at.sizes()["exported"] == 0


@client("same-reference-twice")
def _(at: End) -> Script:
    one = yield at.call("sameThing")
    two = yield at.call("sameThing")
    assert one is two
    del one, two


@client("reference-twice-in-one-message")
def _(at: End) -> Script:
    one, two, other = yield at.call("manyThings")
    assert one is two and one is not other
    yield None
    del other, two
    yield None
    del one


@client("pass-reference")
def _(at: End) -> Script:
    thing = vec.Thing()
    assert (yield at.call("call", thing, 42)) == "pong"
    assert thing.calls == [42] and at.sizes()["exported"] == 0


@server("pass-reference", "keep-reference")
def _(at: End) -> Script:
    yield None
    assert at.sizes()["references"] == 0


@client("keep-reference")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec.Thing())) is None
    assert at.sizes()["exported"] == 1
    assert (yield at.call("drop")) is None
    assert at.sizes()["exported"] == 0


@client("reference-home")
def _(at: End) -> Script:
    thing = yield at.call("sameThing")
    assert (yield at.call("isMine", thing)) is True


@client("copyable")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec.Frog(legs=4, name="Fred", b=b"raw"))) is None


@server("copyable")
def _(at: End) -> Script:
    yield None
    (frog,) = at.root.kept
    assert type(frog) is vec.RFrog and frog.__dict__ == {"legs": 4, "name": "Fred", "b": b"raw"}


@client("copyable-returned")
def _(at: End) -> Script:
    frog = yield at.call("frog")
    assert type(frog) is vec.RFrog and frog.__dict__ == {"legs": 4, "name": "Fred"}


@client("copyable-shared")
def _(at: End) -> Script:
    frog = vec.Frog(legs=4)
    assert (yield at.call("keep", [frog, frog])) is None


@server("copyable-shared")
def _(at: End) -> Script:
    yield None
    ((one, two),) = at.root.kept
    assert type(one) is vec.RFrog and one is two


@client("copyable-cyclic")
def _(at: End) -> Script:
    frog = vec.Frog()
    frog.me = frog
    assert (yield at.call("keep", frog)) is None


@server("copyable-cyclic")
def _(at: End) -> Script:
    """Twisted leaves a placeholder here."""
    yield None
    (frog,) = at.root.kept
    assert type(frog) is vec.RFrog and frog.me is frog


@client("copyable-tag")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec.Tagged())) is None


@server("copyable-tag")
def _(at: End) -> Script:
    yield None
    (tagged,) = at.root.kept
    assert type(tagged) is vec.RTagged and tagged.__dict__ == {"legs": 4}


@client("copyable-factory")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec.Fact())) is None


@server("copyable-factory")
def _(at: End) -> Script:
    yield None
    assert at.root.kept == [{"a": 1}]


@server("copyable-bytes-keys")
def _(at: End) -> Script:
    yield None
    (frog,) = at.root.kept
    assert type(frog) is vec.RFrog and frog.__dict__ == {"legs": 4, "name": b"Fred"}


@client("copyable-unregistered")
def _(at: End) -> Script:
    with pytest.raises(InsecureJelly, match=r"vec\.Unknown"):
        yield at.call("keep", vec.Unknown())
    assert (yield at.call("nothing")) is None


@server("copyable-unregistered", "send-class", "refused-by-default")
def _(at: End) -> Script:
    yield None
    assert at.root.kept == []


@server("unpersistable")
def _(at: End) -> Script:
    yield None
    (mark,) = at.root.kept
    assert type(mark) is Unpersistable and mark.reason == "instance of class vec.Plain deemed insecure"


@client("send-function")
def _(at: End) -> Script:
    with pytest.raises(NotSendable, match=r"args\[0\]: a function: code doesn't cross"):
        at.call("keep", nothing)
    assert (yield at.call("nothing")) is None


@client("cacheable-first")
def _(at: End) -> Script:
    pond = yield at.call("pond")
    assert type(pond) is vec.RPond and pond.ducks == [b"one", b"two"]
    yield None
    del pond
    yield None
    assert at.sizes()["mirrors"] == 0  # `uncache` came


@server("cacheable-first", "cacheable-again", "cacheable-home")
def _(at: End) -> Script:
    yield None
    assert at.root.shared_pond.stopped == 1 and at.sizes()["observed"] == 0


@client("cacheable-again")
def _(at: End) -> Script:
    one = yield at.call("pond")
    two = yield at.call("pond")
    assert one is two
    del one, two


@client("cacheable-update")
def _(at: End) -> Script:
    pond = yield at.call("pond")
    yield None  # until the change has come and was answered
    assert pond.ducks == [b"one", b"two", b"three"]


@server("cacheable-update")
def _(at: End) -> Script:
    pond = at.root.shared_pond
    pond.ducks.append(b"three")
    (observer,) = pond.observers
    assert (yield observer.callRemote("add", b"three")) == 3
    assert pond.stopped == 1 and pond.observers == []


@client("cacheable-home")
def _(at: End) -> Script:
    pond = yield at.call("pond")
    assert (yield at.call("isMyPond", pond)) is True


@client("cacheable-resent-after-uncache")
def _(at: End) -> Script:
    pond = yield at.call("pond")
    yield None
    del pond
    yield None
    pond = yield at.call("pond")
    assert pond.ducks == [b"one", b"two"]


@server("cacheable-resent-after-uncache")
def _(at: End) -> Script:
    yield None
    assert at.root.shared_pond.stopped == 2


@client("cacheable-connection-lost")
def _(at: End) -> Script:
    pond = yield at.call("pond")
    at.close()
    yield None
    assert pond.ducks == [b"one", b"two"]


@server("cacheable-connection-lost")
def _(at: End) -> Script:
    assert at.is_closed and at.root.shared_pond.stopped == 1
    return
    yield


@client("error-pb")
def _(at: End) -> Script:
    """Registered here, so it is raised as itself."""
    with pytest.raises(vec.MyError, match=r"^expected trouble$"):
        yield at.call("error")


@client("error-unexpected")
def _(at: End) -> Script:
    with pytest.raises(RemoteError) as raised:
        yield at.call("unexpected")
    assert (raised.value.type, raised.value.text) == ("vec.MyUnexpected", "unexpected trouble")
    assert raised.value.check(Exception) and not raised.value.check("twisted.spread.pb.Error")
    assert raised.value.traceback == "" and raised.value.id == 85


@client("error-deferred")
def _(at: End) -> Script:
    with pytest.raises(vec.MyError, match=r"^later trouble$"):
        yield at.call("deferredError")
    with pytest.raises(RemoteError, match=r"^vec\.MyUnexpected: later unexpected$"):
        yield at.call("deferredUnexpected")


@server("error-deferred")
def _(at: End) -> Script:
    at.root.waiting[0].fail(vec.MyError("later trouble"))
    yield None
    at.root.waiting[1].fail(vec.MyUnexpected("later unexpected"))


@client("error-jellyable")
def _(at: End) -> Script:
    with pytest.raises(vec.JErr) as raised:
        yield at.call("jellyError")
    assert raised.value.code == 7


@client("error-no-such-method")
def _(at: End) -> Script:
    with pytest.raises(NoSuchMethod, match="remote_no_such"):
        yield at.call("no_such")


@client("error-bad-arguments")
def _(at: End) -> Script:
    with pytest.raises(RemoteError, match="takes 1 positional argument but 3 were given") as raised:
        yield at.call("nothing", 1, 2)
    assert raised.value.check(TypeError)


@client("failure-minimal")
def _(at: End) -> Script:
    with pytest.raises(RemoteError) as raised:
        yield at.call("x")
    error = raised.value
    assert (error.type, error.text, error.traceback, error.id) == ("a.B", "why", "", 0)
    assert error.check("a.B") and error.check(ZeroDivisionError) and not error.check(ValueError)


@client("connection-lost-pending")
def _(at: End) -> Script:
    pending = at.call("later")
    yield None
    at.close()
    with pytest.raises(ConnectionClosed):
        yield pending
    with pytest.raises(ConnectionClosed):
        at.call("nothing")
