"""
The conversations recorded from Twisted, on our core: each end ours in turn, whole and one byte at a time.

What goes out equals what was recorded, byte for byte, but for what :data:`DIFFERS` names. Where Twisted is at fault
(``lenient``) it has to do better, which the tests at the end show.
"""

from __future__ import annotations

from typing import Any

import pytest

from likewise import InsecureJelly, NotSendable, RemoteError
from likewise.broker.states import Side
from likewise.wire.tokens import NONE, PB, Dialect
from tests import sexp, vec
from tests.replay import CONVERSATIONS, End, Event, Replay, Result, in_dialect_none, recorded
from tests.vec_scripts import SCRIPTS, nothing

LATER = {
    name
    for name in CONVERSATIONS
    if name.startswith(("login-", "perspective-", "pager-")) or name == "viewpoint"
}  # these need login and paging, which likewise.spread brings

ONLY = {  # the other end is hand-made: nobody who is honest sends that
    Side.SERVER: {
        "negotiate-unknown-selected",
        "version-mismatch-client",
        "version-omitted",
        "call-kwargs-bytes-keys",
        "refused-by-default",
        "copyable-bytes-keys",
        "error-bad-object-id",
        "unknown-command",
        "non-list-expression",
        "decref-unknown",
        "decref-root",
        "non-minimal-integers",
    },
    Side.CLIENT: {
        "negotiate-no-common",
        "version-mismatch-server",
        "failure-minimal",
        "failure-bytes-parents",
        "failure-without-parents",
        "failure-not-a-failure",
        "did-not-understand",
        "answer-unknown-request",
    },
}
REFUSED_BY_US = {"subclasses", "unpersistable", "send-class"}  # Twisted's sender lets these out, ours does not

DIFFERS = {  # where our bytes are not the recorded ones to the last
    ("call-int-too-large", Side.CLIENT): "we spend no number on a call that is refused",
    ("string-too-long", Side.CLIENT): "we spend no number on a call that is refused",
    ("send-function", Side.CLIENT): "we spend no number on a call that is refused",
    ("keep-reference", Side.SERVER): "a release goes out behind the answer of its turn",
    **{
        (name, Side.SERVER): "the number, the text or needless keys of a failure"
        for name in (
            "copyable-unregistered",
            "send-class",
            "refused-by-default",
            "error-pb",
            "error-unexpected",
            "error-deferred",
            "error-no-such-method",
            "error-bad-arguments",
            "error-bad-object-id",
        )
    },
}


# --- replaying --------------------------------------------------------------------------------------------------


def dialects_of(events: list[Event], ours: Side) -> tuple[Dialect, ...]:
    """What our end has to speak for this greeting to come about."""
    if ours is Side.SERVER:
        return (PB, NONE) if events[0].value == [b"pb", b"none"] else (NONE,)
    return (NONE,) if events[1].value == b"none" else (PB, NONE)


def replay(name: str, ours: Side, events: list[Event], *, one_by_one: bool) -> Replay:
    end = End(ours, vec.registry(), vec.Server() if ours is Side.SERVER else None, dialects_of(events, ours))
    script = SCRIPTS.get((name, ours), nothing)(end)
    return Replay(events, end, script, one_by_one=one_by_one).run()


ENDED_BY_TWISTED = {  # lenient: the recording ends because Twisted gives up
    name for name, one in CONVERSATIONS.items() if one["lenient"] and one["closed"]
}
CASES = [
    (name, ours)
    for name in CONVERSATIONS
    for ours in Side
    if name not in LATER | ENDED_BY_TWISTED
    and name not in ONLY[ours.other]
    and name != "failure-not-a-failure"
    and not (name in REFUSED_BY_US and ours is Side.CLIENT)
]
cases = pytest.mark.parametrize(("name", "ours"), CASES, ids=[f"{name}-{ours.value}" for name, ours in CASES])


def test_every_conversation_that_is_not_lenient_is_replayed() -> None:
    wanted = {name for name, one in CONVERSATIONS.items() if not one["lenient"]} - LATER
    assert len(CONVERSATIONS) == 84 and wanted <= {name for name, _ in CASES}
    scripted = {key for key in CASES if key[1] is Side.CLIENT} - {("negotiate-pb", Side.CLIENT)}
    assert scripted <= SCRIPTS.keys(), "a client that does nothing proves nothing"
    assert SCRIPTS.keys() <= set(CASES) | {(name, ours) for name in LENIENT for ours in Side}


@cases
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "byte by byte"])
def test_a_conversation_goes_as_recorded(name: str, ours: Side, one_by_one: bool) -> None:
    replayed = replay(name, ours, recorded(name), one_by_one=one_by_one)
    wanted = bytes.fromhex(CONVERSATIONS[name]["c2s" if ours is Side.CLIENT else "s2c"])
    assert (replayed.sent == wanted) is ((name, ours) not in DIFFERS)


NOT_IN_NONE = {name for name in CONVERSATIONS if name.startswith("negotiate-")} | {"non-minimal-integers"}


@pytest.mark.parametrize(
    ("name", "ours"),
    [(name, ours) for name, ours in CASES if name not in NOT_IN_NONE],
    ids=[f"{name}-{ours.value}" for name, ours in CASES if name not in NOT_IN_NONE],
)
def test_a_conversation_goes_the_same_way_without_a_vocabulary(name: str, ours: Side) -> None:
    replay(name, ours, in_dialect_none(recorded(name)), one_by_one=False)


# --- refused at our sender, where Twisted sends it ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("subclasses", [vec.IntSub(5), 1], r"args\[0\]\[0\]: vec.IntSub is a subclass of int"),
        ("subclasses", {"k": vec.StrSub("s")}, r"args\[0\]\['k'\]: vec.StrSub is a subclass of str"),
        ("subclasses", (1, vec.ListSub()), r"args\[0\]\[1\]: vec.ListSub is a subclass of list"),
        ("unpersistable", vec.Plain(), r"args\[0\]: an instance of vec.Plain, which nothing allows to cross"),
        ("unpersistable", vec.Frog(home=[vec.Plain()]), r"args\[0\].home\[0\]: an instance of vec.Plain"),
        ("send-class", int, r"args\[0\]: the class builtins.int: classes don't cross"),
    ],
)
def test_our_sender_refuses_it_with_its_path(name: str, value: Any, reason: str) -> None:
    end = greeted(name, Side.CLIENT)
    with pytest.raises(NotSendable, match=f"^{reason}"):
        end.call("keep", value)
    assert end.output() == b"" and end.broker.unanswered == 0
    works_still(end)


# --- better than Twisted ------------------------------------------------------------------------------------------


LENIENT = {
    "copyable-cyclic",
    "answer-unregistered",
    "send-function",
    "failure-bytes-parents",
    "failure-without-parents",
    "failure-not-a-failure",
    "unknown-command",
    "non-list-expression",
    "answer-unknown-request",
    "decref-unknown",
    "decref-root",
}


def test_all_that_is_lenient_is_named() -> None:
    assert {name for name, one in CONVERSATIONS.items() if one["lenient"]} == LENIENT


def greeted(name: str, ours: Side) -> End:
    """Our end of a recorded conversation, its greeting over; what it said to that is taken."""
    end = End(ours, vec.registry(), vec.Server() if ours is Side.SERVER else None)
    end.feed(b"".join(event.data for event in recorded(name)[:4] if event.side is not ours))
    assert end.fault is None and end.broker.dialect is PB
    return end


def feed_the_rest(end: End, name: str) -> bytes:
    """What the recorded peer sent after the greeting; what went out for it."""
    return b"".join([end.feed(event.data) for event in recorded(name)[4:] if event.side is not end.side])


def works_still(end: End) -> None:
    """A call goes through the connection, whichever end it is."""
    assert end.fault is None and not end.is_closed
    if end.side is Side.SERVER:
        assert sexp.decode(end.feed(sexp.encode([b"message", 9, b"root", b"nothing", 1, [b"tuple"], [b"dictionary"]]))) == [
            [b"answer", 9, [b"None"]]
        ]
        return
    result = end.call("nothing")
    (call,) = sexp.decode(end.output())
    end.feed(sexp.encode([b"answer", call[1], [b"None"]]))
    assert result.is_done and result.error is None


def failing_call(name: str, method: str) -> tuple[End, BaseException | None]:
    """The recorded client's call, with the recorded answer; how it fails."""
    end = greeted(name, Side.CLIENT)
    result: Result = end.call(method)
    assert sexp.decode(end.output()) == [event.value for event in recorded(name)[4:5]]
    assert feed_the_rest(end, name) == b"" and result.is_done
    return end, result.error


def test_an_answer_that_is_not_registered_fails_its_call_only() -> None:
    end, error = failing_call("answer-unregistered", "unknown")
    assert isinstance(error, InsecureJelly) and "setUnjellyableForClass('vec.Unknown'" in str(error)
    works_still(end)


def test_an_old_failure_is_understood_in_bytes_too() -> None:
    end, error = failing_call("failure-bytes-parents", "x")
    assert isinstance(error, RemoteError)
    assert (error.type, error.text, error.traceback) == ("a.B", "why", "tb")
    assert error.check("a.B") and error.check(ZeroDivisionError) and not error.check(ValueError)
    works_still(end)


def test_a_failure_without_parents_is_understood() -> None:
    end, error = failing_call("failure-without-parents", "x")
    assert isinstance(error, RemoteError) and (error.type, error.text, error.parents) == ("a.B", "why", ())
    works_still(end)


def test_an_error_that_is_no_failure_ends_its_call() -> None:
    end, error = failing_call("failure-not-a-failure", "x")
    assert isinstance(error, RemoteError) and error.text == "just text"
    works_still(end)


def test_an_unknown_command_is_answered_and_ends_nothing() -> None:
    end = greeted("unknown-command", Side.SERVER)
    assert sexp.decode(feed_the_rest(end, "unknown-command")) == [[b"didNotUnderstand", b"frobnicate"]]
    works_still(end)


@pytest.mark.parametrize("name", ["decref-unknown", "decref-root"])
def test_a_release_of_what_is_not_held_ends_nothing(name: str) -> None:
    end = greeted(name, Side.SERVER)
    assert feed_the_rest(end, name) == b""
    works_still(end)


def test_an_answer_to_nothing_ends_nothing() -> None:
    end = greeted("answer-unknown-request", Side.CLIENT)
    assert feed_the_rest(end, "answer-unknown-request") == b""
    works_still(end)


def test_faults_are_counted_and_end_the_connection_in_time() -> None:
    end = greeted("decref-unknown", Side.SERVER)
    for _ in range(end.broker.limits.faults):
        assert end.feed(sexp.encode([b"decref", 99])) == b"" and not end.is_closed
    end.feed(sexp.encode([b"decref", 99]))
    assert end.is_closed and "faults" in str(end.fault)


def test_a_message_that_is_no_list_ends_the_connection_with_a_reason() -> None:
    """As with Twisted: the two no longer understand each other."""
    end = greeted("non-list-expression", Side.SERVER)
    assert feed_the_rest(end, "non-list-expression") == b""
    assert end.is_closed and "list" in str(end.fault)
