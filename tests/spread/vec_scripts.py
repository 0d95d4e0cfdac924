"""What the Twisted applications of the recorded conversations did, on likewise.spread; see ``tests/vec_scripts.py``."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from twisted.cred import credentials

from likewise.broker.states import Side
from likewise.spread import banana, jelly, pb, util
from tests import vec
from tests.replay import CONVERSATIONS, Result
from tests.spread import vec_app
from tests.spread.vec_app import CallFailed, End, settled

Script = Generator["Result | None", Any, None]
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


@client("negotiate-none")
def _(at: End) -> Script:
    assert (yield at.call("echo", [1, None, "x"])) == [1, None, "x"]
    assert at.broker.currentDialect == b"none"


@client("negotiate-server-only-none", "call-noargs", "did-not-understand")
def _(at: End) -> Script:
    assert (yield at.call("nothing")) is None


@server("negotiate-unknown-selected", "version-mismatch-client")
@client("negotiate-no-common", "version-mismatch-server")
def _(at: End) -> Script:
    assert at.is_closed and at.broker.disconnected
    with pytest.raises(pb.DeadReferenceError, match=r"^Calling Stale Broker$"):
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
    with pytest.raises(banana.BananaError) as raised:
        at.call("echo", 2**448)
    assert str(raised.value) == f"int is too large to send ({2**448})"
    assert (yield at.call("nothing")) is None


@client("string-too-long")
def _(at: End) -> Script:
    with pytest.raises(banana.BananaError) as raised:
        at.call("echo", b"x" * 655_361)
    assert str(raised.value) == "byte string is too long to send (655361)"
    assert (yield at.call("nothing")) is None


@client("send-function")
def _(at: End) -> Script:
    """Twisted raises BananaError here; any refusal is fine."""
    failed = at.call("keep", nothing)
    assert failed.is_done and isinstance(failed.error, CallFailed)
    assert "args[0]: a function: code doesn't cross" in failed.error.outcome
    at.broker.core.spend_request()
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


@client("subclasses")
def _(at: End) -> Script:
    assert (yield at.call("keep", [vec_app.IntSub(5), vec_app.StrSub("s"), vec_app.ListSub()])) is None


@server("subclasses")
def _(at: End) -> Script:
    yield None
    kept = [
        f"""Unpersistable("Unpersistable data: b'instance of class vec.{name} deemed insecure'")"""
        for name in ("IntSub", "StrSub", "ListSub")
    ]
    assert repr(at.root.kept) == f"[[{', '.join(kept)}]]"


@client("unpersistable")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec_app.Plain())) is None


@server("unpersistable")
def _(at: End) -> Script:
    yield None
    (mark,) = at.root.kept
    assert type(mark) is jelly.Unpersistable
    assert mark.reason == "Unpersistable data: b'instance of class vec.Plain deemed insecure'"


@client("send-class")
def _(at: End) -> Script:
    with pytest.raises(CallFailed) as raised:
        yield at.call("keep", int)
    assert raised.value.outcome == "twisted.spread.jelly.InsecureJelly: b'class'"
    assert (yield at.call("nothing")) is None


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
        at.root.waiting[number].callback(f"r{number}")
        yield None


@client("no-answer")
def _(at: End) -> Script:
    root = at.broker.remoteForName("root")
    assert root.callRemote("keep", 5, pbanswer=False) is None
    assert root.callRemote("nosuch", pbanswer=False) is None
    assert (yield at.call("nothing")) is None


@server("no-answer")
def _(at: End) -> Script:
    yield None
    assert at.root.kept == [5]


@client("return-reference")
def _(at: End) -> Script:
    thing = yield at.call("thing")
    assert thing.luid == 1 and thing.broker is at.broker
    assert (yield settled(thing.callRemote("ping", 1))) == "pong"
    del thing


@server("return-reference", "same-reference-twice", "reference-twice-in-one-message", "reference-home")
def _(at: End) -> Script:
    yield None
    assert at.references() == ["b'root'"]


@client("same-reference-twice")
def _(at: End) -> Script:
    one = yield at.call("sameThing")
    two = yield at.call("sameThing")
    assert one == two
    del one, two


@client("reference-twice-in-one-message")
def _(at: End) -> Script:
    one, two, other = yield at.call("manyThings")
    assert one == two and one != other
    yield None
    del other, two
    yield None
    del one


@client("pass-reference")
def _(at: End) -> Script:
    thing = vec_app.Thing()
    assert (yield at.call("call", thing, 42)) == "pong"
    assert thing.calls == [42] and at.references() == []


@server("pass-reference", "keep-reference")
def _(at: End) -> Script:
    yield None
    assert at.broker.core.tables.sizes()["references"] == 0


@client("keep-reference")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec_app.Thing())) is None
    assert at.references() == ["1"]
    assert (yield at.call("drop")) is None
    assert at.references() == []


@client("reference-home")
def _(at: End) -> Script:
    thing = yield at.call("sameThing")
    assert (yield at.call("isMine", thing)) is True


@client("copyable")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec_app.Frog(legs=4, name="Fred", b=b"raw"))) is None


@server("copyable")
def _(at: End) -> Script:
    yield None
    (frog,) = at.root.kept
    assert type(frog) is vec_app.RFrog and frog.__dict__ == {"legs": 4, "name": "Fred", "b": b"raw"}


@client("copyable-returned")
def _(at: End) -> Script:
    frog = yield at.call("frog")
    assert type(frog) is vec_app.RFrog and frog.__dict__ == {"legs": 4, "name": "Fred"}


@client("copyable-shared")
def _(at: End) -> Script:
    frog = vec_app.Frog(legs=4)
    assert (yield at.call("keep", [frog, frog])) is None


@server("copyable-shared")
def _(at: End) -> Script:
    yield None
    ((one, two),) = at.root.kept
    assert type(one) is vec_app.RFrog and one is two


@client("copyable-cyclic")
def _(at: End) -> Script:
    frog = vec_app.Frog()
    frog.me = frog  # type: ignore[attr-defined]
    assert (yield at.call("keep", frog)) is None


@server("copyable-cyclic")
def _(at: End) -> Script:
    """Twisted leaves a placeholder here."""
    yield None
    (frog,) = at.root.kept
    assert type(frog) is vec_app.RFrog and frog.me is frog


@client("copyable-tag")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec_app.Tagged())) is None


@server("copyable-tag")
def _(at: End) -> Script:
    yield None
    (tagged,) = at.root.kept
    assert type(tagged) is vec_app.RTagged and tagged.__dict__ == {"legs": 4}


@client("copyable-factory")
def _(at: End) -> Script:
    assert (yield at.call("keep", vec_app.Fact())) is None


@server("copyable-factory")
def _(at: End) -> Script:
    yield None
    assert at.root.kept == [{"a": 1}]


@server("copyable-bytes-keys")
def _(at: End) -> Script:
    yield None
    (frog,) = at.root.kept
    assert type(frog) is vec_app.RFrog and frog.__dict__ == {"legs": 4, "name": b"Fred"}


@client("copyable-unregistered")
def _(at: End) -> Script:
    with pytest.raises(CallFailed) as raised:
        yield at.call("keep", vec_app.Unknown())
    assert raised.value.outcome == (
        "twisted.spread.jelly.InsecureJelly: Module vec not allowed (in type vec.Unknown)."
    )
    assert raised.value.failure.check(jelly.InsecureJelly)
    assert (yield at.call("nothing")) is None


@server("copyable-unregistered", "send-class", "refused-by-default")
def _(at: End) -> Script:
    yield None
    assert at.root.kept == []


@client("cacheable-first")
def _(at: End) -> Script:
    pond = yield at.call("pond")
    assert type(pond) is vec_app.RPond and pond.ducks == [b"one", b"two"]
    yield None
    del pond
    yield None
    assert at.broker.core.tables.sizes()["mirrors"] == 0  # `uncache` came


@server("cacheable-first", "cacheable-again", "cacheable-home")
def _(at: End) -> Script:
    yield None
    assert at.root.shared_pond.stopped == 1 and not at.broker.remotelyCachedObjects


@client("cacheable-again")
def _(at: End) -> Script:
    one = yield at.call("pond")
    two = yield at.call("pond")
    assert one is two  # with Twisted they share their state
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
    assert (yield settled(observer.callRemote("add", b"three"))) == 3
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


def _fails(name: str, method: str, outcome: str, *args: Any) -> None:
    @client(name)
    def _(at: End) -> Script:
        with pytest.raises(CallFailed) as raised:
            yield at.call(method, *args)
        assert raised.value.outcome == outcome
        assert outcome in CONVERSATIONS[name]["outcome"][0]


_fails("error-pb", "error", "vec.MyError: expected trouble")
_fails("error-unexpected", "unexpected", "vec.MyUnexpected: unexpected trouble")
_fails("error-no-such-method", "no_such", "twisted.spread.flavors.NoSuchMethod: No such method: remote_no_such")
_fails(
    "error-bad-arguments",
    "nothing",
    "builtins.TypeError: apps.<locals>.Root.remote_nothing() takes 1 positional argument but 3 were given",
    1,
    2,
)


@client("error-deferred")
def _(at: End) -> Script:
    with pytest.raises(CallFailed) as raised:
        yield at.call("deferredError")
    assert raised.value.failure.check(pb.Error) is pb.Error and raised.value.failure.check("vec.MyError")
    with pytest.raises(CallFailed) as raised:
        yield at.call("deferredUnexpected")
    assert raised.value.failure.check(pb.Error) is None
    assert raised.value.outcome == "vec.MyUnexpected: later unexpected"


@server("error-deferred")
def _(at: End) -> Script:
    at.root.waiting[0].errback(vec_app.MyError("later trouble"))
    yield None
    at.root.waiting[1].errback(vec_app.MyUnexpected("later unexpected"))


@client("error-jellyable")
def _(at: End) -> Script:
    with pytest.raises(CallFailed) as raised:
        yield at.call("jellyError")
    failure = raised.value.failure
    assert failure.trap(vec_app.JErr) is vec_app.JErr
    assert type(failure.value) is vec_app.JErr and failure.value.code == 7


@client("failure-minimal")
def _(at: End) -> Script:
    with pytest.raises(CallFailed) as raised:
        yield at.call("x")
    failure: Any = raised.value.failure
    assert raised.value.outcome == "a.B: why"
    assert failure.check("a.B") and failure.check(ZeroDivisionError)
    assert (failure.getErrorMessage(), failure.traceback, failure.type) == ("why", "Traceback unavailable\n", b"a.B")


@client("connection-lost-pending")
def _(at: End) -> Script:
    pending = at.call("later")
    yield None
    at.close()
    with pytest.raises(CallFailed) as raised:
        yield pending
    assert raised.value.failure.check(pb.PBConnectionLost)
    with pytest.raises(pb.DeadReferenceError, match=r"^Calling Stale Broker$"):
        at.call("nothing")


# --- logging in


def _log_in(at: End, name: Any, password: bytes, mind: Any = None) -> Result:
    return settled(at.factory.login(credentials.UsernamePassword(name, password), mind))


@client("login-right")
def _(at: End) -> Script:
    avatar = yield _log_in(at, b"alice", b"sesame")
    assert avatar.luid == 2
    assert (yield settled(avatar.callRemote("add", 2, 3))) == 5
    del avatar


@server("login-right", "login-mind", "viewpoint")
def _(at: End) -> Script:
    yield None
    assert at.realm.log == ["login alice", "logout alice"]


def _refuses(name: str, user: Any, password: bytes) -> None:
    @client(name)
    def _(at: End) -> Script:
        with pytest.raises(CallFailed) as raised:
            yield _log_in(at, user, password)
        assert raised.value.outcome == "twisted.cred.error.UnauthorizedLogin: "

    @server(name)
    def _(at: End) -> Script:
        yield None
        assert at.realm.log == []


_refuses("login-wrong-password", b"alice", b"wrong")
_refuses("login-unknown-user", b"nobody", b"x")
_refuses("login-str-username", "alice", b"sesame")


@client("login-anonymous")
def _(at: End) -> Script:
    avatar = yield settled(at.factory.login(credentials.Anonymous()))
    assert (yield settled(avatar.callRemote("add", 2, 3))) == 5


@server("login-anonymous")
def _(at: End) -> Script:
    yield None
    assert at.realm.log == ["login anonymous", "logout anonymous"]


@client("login-anonymous-refused")
def _(at: End) -> Script:
    with pytest.raises(CallFailed) as raised:
        yield settled(at.factory.login(credentials.Anonymous()))
    wanted = "twisted.cred.error.UnhandledCredentials: No checker for twisted.cred.credentials.IAnonymous"
    assert raised.value.outcome == wanted


@client("login-mind")
def _(at: End) -> Script:
    mind = vec_app.Mind()
    avatar = yield _log_in(at, b"alice", b"sesame", mind)
    yield settled(avatar.callRemote("callback"))
    assert mind.got == [("hello mind",)]
    del avatar


@client("viewpoint")
def _(at: End) -> Script:
    avatar = yield _log_in(at, b"alice", b"sesame")
    view = yield settled(avatar.callRemote("doc"))
    assert (yield settled(view.callRemote("whoami", extra=b"x"))) == ("alice", b"x")
    again = yield settled(avatar.callRemote("doc"))
    assert again == view and view.luid == 3
    yield None
    del again, view
    yield None
    del avatar


@client("perspective-no-such-method")
def _(at: End) -> Script:
    avatar = yield settled(at.factory.login(credentials.Anonymous()))
    with pytest.raises(CallFailed) as raised:
        yield settled(avatar.callRemote("no_such"))
    assert raised.value.outcome == "builtins.AttributeError: 'Av' object has no attribute 'perspective_no_such'"
    at.avatar = avatar  # type: ignore[attr-defined]  # the recording ends before it is dropped


# --- pages


def _pages(name: str, method: str, pages: list[bytes]) -> None:
    @client(name)
    def _(at: End) -> Script:
        got = yield settled(util.getAllPages(at.broker.remoteForName("root"), method))
        assert got == pages


_pages("pager-string", "pages", [b"0123456789"] * 3)
_pages("pager-file", "filePages", [b"abc" * 10])
