"""Closing is in order: what was begun ends, who came late is not let in, and nothing of another server is removed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.asyncio import server as servers


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(main(), 20)

    asyncio.run(bounded())


async def until(met: Callable[[], bool]) -> None:
    while not met():
        await asyncio.sleep(0.005)


class Tidy(likewise.Root):
    def __init__(self) -> None:
        self.did: list[str] = []

    async def remote_work(self) -> None:
        self.did.append("begun")
        try:
            await asyncio.sleep(3_600)
        finally:
            await asyncio.sleep(0.05)
            self.did.append("tidied")

    def remote_note(self) -> None:
        self.did.append("note")


def test_close_returns_when_the_methods_that_it_cancelled_have_ended() -> None:
    async def main() -> None:
        root = Tidy()
        async with likewise.serve(root, "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            call = connection.root.callRemote("work")
            await until(lambda: root.did == ["begun"])
            await server.close(grace=0.01)
            assert root.did == ["begun", "tidied"]
            await asyncio.wait({call})

    run(main)


def test_a_call_that_comes_while_the_connection_is_closing_is_refused_and_not_run() -> None:
    async def main() -> None:
        root = Tidy()
        async with likewise.serve(root, "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as connection:
            call = connection.root.callRemote("work")
            await until(lambda: root.did == ["begun"])
            server.stop(grace=0.2)
            await asyncio.sleep(0.05)
            with pytest.raises(likewise.NotExecuted, match="being closed"):
                await connection.root.callRemote("note")
            await server.close()
            assert "note" not in root.did
            await asyncio.wait({call})

    run(main)


def test_close_waits_for_a_logout_that_is_a_coroutine() -> None:
    did: list[str] = []

    class User(likewise.Avatar):
        def perspective_hello(self) -> str:
            return "hello"

        async def logout(self, mind: Any) -> None:
            await asyncio.sleep(0.05)
            did.append("logged out")

    async def main() -> None:
        how = likewise.Login(lambda user, mind: User(), anonymous=True)
        async with likewise.serve(None, "tcp://127.0.0.1:0", login=how) as server:
            connection = await likewise.connect(server.address, login=likewise.Anonymous())
            assert await connection.root.callRemote("hello") == "hello"
            await server.close(grace=1.0)
            assert did == ["logged out"]
            await connection.close()

    run(main)


def test_who_is_being_accepted_while_the_server_closes_is_not_let_in() -> None:
    async def main() -> None:
        opened: list[object] = []
        server = await likewise.serve(likewise.Root(), "tcp://127.0.0.1:0", on_connect=opened.append)
        plugs = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(10)]
        await asyncio.sleep(0)  # the loop has begun to accept them
        await server.close()
        await asyncio.sleep(0.05)
        assert not server.connections and not opened
        for plug in plugs:
            plug.settimeout(5)
            with plug:
                try:
                    while plug.recv(1_000):
                        pass
                except ConnectionError:
                    pass

    run(main)


def test_a_socket_file_of_another_server_stays(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "socket"
        old = await likewise.serve(likewise.Root(), f"unix://{path}")
        path.unlink()
        async with likewise.serve(Tidy(), f"unix://{path}"):
            await old.close()
            async with likewise.connect(f"unix://{path}") as connection:
                await connection.root.callRemote("note")
        assert not path.exists()

    run(main)


def test_a_socket_file_that_cannot_be_removed_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(path: object) -> None:
        raise PermissionError(13, os.strerror(13))

    async def main() -> None:
        server = await likewise.serve(likewise.Root(), f"unix://{tmp_path / 'socket'}")
        monkeypatch.setattr(servers.os, "unlink", refused)  # as in a directory that has become read-only, where root may
        await server.close()

    run(main)
    assert "can't be removed: Permission denied" in caplog.text or not (tmp_path / "socket").exists()


def test_the_root_is_made_for_those_that_are_let_in_and_the_end_told_of_them_alone() -> None:
    class Made(likewise.Root):
        made = 0

        def rootObject(self, connection: Any) -> Any:
            type(self).made += 1
            return self

    async def main() -> None:
        told: list[str] = []
        async with likewise.serve(
            Made(),
            "tcp://127.0.0.1:0",
            on_connect=lambda connection: told.append("connected"),
            on_disconnect=lambda connection: told.append("disconnected"),
        ) as server:
            stranger = socket.create_connection(("127.0.0.1", server.port))
            await until(lambda: len(server.connections) == 1)
            stranger.close()
            await until(lambda: not server.connections)
            assert Made.made == 0 and not told
            async with likewise.connect(server.address):
                await until(lambda: told == ["connected"])
            await until(lambda: told == ["connected", "disconnected"])
            assert Made.made == 1

    run(main)


@pytest.mark.parametrize("how", ["raises", "aborts"])
def test_a_root_that_is_not_made_ends_the_connection(how: str) -> None:
    class Refusing(likewise.Root):
        def rootObject(self, connection: Any) -> Any:
            if how == "raises":
                raise LookupError("no root today")
            connection.abort()
            return self

        def remote_hello(self) -> str:
            return "hello"

    async def main() -> None:
        async with likewise.serve(Refusing(), "tcp://127.0.0.1:0") as server:
            with pytest.raises((likewise.ConnectionClosed, likewise.CannotConnect)):
                async with likewise.connect(server.address) as connection:
                    await connection.root.callRemote("hello")
            await until(lambda: not server.connections)

    run(main)


def test_cancelling_one_who_waits_for_the_greeting_cancels_no_other() -> None:
    async def main() -> None:
        async with likewise.serve(likewise.Root(), "tcp://127.0.0.1:0") as server:
            connection = await likewise.connect(server.address)
            connection._opened, connection._line._handshake = None, asyncio.get_running_loop().call_later(60, print)
            waiters = [asyncio.ensure_future(connection._wait_open()) for _ in range(2)]
            await asyncio.sleep(0)
            waiters[0].cancel()
            await asyncio.sleep(0)
            connection._line._handshake.cancel()
            connection._line._handshake = None
            assert connection._opened is not None
            connection._opened.set_result(None)
            await waiters[1]
            await connection.close()

    run(main)


def test_mistakes_of_the_first_day_are_told_at_once() -> None:
    with pytest.raises(TypeError, match=r"Tidy is a class: serve an instance of it, Tidy\(\)"):
        likewise.serve(Tidy, "tcp://127.0.0.1:0")
    with pytest.raises(TypeError, match=r"login= takes likewise.Password"):
        likewise.connect("tcp://127.0.0.1:1", login=("ada", "x"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"tls= takes a likewise.TLS"):
        likewise.connect("tls://127.0.0.1:1", tls=True)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="async with"), likewise.connect("tcp://127.0.0.1:1"):
        pass
    with pytest.raises(TypeError, match="async with"), likewise.serve(Tidy(), "tcp://127.0.0.1:0"):
        pass
    with pytest.raises(AttributeError, match="await"):
        likewise.connect("tcp://127.0.0.1:1").root
