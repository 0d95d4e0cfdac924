"""Hooks are what stands on the class when an object crosses, and return what they make at once."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

import likewise
from likewise.errors import NotSendable
from likewise.testing import Pair


class Note(likewise.Copyable):
    def __init__(self) -> None:
        self.text = "hello"
        self.secret = "4711"


class SubNote(Note):
    pass


class Changing(likewise.Copyable):
    """Puts a hook on another class while it is asked for its own state."""

    def __init__(self, note: Note) -> None:
        self.note = note

    def getStateToCopy(self) -> Any:
        Note.getStateToCopy = hidden  # type: ignore[method-assign]
        return {"note": self.note}


class NoteCopy(likewise.RemoteCopy):
    text: str


class Root(likewise.Root):
    def __init__(self) -> None:
        self.things: list[Any] = []

    def remote_take(self, *things: Any) -> None:
        self.things = list(things)


def hidden(self: Any) -> Any:
    return {"text": self.text}


def given(*things: Any) -> list[Any]:
    """What arrives for these."""
    registry = likewise.Registry()
    for name in ("Note", "SubNote", "Changing"):
        registry.setUnjellyableForClass(f"{__name__}.{name}", NoteCopy)
    root = Root()
    pair = Pair(root, accept=registry)
    result = pair.client.root.callRemote("take", *things)
    pair.run()
    if result.error is not None:
        raise result.error
    return root.things


WHOLE = {"text": "hello", "secret": "4711"}


@pytest.mark.parametrize("owner", [Note, likewise.Copyable], ids=["on the class", "on its base"])
def test_a_hook_counts_from_when_it_is_put_on_a_class_until_it_is_taken_off(owner: type) -> None:
    assert [vars(each) for each in given(Note(), SubNote())] == [WHOLE, WHOLE]
    with mock.patch.object(owner, "getStateToCopy", hidden):
        assert [vars(each) for each in given(Note(), SubNote(), Note())] == [{"text": "hello"}] * 3
    assert [vars(each) for each in given(Note(), SubNote())] == [WHOLE, WHOLE]


def test_a_name_to_cross_under_may_be_put_on_a_class_later_too() -> None:
    given(Note())
    with mock.patch.object(Note, "getTypeToCopy", lambda self: "nobodys"), pytest.raises(Exception, match="nobodys"):
        given(Note())
    with mock.patch.object(Note, "__module__", "another.module"), pytest.raises(Exception, match=r"another\.module\.Note"):
        given(Note())


def test_a_hook_that_is_put_on_a_class_while_a_message_is_written_counts_at_once() -> None:
    given(Note())
    try:
        first, around = given(Note(), Changing(Note()))
    finally:
        del Note.getStateToCopy
    assert vars(first) == WHOLE and vars(around.note) == {"text": "hello"}


def test_a_hook_of_the_receiver_counts_from_when_it_is_put_on_a_class() -> None:
    given(Note())

    def take(self: Any, state: Any) -> None:
        self.got = sorted(state)

    with mock.patch.object(NoteCopy, "setCopyableState", take):
        assert [vars(each) for each in given(Note())] == [{"got": ["secret", "text"]}]
    ran: list[Any] = []
    with mock.patch.object(NoteCopy, "postUnjelly", lambda self: ran.append(self), create=True):
        given(Note())
    assert len(ran) == 1
    assert [vars(each) for each in given(Note())] == [WHOLE] and len(ran) == 1


def test_a_hook_set_on_one_instance_is_refused_rather_than_sent() -> None:
    note = Note()
    note.getStateToCopy = lambda: {}  # type: ignore[method-assign]
    with pytest.raises(NotSendable, match="set it on the class"):
        given(note)


# --- hooks that would have to be waited for


async def later(*_: Any) -> Any:
    return {}


class Awaitable:
    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize("hook", ["getStateToCopy", "getStateToCopyFor", "getTypeToCopy", "getTypeToCopyFor"])
@pytest.mark.parametrize("wrong", [later, lambda *_: Awaitable()], ids=["async", "awaitable"])
def test_a_hook_that_would_have_to_be_waited_for_is_refused_by_its_name(hook: str, wrong: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that nobody awaited it
        with mock.patch.object(Note, hook, wrong), pytest.raises(NotSendable) as caught:
            given([Note()])
    assert re.search(rf"args\[0\]\[0\]: {hook.removesuffix('For')}.* of .*Note is async or returned an? ", str(caught.value))
    assert "must return its state at once" in str(caught.value)


def test_so_is_one_that_fills_a_mirror_and_the_mirror_is_not_counted() -> None:
    class Board(likewise.Cacheable):
        async def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:  # type: ignore[override]
            return {}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None:
            pass

    pair = Pair(Root())
    with pytest.raises(NotSendable, match=r"getStateToCacheAndObserveFor of .*Board is async or returned a coroutine"):
        pair.client.root.callRemote("take", Board())
    assert pair.client.is_clean


def test_a_hook_that_takes_state_may_not_be_async() -> None:
    class Slow(likewise.RemoteCopy):
        async def setCopyableState(self, state: Any) -> None:  # type: ignore[override]
            pass

    class SlowLater(likewise.RemoteCopy):
        async def postUnjelly(self) -> None:
            pass

    for cls in (Slow, SlowLater):
        with pytest.raises(TypeError, match="is async: it is called while a message is read, and must be plain"):
            likewise.Registry(cls)
