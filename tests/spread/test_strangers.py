"""What a stranger may send: little before a login, less than 64 MiB of memory without one; and how deep a chain may be."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.cred import checkers, credentials, portal
from zope.interface import implementer

import likewise
from likewise.limits import MIB
from likewise.spread import pb
from tests.spread.ends import Logged, Pair


class Avatar(pb.Avatar):
    def perspective_size(self, value: Any) -> int:
        return len(value)


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, name: Any, mind: Any, *interfaces: Any) -> Any:
        return pb.IPerspective, Avatar(), lambda: None


class Root(pb.Root):
    def remote_echo(self, value: Any) -> Any:
        return value


class Link(pb.Copyable, pb.RemoteCopy):
    next: Any = None


pb.setUnjellyableForClass(Link, Link)


def pair() -> Pair:
    users = checkers.InMemoryUsernamePasswordDatabaseDontUse(ada=b"sesame")
    return Pair(None, server=pb.PBServerFactory(portal.Portal(Realm(), [users])))


@pytest.mark.parametrize("value", [b"x" * 20_000, list(range(300)), "x" * 9_000])
def test_before_a_login_a_message_is_small(value: Any) -> None:
    joined = pair()
    with Logged():
        joined.root.callRemote("login", value).addErrback(lambda why: None)
        joined.carry()
    assert joined.server.core.is_closed and joined.server.transport.is_losing


def test_after_a_login_it_may_be_as_large_as_ever() -> None:
    joined = pair()
    avatar = joined.result(joined.client_factory.login(credentials.UsernamePassword(b"ada", b"sesame")))
    assert joined.result(avatar.callRemote("size", b"x" * 600_000)) == 600_000
    assert joined.result(avatar.callRemote("size", list(range(100_000)))) == 100_000


def test_without_a_portal_a_message_of_a_stranger_takes_less_than_64_mib() -> None:
    joined = Pair(Root())
    assert joined.server.incoming.frame_bytes <= 32 * MIB and joined.server.incoming.frame_items <= 1_000_000
    with Logged():
        for _ in range(60):
            joined.server.dataReceived(b"\x07\x80" if not _ else b"\x80\x80\x28\x82" + b"x" * 655_360)
    assert joined.server.core.is_closed
    assert joined.client.incoming.frame_bytes == likewise.Limits().frame_bytes, "an answer of a server is another matter"


def chain(count: int) -> Any:
    made: Any = None
    for _ in range(count):
        link = Link()
        link.next = made
        made = link
    return made


def test_a_chain_of_as_many_copies_as_twisted_takes_crosses() -> None:
    value = Pair(Root()).ask("echo", chain(120))
    count = 0
    while value is not None:
        value, count = value.next, count + 1
    assert count == 120


def test_a_longer_one_is_refused_with_the_ceiling_and_the_remedy() -> None:
    with Logged():
        failure = Pair(Root()).ask("echo", chain(200))
    assert "deep" in str(failure.value)
