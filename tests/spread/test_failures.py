"""How exceptions cross in likewise.spread: what is told, how it can be asked, and what a peer may leave out."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.internet import defer
from twisted.python.failure import Failure

import likewise
from likewise.spread import banana, flavors, jelly, pb
from likewise.spread.failures import Answer
from likewise.spread.faults import translated
from tests.spread.ends import Logged, Pair


class KnownError(pb.Error):
    pass


class Root(pb.Root):
    def remote_now(self, text: str) -> None:
        raise KnownError(text)

    def remote_unexpected(self) -> None:
        secret = "in a local variable"
        raise ZeroDivisionError(f"text {len(secret)}")

    def remote_later(self) -> Any:
        return defer.maybeDeferred(self.remote_unexpected)

    def remote_bad_text(self) -> None:
        raise BadText

    def remote_surrogate(self) -> None:
        raise KnownError("\udc80")

    def remote_huge(self) -> None:
        raise Verbose


class Verbose(Exception):
    def __str__(self) -> str:
        return "x" * 700_000


class BadText(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.fixture
def pair() -> Pair:
    return Pair(Root())


def test_a_failure_may_be_asked_by_class_and_by_name(pair: Pair) -> None:
    failure = pair.ask("now", "why")
    assert failure.check(KnownError) is KnownError and failure.check(pb.Error) is pb.Error
    assert failure.check("twisted.spread.pb.Error") and failure.check(ValueError) is None
    assert failure.trap(ValueError, KnownError) is KnownError
    bases = ["twisted.spread.pb.Error", "builtins.Exception", "builtins.BaseException", "builtins.object"]
    assert failure.parents[1:] == bases
    assert (failure.value, failure.getErrorMessage()) == ("why", "why") and failure.type.endswith(b".KnownError")


def test_what_does_not_match_is_raised_as_a_remote_error(pair: Pair) -> None:
    """Twisted's raises AttributeError here."""
    failure = pair.ask("now", "why")
    for provoke in (lambda: failure.trap(ValueError), failure.raiseException):
        with pytest.raises(pb.RemoteError, match=r"^why$") as raised:
            provoke()
        assert raised.value.remoteType.endswith(b".KnownError")
        assert raised.value.remoteTraceback == "Traceback unavailable\n"


def test_it_can_be_awaited_in_a_coroutine(pair: Pair) -> None:
    async def ask() -> str:
        try:
            await pair.root.callRemote("now", "why")
        except pb.RemoteError as error:
            return str(error)
        return "nothing"

    assert pair.result(defer.ensureDeferred(ask())) == "why"


def test_it_can_be_awaited_in_asyncio(pair: Pair) -> None:
    async def ask() -> None:
        answer = pair.root.callRemote("now", "why")
        assert isinstance(answer, Answer)
        future = answer.asFuture(asyncio.get_running_loop())
        pair.carry()
        with pytest.raises(pb.RemoteError, match=r"^why$"):
            await future
        good = pair.root.callRemote("nosuch").addErrback(lambda _: 5).asFuture(asyncio.get_running_loop())
        with Logged():
            pair.carry()
        assert await good == 5

    asyncio.run(ask())


def test_it_can_be_printed(pair: Pair) -> None:
    failure = pair.ask("now", "why")
    text = f"Traceback from remote host -- {failure.type.decode()}: why\n"
    for show in (failure.printTraceback, failure.printBriefTraceback, failure.printDetailedTraceback):
        out = io.StringIO()
        show(out)
        assert out.getvalue() == text
    assert failure.getTraceback() == text and "why" in repr(failure) and "why" in str(failure)


@pytest.mark.parametrize("method", ["unexpected", "later"])
def test_no_names_of_files_cross_unless_asked_for(pair: Pair, method: str) -> None:
    """With Twisted the frames of a Failure that went through a Deferred do."""
    with Logged() as logged:
        pair.root.callRemote(method).addErrback(lambda _: None)
        pair.server.dataReceived(b"".join(pair.client.transport.written))
    pair.client.transport.written.clear()
    sent = b"".join(pair.server.transport.written)
    assert b"text 19" in sent and b".py" not in sent and b"remote_" not in sent
    assert logged.types() == ["ZeroDivisionError"]


@pytest.mark.parametrize("method", ["unexpected", "later"])
def test_tracebacks_cross_where_they_are_switched_on(method: str) -> None:
    pair = Pair(None, server=pb.PBServerFactory(Root(), unsafeTracebacks=True))
    with Logged():
        failure = pair.ask(method)
    assert "test_failures.py" in failure.traceback and "ZeroDivisionError" in failure.traceback
    assert "local variable" not in failure.traceback


@pytest.mark.parametrize(
    ("method", "kind", "text"),
    [
        ("bad_text", BadText, "(its text can't be had: ValueError)"),
        ("surrogate", KnownError, "?"),
        ("huge", Verbose, "x" * 600_000 + "..."),
    ],
)
def test_an_exception_whose_text_can_not_cross_keeps_its_class(pair: Pair, method: str, kind: Any, text: str) -> None:
    with Logged():
        failure = pair.ask(method)
    assert failure.check(kind) and failure.value == text


class Endless(Exception):
    """Holds what has no end to print, as what a peer sent may."""

    def __init__(self) -> None:
        made: list[Any] = [1]
        for _ in range(40):
            made = [made, made]
        super().__init__(made)


def nested(depth: int) -> None:
    if depth:
        nested(depth - 1)
    raise ValueError("deep")


@pytest.mark.parametrize(
    ("run", "most"),
    [(lambda: (_ for _ in ()).throw(Endless()), 2_000), (lambda: nested(200), 8_000)],
    ids=["text", "frames"],
)
def test_what_is_logged_has_an_end_and_keeps_its_class(run: Any, most: int) -> None:
    class Fails(pb.Root):
        def remote_now(self) -> None:
            run()

    with Logged() as logged:
        failure = Pair(Fails()).ask("now")
    assert len(failure.value) < 1_000
    (kept,) = logged.errors
    assert kept.check(Endless, ValueError) and len(kept.getTraceback()) < most


def test_nothing_that_a_peer_says_moves_a_cursor_in_the_log() -> None:
    class Fails(pb.Root):
        def remote_now(self, text: str) -> None:
            raise ValueError(text)

    with Logged() as logged:
        failure = Pair(Fails()).ask("now", "a\r\x1b[2Jb\u2028c")
        plain = Pair(Fails()).ask("now", "one\ntwo")
    assert failure.value == "a\r\x1b[2Jb\u2028c" and plain.value == "one\ntwo"  # to the caller all is told
    assert logged.errors[0].getErrorMessage() == r"a\r\x1b[2Jb\u2028c"
    assert logged.errors[1].getErrorMessage() == "one\ntwo"  # Twisted's log indents what follows a line end


def test_a_failure_that_came_may_be_passed_on() -> None:
    class Proxy(pb.Root):
        def remote_now(self, text: str) -> Any:
            return behind.root.callRemote("now", text)

    behind = Pair(Root(), at_once=True)
    failure = Pair(Proxy()).ask("now", "why")
    assert failure.check(KnownError) and failure.value == "why"


def state(**items: Any) -> Any:
    return [b"twisted.spread.pb.CopyableFailure", [b"dictionary", *([key, value] for key, value in items.items())]]


@pytest.mark.parametrize(
    ("sent", "kind", "text", "parents"),
    [
        ([b"x.Y", [b"dictionary"]], None, None, None),
        ([[b"type", b"a.B"]], b"a.B", "", ["a.B"]),
        ([[b"type", [b"unicode", b"a.B"]], [b"value", b"why"]], "a.B", "why", ["a.B"]),
        ([[b"parents", [b"list", b"a.B", 5]], [b"value", 7]], b"unknown", "7", ["a.B", "5"]),
        ([[b"type", 5], [b"parents", 5], [b"count", [b"None"]]], b"5", "", ["5"]),
        ([[b"check", 1], [b"__class__", 2], [b"note", [b"unicode", b"kept"]]], b"unknown", "", ["unknown"]),
    ],
)
def test_a_peer_may_leave_out_and_mistake_what_it_likes(
    pair: Pair, sent: Any, kind: Any, text: Any, parents: Any
) -> None:
    failed: list[Any] = []
    pair.root.callRemote("x").addErrback(failed.append)
    pairs = sent if kind is not None else []
    failure_sent = [b"twisted.spread.pb.CopyableFailure", [b"dictionary", *pairs]]
    pair.client.dataReceived(banana.encode([b"error", 1, failure_sent]))
    (failure,) = failed
    if kind is not None:
        assert (failure.type, failure.value, failure.parents) == (kind, text, parents)
    assert isinstance(failure, pb.CopiedFailure) and failure.check(ValueError) is None
    assert failure.getTraceback().startswith("Traceback from remote host") and failure.tb is None
    assert callable(failure.check) and isinstance(failure, Failure)
    if b"note" in [item[0] for item in sent if isinstance(item, list)]:
        assert failure.note == "kept"


def test_an_error_that_is_none_ends_its_call(pair: Pair) -> None:
    failed: list[Any] = []
    pair.root.callRemote("x").addErrback(failed.append)
    pair.client.dataReceived(banana.encode([b"error", 1, [b"unicode", b"just text"]]))
    assert failed[0].check(pb.Error) and "just text" in failed[0].getErrorMessage()


def test_an_answer_that_can_not_be_read_fails_its_call_only(pair: Pair) -> None:
    failed: list[Any] = []
    pair.root.callRemote("x").addErrback(failed.append)
    pair.client.dataReceived(banana.encode([b"answer", 1, [b"no.Such", [b"dictionary"]]]))
    assert failed[0].check(jelly.InsecureJelly) and "Module no not allowed" in failed[0].getErrorMessage()
    assert not pair.client.transport.is_losing


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pb.Error, likewise.Error),
        (pb.DeadReferenceError, likewise.ConnectionClosed),
        (pb.DeadReferenceError, pb.ProtocolError),
        (pb.PBConnectionLost, likewise.ConnectionClosed),
        (pb.ProtocolError, likewise.ProtocolError),
        (jelly.InsecureJelly, likewise.InsecureJelly),
        (flavors.NoSuchMethod, likewise.NoSuchMethod),
        (flavors.NoSuchMethod, AttributeError),
        (banana.BananaError, likewise.LikewiseError),
    ],
)
def test_twisteds_exceptions_are_part_of_our_tree(ours: type, theirs: type) -> None:
    assert issubclass(ours, theirs) and ours.__module__.startswith("twisted.spread.")


@pytest.mark.parametrize(
    ("core", "kind"),
    [
        (likewise.NotSendable("why"), jelly.InsecureJelly),
        (likewise.NotSendable("why", ("an int", 2**500)), banana.BananaError),
        (likewise.InsecureJelly("why"), jelly.InsecureJelly),
        (likewise.NoSuchMethod("why"), flavors.NoSuchMethod),
        (likewise.Error("why"), pb.Error),
        (likewise.TooManyCalls("why"), pb.Error),
        (likewise.ConnectionClosed("why"), pb.DeadReferenceError),
        (likewise.RemoteProtocolError("why"), pb.ProtocolError),
    ],
)
def test_what_the_core_raises_is_told_in_twisteds_names(core: BaseException, kind: type) -> None:
    assert type(translated(core)) is kind
    assert translated(KeyError("k")).args == ("k",) and type(translated(pb.Error("x"))) is pb.Error


def test_an_exception_that_holds_what_has_no_end_is_told_of_in_short() -> None:
    class Root(pb.Root):
        def remote_fail(self, value: Any) -> None:
            raise ValueError("bad", value)

        def remote_say_more(self, text: str) -> None:
            raise pb.Error(text + text[:200_000])

        def remote_say(self, text: str) -> None:
            raise pb.Error(text)

        def remote_custom(self, value: Any) -> None:
            raise Custom(value)

    class Custom(Exception):
        def __str__(self) -> str:
            return "of one's own"

    bomb: Any = ["x"]
    for _ in range(40):
        bomb = [bomb, bomb]
    for unsafe in (False, True):
        pair = Pair(None, server=pb.PBServerFactory(Root(), unsafeTracebacks=unsafe))
        with Logged() as logged:
            failed = pair.ask("fail", bomb)
            assert failed.value == "'bad', <list>"
            assert ("ValueError: 'bad', <list>" in failed.traceback) is unsafe
            assert pair.ask("custom", bomb).value == "of one's own"
            assert pair.ask("say_more", "x" * 500_000).value.endswith("... (700000 in all)")
            assert pair.ask("say", "x" * 500_000).value == "x" * 500_000
            assert pair.ask("fail", "x" * 1_000).value == f"('bad', '{'x' * 1_000}')"
        assert logged.types() == ["ValueError", "Custom", "ValueError"]
        assert logged.errors[0].getErrorMessage() == "'bad', <list>"
