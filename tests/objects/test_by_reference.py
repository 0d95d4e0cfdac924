"""What a peer may call on an object that stays home, and what a reference to one does by itself."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import likewise
from likewise.errors import ConnectionClosed, NoSuchMethod, NotSendable
from likewise.jelly.encoder import Encoder
from likewise.objects import by_reference
from likewise.objects.by_reference import find_method
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1


class Shown(likewise.Viewable):
    def view_who(self, perspective: Any, greeting: str = "I am") -> str:
        return f"{greeting} {perspective.name if perspective else 'nobody'}"


class User(likewise.Avatar):
    def __init__(self, name: str) -> None:
        self.name = name
        self.shown = Shown()

    def perspective_shown(self) -> Shown:
        return self.shown

    def perspective_me(self) -> User:
        return self

    def remote_hidden(self) -> None:
        raise AssertionError("an avatar has no remote_ methods")


class Tool(likewise.Referenceable):
    remote_number = 5

    def remote_add(self, a: int, b: int = 1) -> int:
        return a + b

    def special_add(self, a: int) -> int:
        return a + 100

    def secret(self) -> None:
        raise AssertionError("no prefix: out of reach")


class Service(likewise.Root):
    def __init__(self) -> None:
        self.tool = Tool()
        self.special = likewise.AsReferenceable(self.tool, "special")
        self.user = User("ann")
        self.got: list[Any] = []

    def remote_tool(self) -> Tool:
        return self.tool

    def remote_special(self) -> likewise.Referenceable:
        return self.special

    def remote_special_again(self) -> likewise.Referenceable:
        return likewise.AsReferenceable(self.tool, "special")

    def remote_shown(self) -> Shown:
        return self.user.shown

    def remote_user(self) -> User:
        return self.user

    def remote_take(self, *things: Any) -> list[bool]:
        self.got += things
        return [thing is self.tool for thing in things]


def ask(pair: Pair, reference: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    result = reference.callRemote(name, *args, **kwargs)
    pair.run()
    assert result.is_settled
    if result.error is not None:
        raise result.error
    return result.value


def write_alone(value: Any) -> bytes:
    """As where no connection is: nothing can be counted for a peer."""
    encoder = Encoder(None, None, 50, LIKEWISE_1)
    encoder.encode(value)
    return b"".join(encoder.written())


def test_only_what_has_the_prefix_and_can_be_called_is_reached() -> None:
    pair = Pair(Service())
    tool = ask(pair, pair.client.root, "tool")
    assert ask(pair, tool, "add", 2, b=3) == 5
    for name in ("secret", "number", "missing", "__init__", "a.b", "", "x" * 200):
        with pytest.raises(NoSuchMethod):
            ask(pair, tool, name)
    assert ask(pair, tool, "add", 1) == 2, "the connection goes on"


def test_the_text_about_a_missing_method_is_short_however_long_its_name() -> None:
    for name in ("x" * 5_000, "-" * 5_000):
        with pytest.raises(NoSuchMethod) as caught:
            find_method(Tool(), "remote_", name)
        assert len(str(caught.value)) < 300


def test_a_peer_cannot_make_the_table_of_names_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_reference, "_full_names", {})
    monkeypatch.setattr(by_reference, "FULL_NAMES_KEPT", 3)
    for i in range(10):
        with pytest.raises(NoSuchMethod):
            find_method(Tool(), "remote_", f"guess{i}")
    assert len(by_reference._full_names) == 3
    assert find_method(Tool(), "remote_", "add")(1) == 2, "what is not kept is found all the same"
    assert len(by_reference._full_names) == 3


def test_another_prefix_reaches_other_methods_of_the_same_object() -> None:
    pair = Pair(Service())
    special = ask(pair, pair.client.root, "special")
    assert ask(pair, special, "add", 1) == 101
    assert ask(pair, pair.client.root, "special_again") is special, "same object and prefix: same reference"
    assert ask(pair, pair.client.root, "tool") is not special


def test_the_perspective_of_an_object_under_another_prefix() -> None:
    user = User("bob")
    assert likewise.AsReferenceable(user, "perspective").perspective is user
    assert likewise.AsReferenceable(user, "view").perspective is user
    assert likewise.AsReferenceable(likewise.ViewPoint(user, Tool())).perspective is user
    assert likewise.AsReferenceable(object()).perspective is None


def test_methods_of_a_viewable_are_told_who_asks() -> None:
    pair = Pair(Service())
    nobody = ask(pair, pair.client.root, "shown")
    user = ask(pair, pair.client.root, "user")
    shown = ask(pair, user, "shown")
    assert ask(pair, nobody, "who") == "I am nobody"
    assert ask(pair, shown, "who", greeting="here is") == "here is ann"
    assert shown is not nobody and ask(pair, user, "shown") is shown
    with pytest.raises(NoSuchMethod, match="view_missing"):
        ask(pair, shown, "missing")


def test_an_avatar_is_called_by_its_perspective_methods_alone() -> None:
    pair = Pair(Service())
    user = ask(pair, pair.client.root, "user")
    assert ask(pair, user, "me") is user
    with pytest.raises(NoSuchMethod, match="perspective_hidden"):
        ask(pair, user, "hidden")
    avatar = User("eve")
    assert avatar.find_remote_method("me")() is avatar
    assert avatar.logout(None) is None, "a logout that is not overridden does nothing"


def test_a_reference_sent_home_is_the_object() -> None:
    service = Service()
    pair = Pair(service)
    tool = ask(pair, pair.client.root, "tool")
    assert ask(pair, pair.client.root, "take", tool, 5) == [True, False]
    assert service.got[0] is service.tool


def test_a_reference_means_nothing_on_another_connection() -> None:
    one, two = Pair(Service()), Pair(Service())
    tool = ask(one, one.client.root, "tool")
    with pytest.raises(NotSendable, match="another connection"):
        two.client.root.callRemote("take", tool)


def test_references_cannot_be_written_where_no_connection_is() -> None:
    pair = Pair(Service())
    for value in (Tool(), pair.client.root, Shown(), User("zoe")):
        with pytest.raises(NotSendable):
            write_alone(value)


def test_one_way_calls_arrive_and_leave_nothing_waiting() -> None:
    service = Service()
    pair = Pair(service)
    assert pair.client.root.callRemoteOnly("take", 1) is None
    pair.run()
    assert service.got == [1] and not pair.client.broker.unanswered


def test_a_remote_method_is_a_value() -> None:
    pair = Pair(Service())
    tool = ask(pair, pair.client.root, "tool")
    add = tool.remoteMethod("add")
    result = add(4, b=4)
    pair.run()
    assert result.value == 8
    assert add == tool.remoteMethod("add") and hash(add) == hash(tool.remoteMethod("add"))
    assert add != tool.remoteMethod("other") and add != pair.client.root.remoteMethod("add") and add != "add"


def test_a_reference_is_copied_as_itself_and_never_pickled() -> None:
    pair = Pair(Service())
    root = pair.client.root
    assert copy.copy(root) is root and copy.deepcopy([root])[0] is root
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(root)
    assert repr(root) in ("<RemoteReference 'root'>", "<RemoteReference b'root'>")
    assert root.connection is pair.client


def test_callbacks_run_once_when_the_connection_ends() -> None:
    pair = Pair(Service())
    tool = ask(pair, pair.client.root, "tool")
    told: list[str] = []

    def first(reference: Any) -> None:
        assert reference is tool
        told.append("first")

    def second(reference: Any) -> None:
        told.append("second")

    tool.notifyOnDisconnect(first)
    tool.notifyOnDisconnect(second)
    tool.dontNotifyOnDisconnect(first)
    tool.notifyOnDisconnect(first)
    with pytest.raises(ValueError):
        tool.dontNotifyOnDisconnect(print)
    pair.cut()
    assert told == ["second", "first"]
    with pytest.raises(ValueError, match="no such callback"):
        tool.dontNotifyOnDisconnect(first)


def test_a_callback_that_was_taken_back_is_not_run() -> None:
    pair = Pair(Service())
    tool = ask(pair, pair.client.root, "tool")
    told: list[Any] = []
    tool.notifyOnDisconnect(told.append)
    tool.dontNotifyOnDisconnect(told.append)
    pair.cut()
    assert told == []


def test_a_callback_that_fails_keeps_none_from_being_told() -> None:
    pair = Pair(Service())
    tool = ask(pair, pair.client.root, "tool")
    told: list[Any] = []

    def fail(reference: Any) -> None:
        raise ValueError("as asked")

    tool.notifyOnDisconnect(fail)
    tool.notifyOnDisconnect(told.append)
    pair.cut()
    assert told == [tool]
    ((_doing, error),) = pair.client.reports
    assert isinstance(error, ExceptionGroup) and str(error.exceptions[0]) == "as asked"


def test_calls_after_the_end_are_refused() -> None:
    pair = Pair(Service())
    root = pair.client.root
    pair.cut()
    with pytest.raises(ConnectionClosed):
        ask(pair, root, "tool")


def test_each_connection_may_have_a_root_of_its_own() -> None:
    class Own(likewise.Root):
        def rootObject(self, broker: Any) -> likewise.Referenceable:
            assert broker.side.value == "server"
            return Tool()

    pair = Pair(Own())
    assert ask(pair, pair.client.root, "add", 1) == 2
    service = Service()
    assert service.rootObject(None) is service
