"""The bomb that counts, as whatever a login takes: user, password, token, proof, mind, keyword; by both APIs."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.counting import Counting, asked
from tests.login import doors

WAYS = {
    "login": 1,  # so many arguments, without the mind
    "login_plain": 2,
    "login_scram": 1,
    "login_token": 1,
    "login_certificate": 0,
    "loginAnonymous": 0,
    "login_ways": 0,
    "no_such_way": 1,
}


@likewise.copyable(name="login.Bomb")
@dataclass(eq=False, repr=False)
class Bomb(Counting):
    more: Any = None


class User(likewise.Avatar):
    """Keeps the mind, and tells in its texts of nothing."""

    def __init__(self, mind: Any) -> None:
        self.mind = mind

    def perspective_take(self, *args: Any, **kwargs: Any) -> None:
        self.mind = args, kwargs

    def logout(self, mind: Any) -> None:
        self.mind = mind


def everything() -> likewise.Login:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return likewise.Login(
            lambda user, mind: User(mind),
            passwords=(doors.scram(), doors.argon2()),
            tokens=doors.tokens(),
            anonymous=True,
            md5_for_twisted={"alice": likewise.Login.md5_record("sesame")},
        )


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """What is traced; and whatever is logged is formatted."""
    caplog.set_level(logging.DEBUG)
    asked.clear()
    yield []
    assert caplog.text is not None and not asked, dict(asked)


async def attempt(root: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """What comes of it, an error included."""
    try:
        return await root.callRemote(name, *args, **kwargs)
    except likewise.LikewiseError as error:
        return error


async def every_way(root: Any, bomb: Any) -> None:
    for name, arguments in WAYS.items():
        for value in (bomb, [bomb], {"bomb": bomb}):
            await attempt(root, name, *[value] * arguments)
            await attempt(root, name, *[value] * arguments, value)
            await attempt(root, name, *["alice"] * arguments, mind=value, other=value)
    for name, first in (("login", "alice"), ("login_scram", "n,,n=alice,r=abcdefghijkl")):
        for method, *args in (("respond", bomb, bomb), ("finish", [bomb], bomb), ("respond", b"x", [bomb]), ("bomb",)):
            begun = await attempt(root, name, first)
            if isinstance(begun, tuple):
                await attempt(begun[1], method, *args, named=bomb)


@pytest.mark.parametrize("is_user", [False, True], ids=["a stranger", "a user"])
def test_a_login_asks_it_nothing(is_user: bool, told: list[Any]) -> None:
    """Of a stranger it does not even come in; of somebody who is logged in and logs in again it does."""
    limits = likewise.Limits(login_attempts=1_000, user_attempts=1_000)

    async def main() -> None:
        registry = likewise.Registry(Bomb)
        serving = likewise.serve(
            None, "tcp://127.0.0.1:0", login=everything(), accept=registry, limits=limits, trace=told.append
        )
        async with serving as server, likewise.connect(server.address, accept=registry) as connection:
            root, bomb = connection.root, Bomb()
            if is_user:
                user = await root.callRemote("loginAnonymous", None)
            await every_way(root, bomb)
            if is_user:
                for mind in (bomb, [bomb]):
                    another = await root.callRemote("loginAnonymous", mind)
                    assert isinstance(another, likewise.RemoteReference)
                    await another.callRemote("take", mind, named=mind)
                    await attempt(another, "noSuch", mind, named=mind)
                    by_token = await root.callRemote("login_token", doors.TOKEN, mind)
                    assert isinstance(by_token, likewise.RemoteReference)
                    del another, by_token
                await user.callRemote("take", bomb)

    asyncio.run(asyncio.wait_for(main(), 60))
    assert all(type(value) in (str, int, float) for record in told for value in record.detail.values())


def test_in_spread_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("twisted")
    from twisted.cred import checkers, portal
    from zope.interface import implementer

    from likewise.spread import pb
    from tests.spread.ends import Logged, Pair

    class SpreadBomb(Counting, pb.Copyable, pb.RemoteCopy):
        more: Any = None

    pb.setUnjellyableForClass(SpreadBomb, SpreadBomb)
    minds: list[Any] = []

    class Avatar(pb.Avatar):
        def perspective_take(self, *args: Any, **kwargs: Any) -> None:
            minds.append((args, kwargs))

    @implementer(portal.IRealm)
    class Realm:
        def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
            minds.append(mind)
            return pb.IPerspective, Avatar(), lambda: None

    users = checkers.InMemoryUsernamePasswordDatabaseDontUse(ada=b"sesame")
    gate = portal.Portal(Realm(), [users, checkers.AllowAnonymousAccess()])
    monkeypatch.setattr(pb.Broker, "limits", likewise.Limits(login_attempts=1_000, user_attempts=1_000))
    pair, bomb = Pair(None, server=pb.PBServerFactory(gate)), SpreadBomb()
    asked.clear()
    with Logged() as logged:
        for _ in range(2):  # before a login and after one
            for value in (bomb, [bomb], {"bomb": bomb}):
                for name, arguments in WAYS.items():
                    pair.ask(name, *[value] * arguments)
                    pair.ask(name, *[value] * arguments, mind=value, other=value)
                _, challenger = pair.ask("login", b"ada")
                pair.result(challenger.callRemote("respond", value, value))
                pair.result(challenger.callRemote("respond", value, value))
                pair.result(challenger.callRemote("bomb", value, named=value))
            avatar = pair.ask("loginAnonymous", [bomb])
            assert type(minds[-1][0]) is SpreadBomb
            pair.result(avatar.callRemote("take", bomb, named=bomb))
            pair.result(avatar.callRemote("noSuch", bomb, named=bomb))
            challenge, challenger = pair.ask("login", b"ada")
            pair.result(challenger.callRemote("respond", pb.respond(challenge, b"sesame"), bomb))
            assert type(minds[-1]) is SpreadBomb
        texts = [*logged.lines, *(each.getTraceback() for each in logged.errors)]
    assert not asked, (dict(asked), texts)
