"""Who has yet to log in learns how to, and nothing of what goes wrong in the application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

import likewise

SECRET = "postgres://app:hunter2@10.0.0.5/users is down"
ADDRESS = "tcp://127.0.0.1:0"


def within(seconds: float, work: Awaitable[None]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(work, seconds)

    asyncio.run(bounded())


def down(*args: Any) -> Any:
    raise LookupError(SECRET)


async def down_later(*args: Any) -> Any:
    await asyncio.sleep(0)
    raise LookupError(SECRET)


class BrokenRoot(likewise.Root):
    def rootObject(self, connection: Any) -> Any:
        raise LookupError(SECRET)


ANONYMOUS = likewise.Anonymous()
PASSWORD = likewise.Password("ada", "quack")
TOKEN = likewise.Token("t" * 40)


def md5(records: Any) -> likewise.Login:
    with pytest.warns(UserWarning, match="MD5"):
        return likewise.Login(lambda user, mind: None, md5_for_twisted=records)


CASES = {
    "a realm": (None, lambda: likewise.Login(down, anonymous=True), ANONYMOUS),
    "a realm that waits": (None, lambda: likewise.Login(down_later, anonymous=True), ANONYMOUS),
    "a root object": (BrokenRoot(), lambda: likewise.Login(anonymous=True), ANONYMOUS),
    "records": (None, lambda: likewise.Login(down, passwords=likewise.ScramPasswords(down)), PASSWORD),
    "records that wait": (None, lambda: likewise.Login(down, passwords=likewise.ScramPasswords(down_later)), PASSWORD),
    "tokens": (None, lambda: likewise.Login(down, tokens=likewise.Tokens(down)), TOKEN),
}


@pytest.mark.parametrize("what", CASES)
def test_what_the_application_raises_is_for_the_log_and_not_for_a_stranger(
    what: str, caplog: pytest.LogCaptureFixture
) -> None:
    root, make, credential = CASES[what]

    async def run() -> None:
        async with likewise.serve(root, ADDRESS, login=make(), tracebacks=True) as server:
            with pytest.raises(likewise.LoginFailed) as caught:
                await likewise.connect(server.address, login=credential)
            assert str(caught.value) == "the login failed at the server, whose log says why"
            assert caught.value.__cause__ is None

    within(20, run())
    assert any(SECRET in (record.exc_text or "") for record in caplog.records)


def test_the_records_of_twisted_s_clients_are_kept_from_strangers_too() -> None:
    async def run() -> None:
        how = md5(down)
        async with likewise.serve(None, ADDRESS, login=how) as server, likewise.connect(server.address) as connection:
            for arguments in ((b"ada",), (1, 2, 3)):
                with pytest.raises(likewise.LoginFailed, match="whose log says why"):
                    await connection.root.callRemote("login", *arguments)

    within(20, run())


def test_what_is_meant_for_the_caller_reaches_it() -> None:
    def banned(user: str | None, mind: Any) -> Any:
        raise likewise.Error("you are banned until Monday")

    async def run() -> None:
        async with likewise.serve(None, ADDRESS, login=likewise.Login(banned, anonymous=True)) as server:
            with pytest.raises(likewise.Error, match="until Monday"):
                await likewise.connect(server.address, login=ANONYMOUS)

    within(20, run())


def test_a_client_that_did_not_log_in_is_told_so_at_its_first_call() -> None:
    async def run() -> None:
        how = likewise.Login(lambda user, mind: likewise.Avatar(), anonymous=True)
        async with likewise.serve(None, ADDRESS, login=how) as server, likewise.connect(server.address) as connection:
            for name in ("greet", "_private", "login_ways_of_others"):
                with pytest.raises(likewise.LoginFailed, match=r"wants a login .*connect\(\.\.\., login=\.\.\.\)"):
                    await connection.root.callRemote(name)

    within(20, run())
