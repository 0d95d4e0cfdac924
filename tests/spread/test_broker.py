"""The Broker of likewise.spread: calls and answers, when they leave, who is told what, and the tables."""

from __future__ import annotations

import gc
import pickle
import threading
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer, main, reactor
from twisted.persisted import styles
from twisted.python.failure import Failure

import likewise
from likewise.spread import banana, pb
from likewise.wire.tokens import NONE, PB
from likewise.wire.writer import encode
from tests import sexp
from tests.spread.ends import Logged, Pair, Wire


class Thing(pb.Referenceable):
    def remote_ping(self, x: Any) -> Any:
        return ["pong", x]


class Root(pb.Root):
    def __init__(self) -> None:
        self.kept: Any = None
        self.later: list[defer.Deferred[Any]] = []

    def remote_echo(self, x: Any) -> Any:
        return x

    def remote_keep(self, x: Any) -> None:
        self.kept = x

    def remote_thing(self) -> Thing:
        return Thing()

    def remote_later(self, *args: Any) -> Any:
        self.later.append(defer.Deferred())
        return self.later[-1]

    async def remote_coroutine(self, reference: Any) -> Any:
        return await reference.callRemote("ping", 1)

    def remote_one(self, x: Any) -> Any:
        return x

    def remote_fail(self, kind: str) -> None:
        raise {"known": pb.Error, "core": likewise.Error, "value": ValueError}[kind]("why")

    def __getattr__(self, name: str) -> Any:
        if name == "remote_dynamic":
            return lambda: "made when asked for"
        raise AttributeError(name)


@pytest.fixture
def pair() -> Pair:
    return Pair(Root())


@pytest.fixture
def root(pair: Pair) -> Any:
    return pair.server.localObjectForID("root")


# --- when things leave


def test_a_call_is_on_the_wire_when_it_returns(pair: Pair) -> None:
    pair.root.callRemote("echo", 5)
    assert [message[0] for message in sexp.decode(b"".join(pair.client.transport.written))] == [b"message"]


def test_an_answer_is_on_the_wire_when_the_method_returns(pair: Pair) -> None:
    pair.server.dataReceived(sexp.encode([b"message", 1, b"root", b"echo", 1, [b"tuple", 5], [b"dictionary"]]))
    assert sexp.decode(b"".join(pair.server.transport.written)) == [[b"answer", 1, 5]]


def test_a_release_leaves_when_the_reference_is_dropped(pair: Pair) -> None:
    thing = pair.ask("thing")
    assert list(pair.server.localObjects) == [b"root", 1]
    del thing
    gc.collect()
    assert sexp.decode(b"".join(pair.client.transport.written)) == [[b"decref", 1]]
    pair.carry()
    assert list(pair.server.localObjects) == [b"root"]


def test_what_is_called_before_the_connection_is_closed_goes_out(pair: Pair, root: Any) -> None:
    pair.root.callRemote("keep", "last words", pbanswer=False)
    pair.client.transport.loseConnection()
    pair.carry()
    assert root.kept == "last words"


def test_a_transport_may_deliver_at_once() -> None:
    pair = Pair(Root(), at_once=True)
    answers: list[Any] = []
    pair.root.callRemote("echo", "x").addCallback(answers.append)
    pair.root.callRemote("coroutine", Thing()).addCallback(answers.append)
    assert answers == ["x", ["pong", 1]]
    thing: list[Any] = []
    pair.root.callRemote("thing").addCallback(thing.append)
    thing.clear()
    gc.collect()
    assert list(pair.server.localObjects) == [b"root"]


def test_a_release_from_another_thread_is_left_to_the_reactor(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    thing = [pair.ask("thing")]
    left: list[Any] = []
    monkeypatch.setattr(reactor, "callFromThread", left.append)
    thread = threading.Thread(target=lambda: (thing.clear(), gc.collect()))
    thread.start()
    thread.join()
    assert pair.client.transport.written == [] and len(left) == 1
    left[0]()
    assert sexp.decode(b"".join(pair.client.transport.written)) == [[b"decref", 1]]


class Dropping(pb.Copyable):
    """Lets go of a reference while it is being written."""

    def __init__(self, held: list[Any]) -> None:
        self.held = held

    def getStateToCopy(self) -> Any:
        self.held.clear()
        gc.collect()
        return {}


def test_a_release_while_a_message_is_written_goes_behind_it(pair: Pair) -> None:
    pair.root.callRemote("keep", Dropping([pair.ask("thing")]))
    words = [message[0] for message in sexp.decode(b"".join(pair.client.transport.written))]
    assert words == [b"message", b"decref"]


def test_a_server_may_call_before_the_client_has_chosen() -> None:
    factory = pb.PBServerFactory(Root())
    server = factory.buildProtocol(None)
    server.makeConnection(Wire())
    answers: list[Any] = []
    server.remoteForName("early").callRemote("ping", "list").addCallback(answers.append)
    said = b"".join(server.transport.written)
    assert said == encode([b"pb", b"none"], NONE) + encode(
        [b"message", 1, b"early", b"ping", 1, [b"tuple", [b"unicode", b"list"]], [b"dictionary"]], NONE
    )
    client = pb.PBClientFactory().buildProtocol(None)
    client.setNameForLocal("early", Thing())
    client.makeConnection(Wire())
    client.dataReceived(said)
    server.dataReceived(b"".join(client.transport.written))
    assert answers == [["pong", "list"]]


def test_a_client_can_not() -> None:
    client = pb.PBClientFactory().buildProtocol(None)
    client.makeConnection(Wire())
    failed: list[Any] = []
    client.remoteForName("root").callRemote("echo", 1).addErrback(failed.append)
    assert failed[0].check(pb.ProtocolError) and client.transport.written == []


# --- calls


def test_a_method_may_be_made_when_asked_for(pair: Pair) -> None:
    assert pair.ask("dynamic") == "made when asked for"


def test_a_method_may_be_a_coroutine(pair: Pair) -> None:
    assert pair.ask("coroutine", Thing()) == ["pong", 1]


def test_a_method_may_answer_later(pair: Pair, root: Any) -> None:
    got: list[Any] = []
    pair.root.callRemote("later").addCallback(got.append)
    pair.carry()
    assert got == []
    root.later[0].callback("now")
    pair.carry()
    assert got == ["now"]


def test_what_a_waiting_method_was_given_may_be_dropped(pair: Pair, root: Any) -> None:
    pair.root.callRemote("later", Thing())
    pair.carry()
    pair.collect()
    assert not pair.client.localObjects, "the method does not hold it"


def test_names_may_be_bytes(pair: Pair) -> None:
    assert pair.result(pair.root.callRemote(b"echo", 1)) == 1
    assert pair.root.remoteMethod("echo") == pair.root.remoteMethod("echo")
    assert len({pair.root.remoteMethod("echo"), pair.root.remoteMethod("echo"), pair.root}) == 2
    assert pair.result(pair.root.remoteMethod("echo")(2)) == 2


def test_no_answer_may_be_wanted(pair: Pair, root: Any) -> None:
    assert pair.root.callRemote("keep", 1, pbanswer=False) is None and pair.root.callRemoteOnly("keep", 2) is None
    pair.carry()
    assert root.kept == 2
    with Logged() as logged:
        pair.root.callRemote("fail", "value", pbanswer=False)
        pair.carry()
    assert logged.types() == ["ValueError"] and pair.server.transport.written == []


def test_the_old_way_to_give_callbacks(pair: Pair) -> None:
    got: list[Any] = []
    with Logged() as logged:
        pair.root.callRemote("echo", 1, pbcallback=got.append)
        pair.root.callRemote("fail", "known", pberrback=got.append)
        pair.carry()
    assert got[0] == 1 and got[1].check(pb.Error) and any("deprecated" in line for line in logged.lines)
    with pytest.raises(AssertionError, match="no-answer"):
        pair.root.callRemote("echo", 1, pbcallback=got.append, pbanswer=False)


def test_wrong_arguments_are_logged(pair: Pair) -> None:
    with Logged() as logged:
        failure = pair.ask("one", 1, 2)
    assert failure.check(TypeError) and any("didn't accept (1, 2) and {}" in line for line in logged.lines)


@pytest.mark.parametrize(("kind", "is_logged"), [("known", False), ("core", False), ("value", True)])
def test_expected_errors_are_not_logged(pair: Pair, kind: str, is_logged: bool) -> None:
    with Logged() as logged:
        failure = pair.ask("fail", kind)
    assert failure.getErrorMessage() == "why" and bool(logged.errors) is is_logged
    assert failure.type == (b"builtins.ValueError" if kind == "value" else b"twisted.spread.pb.Error")


def test_a_cancelled_call_takes_no_answer(pair: Pair) -> None:
    waiting = pair.root.callRemote("echo", 1)
    failed: list[Any] = []
    waiting.addErrback(failed.append)
    waiting.cancel()
    with Logged() as logged:
        pair.carry()
    assert failed[0].check(defer.CancelledError) and logged.errors == []
    assert pair.ask("echo", 2) == 2


class Unsendable:
    pass


class BadState(pb.Copyable):
    def getStateToCopyFor(self, perspective: Any) -> Any:
        raise KeyError("hook")


def test_a_hook_that_raises_fails_its_call_only(pair: Pair, root: Any) -> None:
    assert pair.ask("keep", BadState()).check(KeyError)
    root.kept = BadState()
    root.remote_give = lambda: root.kept
    with Logged() as logged:
        assert pair.ask("give").check(KeyError)
    assert logged.types() == ["KeyError"]
    assert pair.ask("echo", 1) == 1


def test_an_answer_that_is_too_large_fails_its_call_only(pair: Pair, root: Any) -> None:
    values = {"int is too large": 2**448, "byte string is too long": b"x" * 655_361, "list/tuple": [0] * 655_361}
    for text, value in values.items():
        root.remote_give = lambda value=value: value
        with Logged() as logged:
            failure = pair.ask("give")
        assert failure.type == b"twisted.spread.banana.BananaError" and text in failure.value
        assert logged.types() == ["BananaError"]
    assert pair.ask("echo", 1) == 1


def test_what_is_too_large_to_send_raises_at_once(pair: Pair) -> None:
    for value in ({"k": 2**448}, "x" * 655_361, [0] * 655_361, -(2**448)):
        with pytest.raises(banana.BananaError, match=r"too (large|long) to send"):
            pair.root.callRemote("echo", value)
    with pytest.raises(banana.BananaError, match=r"\(20001 bits\)"):
        pair.root.callRemote("echo", 2**20_000)
    assert pair.client.transport.written == []


def test_the_size_limit_may_be_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banana, "SIZE_LIMIT", 700_000)
    pair = Pair(Root())
    assert pair.ask("echo", b"x" * 655_361) == b"x" * 655_361
    with pytest.raises(banana.BananaError):
        pair.root.callRemote("echo", b"x" * 700_001)


def test_a_client_may_hold_more_references(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pb, "MAX_BROKER_REFS", 3)
    pair = Pair(Root())
    held = [pair.ask("thing") for _ in range(3)]
    with Logged() as logged:
        assert [pair.ask("thing").value for _ in range(3)] == ["Maximum PB reference count exceeded."] * 3
        assert not pair.server.transport.is_losing
        pair.root.callRemote("thing")
        pair.carry()
    assert pair.server.transport.is_losing and len(held) == 3 and logged.errors == []


# --- objects that read s-expressions


class Tracing(pb.Referenceable):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        self.seen.append((message, args, kw))
        return super().remoteMessageReceived(broker, message, args, kw)

    def remote_echo(self, x: Any, **more: Any) -> Any:
        return [x, more]

    def remote_later(self) -> Any:
        self.later: defer.Deferred[Any] = defer.Deferred()
        return self.later


def test_a_referenceable_may_look_at_its_calls() -> None:
    tracing = Tracing()
    pair = Pair(Root())
    pair.server.setNameForLocal("tracing", tracing)
    remote = pair.client.remoteForName("tracing")
    thing = Thing()
    assert pair.result(remote.callRemote("echo", thing, k=(1,))) == [thing, {"k": (1,)}]
    assert tracing.seen == [
        ("echo", [b"tuple", [b"remote", 1]], [b"dictionary", [[b"unicode", b"k"], [b"tuple", 1]]])
    ]
    assert pair.result(remote.callRemote("nosuch")).check(pb.NoSuchMethod)
    got: list[Any] = []
    remote.callRemote("later").addCallback(got.append)
    pair.carry()
    tracing.later.callback({"a": thing is None})
    pair.carry()
    assert got == [{"a": False}]


class Unpublished:
    """No flavour at all: it only takes messages."""

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        return broker.serialize([message, broker.unserialize(args), broker.unserialize(kw)])


def test_anything_that_takes_messages_may_be_named() -> None:
    pair = Pair(Root())
    pair.server.setNameForLocal("x", Unpublished())
    assert pair.result(pair.client.remoteForName("x").callRemote("m", 1, k=2)) == ["m", (1,), {"k": 2}]


class BadExpression(pb.Referenceable):
    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        return ["str is nothing that banana carries"]


def test_an_expression_that_is_none_fails_its_call() -> None:
    pair = Pair(BadRoot())
    with Logged() as logged:
        failure = pair.ask("anything")
    assert failure.type == b"twisted.spread.jelly.InsecureJelly" and "banana carries" in failure.value and logged.errors


class BadRoot(BadExpression, pb.Root):
    pass


class TracingMirror(pb.RemoteCache):
    seen: list[Any]

    def remoteMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        self.__dict__.setdefault("seen", []).append(message)
        return super().remoteMessageReceived(broker, message, args, kw)

    def observe_change(self, x: Any) -> Any:
        self.x = x
        return x


class Original(pb.Cacheable):
    def __init__(self) -> None:
        self.x = 0
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return {"x": self.x}

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        observer.callRemote("change", "farewell")
        self.observers.remove(observer)


pb.setUnjellyableForClass(Original, TracingMirror)


def test_a_mirror_may_look_at_its_changes(root: Any, pair: Pair) -> None:
    original = root.remote_give = Original()
    root.remote_give = lambda: original
    mirror = pair.ask("give")
    assert mirror.broker is pair.client and mirror.luid == 1 and list(pair.client.locallyCachedObjects.values()) == [mirror]
    (observer,) = original.observers
    assert observer.broker is pair.server and observer.cached is original
    assert pair.result(observer.callRemote("change", 5)) == 5 and mirror.x == 5 and mirror.seen == ["change"]
    assert pair.result(observer.remoteMethod("change")(6)) == 6
    assert observer.remoteMethod("change") == observer.remoteMethod("change") != observer.remoteMethod("other")
    assert observer.callRemote("change", 7, pbanswer=False) is None and observer.callRemoteOnly("change", 8) is None
    pair.carry()
    assert mirror.x == 8
    assert pair.ask("keep", mirror) is None and root.kept is original
    del mirror
    pair.collect()
    assert original.observers == [] and not pair.server.remotelyCachedObjects and not pair.client.locallyCachedObjects


def test_an_observer_that_has_gone_can_be_called_and_says_nothing(root: Any, pair: Pair) -> None:
    original = Original()
    root.remote_give = lambda: original
    mirror = pair.ask("give")
    (observer,) = original.observers
    pending = observer.callRemote("change", 1)
    pair.lose()
    with Logged() as logged:
        gone = observer.callRemote("change", 2)
        failed: list[Any] = []
        observer.callRemote("change", 3).addErrback(failed.append)
        del pending, gone
        gc.collect()
    assert failed[0].check(pb.DeadReferenceError) and logged.errors == [] and mirror.broker is None


def test_errors_of_a_mirror_are_not_hushed_up(root: Any, pair: Pair) -> None:
    original = Original()
    root.remote_give = lambda: original
    mirror = pair.ask("give")
    with Logged() as logged:
        original.observers[0].callRemote("nosuch")
        pair.carry()
        gc.collect()
    assert [each.type for each in logged.errors if not isinstance(each.type, type)] == [b"builtins.AttributeError"]
    assert mirror.x == 0


# --- who is told


def test_who_asked_is_told_of_the_end(pair: Pair) -> None:
    told: list[Any] = []
    root = pair.root
    root.notifyOnDisconnect(told.append)
    root.notifyOnDisconnect(pair.carry)
    root.dontNotifyOnDisconnect(pair.carry)
    pair.client.notifyOnDisconnect(lambda: told.append("broker"))
    pair.client.notifyOnDisconnect(lambda: 1 / 0)
    waiting = pair.root.callRemote("later")
    waiting.addErrback(told.append)
    with Logged() as logged:
        pair.client.connectionLost(Failure(main.CONNECTION_LOST))
    assert logged.types() == ["ZeroDivisionError"]
    assert told[0].check(pb.PBConnectionLost) and told[0].value.args[0].check(main.CONNECTION_LOST.__class__)
    assert told[1:] == [root, "broker"] and pair.client.disconnected
    root.notifyOnDisconnect(told.append)
    pair.client.notifyOnDisconnect(lambda: told.append("at once"))
    assert told[3:] == [root, "at once"]
    with pytest.raises(pb.DeadReferenceError, match="Calling Stale Broker"):
        root.callRemote("echo", 1)
    with pytest.raises(ValueError):
        root.dontNotifyOnDisconnect(told.append)


def test_who_asked_is_told_of_the_beginning_or_the_failure() -> None:
    told: list[str] = []
    broker = pb.PBClientFactory().buildProtocol(None)
    broker.notifyOnConnect(lambda: told.append("connected"))
    broker.notifyOnFail(lambda: told.append("failed"))
    broker.makeConnection(Wire())
    assert told == []
    broker.dataReceived(encode([b"pb"], NONE))
    broker.notifyOnConnect(lambda: told.append("at once"))
    broker.connectionFailed()
    assert told == ["connected", "at once", "failed"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (sexp.encode([b"version", 7]), "Version Incompatibility: 6 7"),
        (sexp.encode(b"no list"), "list"),
        (b"\x01\x99", "starts no token"),
        (b"\x7f" * 9 + b"\x80", "Security precaution: list_items"),
    ],
)
def test_a_peer_that_breaks_the_protocol_is_dropped_and_its_answers_still_leave(pair: Pair, data: bytes, why: str) -> None:
    waiting: list[Any] = []
    pair.server.remoteForName("x").callRemote("y").addErrback(waiting.append)
    pair.server.transport.written.clear()
    with Logged() as logged:
        pair.server.dataReceived(sexp.encode([b"message", 1, b"root", b"echo", 1, [b"tuple", 5], [b"dictionary"]]) + data)
    assert sexp.decode(b"".join(pair.server.transport.written)) == [[b"answer", 1, 5]]
    assert pair.server.transport.is_losing and any("PB connection dropped" in line and why in line for line in logged.lines)
    assert waiting[0].check(pb.PBConnectionLost) and why in str(waiting[0].value)
    pair.server.dataReceived(sexp.encode([b"message", 2, b"root", b"echo", 1, [b"tuple", 5], [b"dictionary"]]))
    assert len(sexp.decode(b"".join(pair.server.transport.written))) == 1, "nothing more is read"


# --- for those who go below


def test_messages_may_be_sent_as_expressions(pair: Pair) -> None:
    pair.client.sendCall(b"message", 77, b"root", b"keep", 0, [b"tuple", [b"list", 1]], [b"dictionary"])
    pair.carry()
    assert pair.server.localObjectForID(b"root").kept == [1]
    with pytest.raises(banana.BananaError, match=r"Banana cannot send builtins.str objects: 'text'"):
        pair.client.sendCall(b"message", ["text"])


def test_serialize_counts_and_takes_deferreds(pair: Pair) -> None:
    thing = Thing()
    assert pair.client.serialize([thing]) == [b"list", [b"remote", 1]] == pair.client.serialize([thing])
    assert pair.client.localObjects[1].refcount == 2 and pair.client.localObjects[1].object is thing
    assert "ref:2" in repr(pair.client.localObjects[1]) and dict(pair.client.luids) == {id(thing): 1}
    assert pair.client.registerReference(thing) == 1 and pair.client.localObjects[1].refcount == 3
    later: defer.Deferred[Any] = defer.Deferred()
    got: list[Any] = []
    pair.client.serialize(later).addCallback(got.append)
    later.callback((1,))
    assert got == [[b"tuple", 1]]
    with pytest.raises(banana.BananaError):
        pair.client.serialize(2**448)
    assert pair.client.unserialize([b"tuple", [b"local", 1]]) == (thing,)


def test_the_tables_may_be_looked_at(pair: Pair) -> None:
    original = Original()
    pair.client.serializingPerspective = "who"
    luid = pair.client.cacheRemotely(original)
    assert pair.client.cachedRemotelyAs(original) == luid == pair.client.cachedRemotelyAs(original, 1)
    entry = pair.client.remotelyCachedObjects[luid]
    assert (entry.object, entry.perspective, entry.refcount) == (original, "who", 2)
    assert pair.client.remotelyCachedForLUID(luid) is original and len(pair.client.remotelyCachedLUIDs) == 1
    assert pair.client.cachedRemotelyAs(Original()) is None and pair.client.localObjectForID("nobody") is None
    pair.lose()
    assert not pair.client.localObjects and not pair.client.remotelyCachedObjects


def test_a_reference_is_equal_to_another_way_to_the_same_object(pair: Pair) -> None:
    assert pair.root == pair.root and len({pair.root, pair.root}) == 1
    assert pair.root != pair.client.remoteForName("other") and pair.root != 5
    assert pair.server.remoteForName("root") != pair.root


def test_dialects_may_be_chosen() -> None:
    class OnlyNone(pb.Broker):
        knownDialects = [b"none"]

    server = pb.PBServerFactory(Root())
    server.protocol = OnlyNone
    pair = Pair(None, server=server)
    assert pair.client.currentDialect == pair.server.currentDialect == b"none"
    assert pair.ask("echo", ["list", b"list"]) == ["list", b"list"]
    assert isinstance(pair.client, banana.Banana) and pair.client.core.dialect is NONE is not PB


# --- what applications use now and then


def test_numbers_may_be_drawn_and_counts_given_back_by_hand(pair: Pair) -> None:
    first, second = pair.client.newLocalID(), pair.client.newLocalID()
    assert second == first + 1 and first not in pair.client.localObjects
    assert pair.client.newRequestID() + 1 == pair.client.newRequestID()
    thing = pair.ask("thing")
    pair.client.sendDecRef(thing.luid)
    pair.client.decCacheRef(99)
    assert sexp.decode(b"".join(pair.client.transport.written)) == [[b"decref", 1], [b"decache", 99]]
    pair.carry()
    assert list(pair.server.localObjects) == [b"root"]


def test_what_is_saved_as_a_whole_may_hold_a_reference_which_comes_back_empty(pair: Pair) -> None:
    saved = pickle.loads(pickle.dumps({"root": pair.root, "number": 5}))
    assert type(saved["root"]) is styles.Ephemeral and saved["number"] == 5


def test_errors_that_nobody_handles_are_told_of_within_bounds(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for allowed in (True, False):
        monkeypatch.setattr(type(pair.client.calls), "may_log", lambda self, kind, allowed=allowed: allowed)
        with Logged() as logged:
            for _ in range(3):
                pair.root.callRemote("fail", "known")
            handled = pair.root.callRemote("fail", "known")
            handled.addErrback(lambda _: None)
            pair.carry()
            gc.collect()
        assert logged.types() == ["Error"] * (3 if allowed else 0)
