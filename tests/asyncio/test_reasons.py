"""Every connection that has ended has a reason: what is known of its end, and no more."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
from collections.abc import Awaitable, Callable

import pytest

import likewise
from tests.programs import running

SERVER = """
import asyncio, likewise

class Root(likewise.Root):
    def remote_ping(self):
        return "pong"

async def main():
    async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
        print("listening on", server.port, flush=True)
        await server.serve_forever()

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_of_a_server_that_is_gone_it_is_said_that_it_closed_or_was_ended(number: signal.Signals) -> None:
    async def main(port: str, end: Callable[[], None]) -> None:
        async with asyncio.timeout(20):
            connection = await likewise.connect(f"tcp://127.0.0.1:{port}")
            assert await connection.root.callRemote("ping") == "pong"  # it has read all that there is
            assert connection.reason is None, "it is open"
            end()
            await connection.wait_closed()
            assert type(connection.reason) is likewise.ConnectionClosed
            assert str(connection.reason) == "the peer closed the connection, or its process ended: it did not say which"
            with pytest.raises(likewise.ConnectionClosed, match="or its process ended"):
                await connection.root.callRemote("anything")

    with running("-P", "-c", SERVER) as server:
        asyncio.run(main(server.port(), lambda: server.process.send_signal(number)))


class Root(likewise.Root):
    def remote_ping(self) -> str:
        return "pong"


async def ended(how: Callable[[likewise.Connection, likewise.Server], object]) -> tuple[str, str]:
    """What the server and the client say of the end of a connection that is ended like this."""
    reasons: asyncio.Queue[BaseException | None] = asyncio.Queue()

    def gone(connection: likewise.Connection) -> None:
        reasons.put_nowait(connection.reason)

    async with asyncio.timeout(20), likewise.serve(Root(), "tcp://127.0.0.1:0", on_disconnect=gone) as server:
        connection = await likewise.connect(server.address)
        assert await connection.root.callRemote("ping") == "pong"  # nothing is on its way
        done = how(connection, server)
        if isinstance(done, Awaitable):
            await done
        await connection.wait_closed()
        return str(await reasons.get()), str(connection.reason)


def kick(connection: likewise.Connection, server: likewise.Server) -> None:
    server.connections[0].abort()


def stop(connection: likewise.Connection, server: likewise.Server) -> None:
    server.stop()


def close(connection: likewise.Connection, server: likewise.Server) -> Awaitable[None]:
    return connection.close()


def abort_for_a_reason(connection: likewise.Connection, server: likewise.Server) -> None:
    connection.abort(ValueError("enough"))


def reset(connection: likewise.Connection, server: likewise.Server) -> None:
    plug: socket.socket = connection.get_extra_info("socket")
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.abort()


THERE = "the peer closed the connection, or its process ended: it did not say which"


@pytest.mark.parametrize(
    "how, at_the_server, at_the_client",
    [
        (kick, "aborted at this end", THERE),
        (stop, "closed at this end", THERE),
        (close, THERE, "closed at this end"),
        (abort_for_a_reason, THERE, "enough"),
        (reset, "[Errno 104] Connection reset by peer", "aborted at this end"),
    ],
)
def test_each_end_says_what_it_knows_of_the_end(
    how: Callable[[likewise.Connection, likewise.Server], object], at_the_server: str, at_the_client: str
) -> None:
    assert asyncio.run(ended(how)) == (at_the_server, at_the_client)
