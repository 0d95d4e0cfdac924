"""Logging in by Twisted's challenge: one response to a challenge, one logout to a login."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.cred import checkers, credentials, portal
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import defer, task
from zope.interface import implementer

from likewise.spread import pb
from likewise.spread.interfaces import IJellyable
from tests.spread.ends import Logged, Pair


class Avatar(pb.Avatar):
    def __init__(self, name: Any) -> None:
        self.name = name

    def perspective_whoami(self) -> Any:
        return self.name

    def perspective_seen(self) -> Any:
        return Seen()

    def perspective_view(self) -> Any:
        return View()


class Seen(pb.Copyable, pb.RemoteCopy):
    def getStateToCopyFor(self, perspective: Any) -> Any:
        return {"by": perspective.name}


class View(pb.Viewable):
    def view_whoami(self, user: Any, *more: Any) -> Any:
        return [user.name, *more]


pb.setUnjellyableForClass(Seen, Seen)


@implementer(portal.IRealm)
class Realm:
    def __init__(self) -> None:
        self.log: list[Any] = []
        self.waiting: defer.Deferred[Any] | None = None
        self.make: Any = Avatar

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        self.log.append(("in", avatarId))
        avatar = pb.IPerspective, self.make(avatarId), lambda: self.log.append(("out", avatarId))
        if self.waiting is not None:
            return self.waiting.addCallback(lambda _: avatar)
        return avatar


@pytest.fixture
def realm() -> Realm:
    return Realm()


@pytest.fixture
def pair(realm: Realm) -> Pair:
    users = checkers.InMemoryUsernamePasswordDatabaseDontUse(ada=b"sesame")
    gate = portal.Portal(realm, [users, checkers.AllowAnonymousAccess()])
    return Pair(None, server=pb.PBServerFactory(gate))


def log_in(pair: Pair, name: Any = b"ada", password: Any = b"sesame") -> Any:
    return pair.result(pair.client_factory.login(credentials.UsernamePassword(name, password)))


def test_the_avatar_is_the_perspective(pair: Pair) -> None:
    avatar = log_in(pair)
    assert pair.result(avatar.callRemote("whoami")) == b"ada"
    assert pair.result(avatar.callRemote("seen")).by == b"ada"
    view = pair.result(avatar.callRemote("view"))
    assert pair.result(view.callRemote("whoami", 5)) == [b"ada", 5]
    with Logged():
        assert pair.result(avatar.callRemote("_private")).check(AttributeError)


def test_a_password_may_be_a_str(pair: Pair) -> None:
    assert pair.result(log_in(pair, password="sesame").callRemote("whoami")) == b"ada"


class Worker(pb.Referenceable):
    """A mind, as Buildbot's workers have one: the realm asks it at length before it decides."""

    def remote_info(self) -> dict[str, int]:
        return {f"setting {number}": number for number in range(500)}


@pytest.mark.parametrize("name", [b"ada", None], ids=["a user", "nobody in particular"])
def test_a_realm_may_ask_the_mind_of_a_user_before_it_decides(pair: Pair, realm: Realm, name: bytes | None) -> None:
    told: list[int] = []

    def ask(avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        let_in = pb.IPerspective, Avatar(avatarId), lambda: None
        return mind.callRemote("info").addCallback(lambda info: told.append(len(info))).addCallback(lambda _: let_in)

    realm.requestAvatar = ask  # type: ignore[method-assign]
    how = credentials.Anonymous() if name is None else credentials.UsernamePassword(name, b"sesame")
    avatar = pair.result(pair.client_factory.login(how, Worker()))
    assert pair.result(avatar.callRemote("whoami")) == (name or ()) and told == [500]


def test_whom_a_realm_has_asked_and_turned_away_is_a_stranger_again(pair: Pair, realm: Realm) -> None:
    def ask(avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        return mind.callRemote("info").addCallback(lambda _: defer.fail(UnauthorizedLogin("not today")))

    realm.requestAvatar = ask  # type: ignore[method-assign]
    with Logged():
        failed = pair.result(pair.client_factory.login(credentials.UsernamePassword(b"ada", b"sesame"), Worker()))
        assert failed.check(UnauthorizedLogin)
        pair.root.callRemote("login", b"ada", list(range(500))).addErrback(lambda _: None)
        pair.carry()
    assert pair.server.core.is_closed and "list_items" in str(pair.server.core.reason)


def test_logout_runs_once_when_the_reference_is_dropped(pair: Pair, realm: Realm) -> None:
    avatar = log_in(pair)
    assert realm.log == [("in", b"ada")] and len(pair.server._localCleanup) == 1
    del avatar
    pair.collect()
    assert realm.log == [("in", b"ada"), ("out", b"ada")] and pair.server._localCleanup == {}
    pair.lose()
    assert len(realm.log) == 2


def test_logout_runs_once_when_the_connection_ends(pair: Pair, realm: Realm) -> None:
    avatars = [log_in(pair), log_in(pair)]
    pair.lose()
    assert realm.log == [("in", b"ada")] * 2 + [("out", b"ada")] * 2 and len(avatars) == 2


def test_logout_runs_if_the_client_left_while_the_portal_was_thinking(pair: Pair, realm: Realm) -> None:
    """With Twisted it does not: the avatar stays for ever."""
    realm.waiting = defer.Deferred()
    waiting = pair.client_factory.login(credentials.UsernamePassword(b"ada", b"sesame"))
    waiting.addErrback(lambda _: None)
    pair.carry()
    pair.lose()
    realm.waiting.callback(None)
    assert realm.log == [("in", b"ada"), ("out", b"ada")]


def test_a_challenge_may_be_answered_once(pair: Pair, realm: Realm) -> None:
    number, challenger = pair.ask("login", b"ada")
    assert len(number) == 16 and number != pair.ask("login", b"ada")[0]
    right = pb.respond(number, b"sesame")
    with Logged() as logged:
        assert pair.result(challenger.callRemote("respond", b"wrong", None)).check(UnauthorizedLogin)
        assert pair.result(challenger.callRemote("respond", right, None)).check(UnauthorizedLogin)
    assert realm.log == [] and logged.types() == ["UnauthorizedLogin"] * 2
    number, challenger = pair.ask("login", b"ada")
    assert isinstance(pair.result(challenger.callRemote("respond", pb.respond(number, b"sesame"), None)), pb.RemoteReference)


def test_a_captured_response_is_worth_nothing(pair: Pair, realm: Realm) -> None:
    number, challenger = pair.ask("login", b"ada")
    captured = pb.respond(number, b"sesame")
    assert isinstance(pair.result(challenger.callRemote("respond", captured, None)), pb.RemoteReference)
    _, another = pair.ask("login", b"ada")
    with Logged():
        assert pair.result(another.callRemote("respond", captured, None)).check(UnauthorizedLogin)
    assert len(realm.log) == 2


@pytest.mark.parametrize("response", ["text", "\u00e9", None, 5, b"", [b"x"]])
def test_a_response_may_be_anything(pair: Pair, response: Any) -> None:
    _, challenger = pair.ask("login", b"ada")
    with Logged() as logged:
        assert pair.result(challenger.callRemote("respond", response, None)).check(UnauthorizedLogin)
    assert logged.types() == ["UnauthorizedLogin"]


def test_a_connection_may_try_a_few_times_in_vain(pair: Pair, realm: Realm) -> None:
    ceiling = pair.server.core.limits.login_attempts
    with Logged() as logged:
        for _ in range(ceiling - 1):
            assert log_in(pair, password=b"wrong").check(UnauthorizedLogin)
        assert isinstance(log_in(pair), pb.RemoteReference)  # and all is forgotten
        for name in (b"ada", b"nobody", 5, b"x" * 2_000, b"ada")[:ceiling]:
            assert log_in(pair, name, b"wrong").check(UnauthorizedLogin)
        assert not pair.server.core.is_closed
        pair.client_factory.login(credentials.UsernamePassword(b"ada", b"sesame")).addErrback(lambda failure: None)
        pair.carry()
    assert pair.server.core.is_closed and getattr(pair.server.core.reason, "limit", "") == "login_attempts"
    assert any("login_attempts" in line for line in logged.lines)


def test_who_guesses_at_one_user_over_many_connections_waits(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = task.Clock()
    monkeypatch.setattr("likewise.spread.cred.the_reactor", lambda: clock)
    users = checkers.InMemoryUsernamePasswordDatabaseDontUse(ada=b"sesame", bob=b"sesame")
    factory = pb.PBServerFactory(portal.Portal(realm, [users]))

    def attempt(name: bytes, password: bytes) -> list[Any]:
        ends, answers = Pair(None, server=factory), list[Any]()
        ends.client_factory.login(credentials.UsernamePassword(name, password)).addBoth(answers.append)
        ends.carry()
        pairs.append(ends)
        return answers

    pairs: list[Pair] = []
    with Logged():
        for _ in range(5):
            assert attempt(b"ada", b"guess")
        guess, honest = attempt(b"ada", b"guess"), attempt(b"bob", b"sesame")
        assert not guess and isinstance(honest[0], pb.RemoteReference)
        pairs[-2].lose()  # who has gone is not asked for any more
        right = attempt(b"ada", b"sesame")
        clock.advance(0.9)
        pairs[-1].carry()
        assert not right
        clock.advance(0.2)
        pairs[-1].carry()
        assert isinstance(right[0], pb.RemoteReference)
    assert [user for what, user in realm.log if what == "in"] == [b"bob", b"ada"]


def test_without_a_name(pair: Pair, realm: Realm) -> None:
    avatar = pair.result(pair.client_factory.login(credentials.Anonymous(), "a mind"))
    assert realm.log == [("in", checkers.ANONYMOUS)] and isinstance(avatar, pb.RemoteReference)


@implementer(pb.IPerspective)
class OwnPerspective:
    def __init__(self, name: Any) -> None:
        self.name = name

    def perspectiveMessageReceived(self, broker: Any, message: Any, args: Any, kw: Any) -> Any:
        return broker.serialize((message, broker.unserialize(args, self)), self)


def test_an_avatar_may_be_of_another_make(pair: Pair, realm: Realm) -> None:
    realm.make = OwnPerspective
    assert pair.result(log_in(pair).callRemote("anything", 1)) == ("anything", (1,))


class Both(pb.Referenceable):
    def __init__(self, name: Any) -> None:
        self.name = name

    def remote_whoami(self) -> Any:
        return [self.name]


def test_an_avatar_may_be_a_referenceable(pair: Pair, realm: Realm) -> None:
    realm.make = Both
    assert pair.result(log_in(pair).callRemote("whoami")) == [b"ada"]


def test_an_avatar_reads_expressions_if_asked_to() -> None:
    avatar = Avatar(b"ada")
    assert not IJellyable.providedBy(avatar)
    pair = Pair(Served(avatar))
    assert pair.result(pair.ask("avatar").callRemote("whoami")) == b"ada"
    args = pair.server.serialize(())
    assert avatar.perspectiveMessageReceived(pair.server, b"whoami", args, pair.server.serialize({})) == b"ada"


class Served(pb.Root):
    def __init__(self, avatar: Avatar) -> None:
        self.avatar = avatar

    def remote_avatar(self) -> Any:
        return self.avatar


def test_who_waits_for_the_root_is_told_how_it_ended(pair: Pair) -> None:
    factory = pb.PBClientFactory()
    failed: list[Any] = []
    factory.getRootObject().addErrback(failed.append)
    factory.clientConnectionFailed(None, "nobody there")  # type: ignore[arg-type]
    factory.getRootObject().addErrback(failed.append)
    factory.clientConnectionLost(None, "gone", reconnecting=1)
    assert failed == ["nobody there"] or len(failed) == 1
    factory.clientConnectionLost(None, "gone")
    assert len(failed) == 2
    factory.disconnect()
    pair.client_factory.disconnect()
    assert pair.client.transport.is_losing
