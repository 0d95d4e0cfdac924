"""Logins over one connection have a ceiling, and those beyond it fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from likewise.limits import Limits


class User(likewise.Avatar):
    def perspective_hello(self) -> str:
        return "hello"

    def logout(self, mind: Any) -> None:
        pass


def test_one_login_too_many_fails_and_another_may_come_when_one_has_ended() -> None:
    async def main() -> None:
        how = likewise.Login(lambda user, mind: User(), anonymous=True)
        async with (
            likewise.serve(None, "tcp://127.0.0.1:0", login=how, limits=Limits(logins=3)) as server,
            likewise.connect(server.address) as connection,
        ):
            users = [await connection.root.callRemote("loginAnonymous", None) for _ in range(3)]
            with pytest.raises(likewise.LoginFailed, match=r"limits\.logins"):
                await connection.root.callRemote("loginAnonymous", None)
            users.pop()
            await connection.root.callRemote("login_ways")
            users.append(await connection.root.callRemote("loginAnonymous", None))
            assert [await each.callRemote("hello") for each in users] == ["hello"] * 3

    asyncio.run(asyncio.wait_for(main(), 20))
