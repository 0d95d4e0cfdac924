"""Guesses that are begun side by side are no more than those that are made one after another; right passwords are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

import likewise
from likewise.limits import Limits

PLAIN = "tcp://127.0.0.1:0"


class User(likewise.Avatar):
    def logout(self, mind: Any) -> None:
        pass


class Database:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.record = likewise.Argon2Passwords.record("sesame")

    async def look_up(self, name: str) -> str:
        self.asked += 1
        await self.open.wait()
        return self.record


def served(database: Database) -> likewise.Server:
    how = likewise.Login(lambda user, mind: User(), passwords=likewise.Argon2Passwords(database.look_up))
    return likewise.serve(None, PLAIN, login=how, limits=Limits(user_attempts=2))


async def attempt(address: str, password: str) -> bool:
    try:
        async with likewise.connect(address, login=likewise.Password("alice", password, plain=True)):
            return True
    except likewise.LoginRefused:
        return False


async def until_asked(database: Database, times: int, others: Awaitable[object]) -> None:
    while database.asked < times:
        await asyncio.sleep(0.01)
    await others  # by then those that were begun later have come as far as they may
    assert database.asked == times


def test_of_guesses_begun_side_by_side_only_those_are_checked_that_need_no_wait() -> None:
    async def main() -> None:
        database = Database()
        async with served(database) as server:
            guesses = [asyncio.create_task(attempt(server.address, f"guess {n}")) for n in range(6)]
            async with likewise.connect(server.address) as another:
                await until_asked(database, 2, another.root.callRemote("login_ways"))
                database.open.set()
                await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
                while sum(each.done() for each in guesses) < 2:
                    await asyncio.sleep(0.01)
                await until_asked(database, 2, another.root.callRemote("login_ways"))  # the others wait for a second
            for each in guesses:
                each.cancel()
            await asyncio.gather(*guesses, return_exceptions=True)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_those_who_know_the_password_are_let_in_side_by_side() -> None:
    async def main() -> None:
        database = Database()
        database.open.set()
        async with served(database) as server:
            assert all(await asyncio.gather(*(attempt(server.address, "sesame") for _ in range(10))))

    asyncio.run(asyncio.wait_for(main(), 30))


def test_who_goes_while_its_guess_waits_is_not_checked() -> None:
    async def main() -> None:
        database = Database()
        async with served(database) as server:
            guesses = [asyncio.create_task(attempt(server.address, "guess")) for _ in range(4)]
            async with likewise.connect(server.address) as another:
                await until_asked(database, 2, another.root.callRemote("login_ways"))
                for each in guesses:
                    each.cancel()
                await asyncio.gather(*guesses, return_exceptions=True)
                while len(server.connections) > 1:
                    await asyncio.sleep(0.01)
                database.open.set()
                assert await attempt(server.address, "sesame")
                assert database.asked <= 5

    asyncio.run(asyncio.wait_for(main(), 30))


def test_in_spread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("twisted")
    from twisted.cred import credentials, portal
    from twisted.cred.checkers import ICredentialsChecker
    from twisted.cred.error import UnauthorizedLogin
    from twisted.internet import defer, task
    from zope.interface import implementer

    from likewise.spread import pb
    from tests.spread.ends import Logged, Pair

    clock = task.Clock()
    monkeypatch.setattr("likewise.spread.cred.the_reactor", lambda: clock)
    asked: list[defer.Deferred[Any]] = []

    @implementer(ICredentialsChecker)
    class Checker:
        credentialInterfaces = (pb.IUsernameMD5Password,)

        def requestAvatarId(self, credentials: Any) -> Any:
            asked.append(defer.Deferred())
            return asked[-1]

    @implementer(portal.IRealm)
    class Realm:
        def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
            return pb.IPerspective, pb.Avatar(), lambda: None

    factory = pb.PBServerFactory(portal.Portal(Realm(), [Checker()]))
    pairs = [Pair(None, server=factory) for _ in range(8)]
    answers: list[Any] = []
    with Logged():
        for each in pairs:
            each.client_factory.login(credentials.UsernamePassword(b"ada", b"x")).addBoth(answers.append)
            each.carry()
        assert len(asked) == 5  # limits.user_attempts
        asked[0].callback(b"ada")
        assert len(asked) == 6
        for number in range(1, 6):
            asked[number].errback(UnauthorizedLogin())
        for pair in pairs:
            pair.carry()
        assert len(asked) == 6 and len(answers) == 6 and isinstance(answers[0], pb.RemoteReference)
        clock.advance(1.1)
        assert len(asked) == 7  # one after another from now on
