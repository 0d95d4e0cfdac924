"""The peers of a UNIX socket are counted, too: all those of one user of the machine together."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

import likewise
from likewise.limits import Limits
from tests import sexp
from tests.programs import running

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="only some systems tell who is there")
SERVER = """
import sys
from twisted.internet import reactor
from likewise.limits import Limits
from likewise.spread import pb

class Broker(pb.Broker):
    limits = Limits(connections_per_address=2)

class Factory(pb.PBServerFactory):
    protocol = Broker

reactor.listenUNIX(sys.argv[1], Factory(pb.Root()))
print("ready", flush=True)
reactor.run()
"""


def test_one_connection_too_many_of_a_user_is_closed_and_the_others_go_on(tmp_path: Path) -> None:
    async def main() -> None:
        address = f"unix://{tmp_path / 'socket'}"
        async with likewise.serve(likewise.Root(), address, limits=Limits(connections_per_address=2)) as server:
            one, two = await likewise.connect(address), await likewise.connect(address)
            with pytest.raises(likewise.CannotConnect):
                await likewise.connect(address)
            assert one.is_open and two.is_open
            await one.close()
            while len(server.connections) > 1:
                await asyncio.sleep(0)
            async with likewise.connect(address) as three:
                assert three.is_open
            await two.close()

    asyncio.run(asyncio.wait_for(main(), 20))


def test_with_uvloop_too(tmp_path: Path) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        address = f"unix://{tmp_path / 'socket'}"
        serving = likewise.serve(likewise.Root(), address, limits=Limits(connections_per_address=1))
        async with serving, likewise.connect(address):
            with pytest.raises(likewise.CannotConnect):
                await likewise.connect(address)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(main(), 20))


def test_in_spread_too(tmp_path: Path) -> None:
    pytest.importorskip("twisted")
    path = str(tmp_path / "socket")

    def connected() -> socket.socket:
        plug = socket.socket(socket.AF_UNIX)
        plug.settimeout(20)
        plug.connect(path)
        with contextlib.suppress(BrokenPipeError):  # the server has closed it already
            plug.sendall(sexp.encode(b"pb", "none"))
        return plug

    with running("-c", SERVER, path) as program:
        assert program.line() == "ready"
        plugs = [connected() for _ in range(2)]
        for plug in plugs:  # both have agreed on a dialect when their greeting is answered
            plug.recv(1_000)
            plug.sendall(sexp.encode([b"message", 1, b"root", b"x", 1, [b"tuple"], [b"dictionary"]]))
            assert plug.recv(1_000)
        with connected() as third:
            try:
                while third.recv(1_000):
                    pass
            except ConnectionError:
                pass
        for plug in plugs:
            plug.sendall(sexp.encode([b"message", 2, b"root", b"x", 1, [b"tuple"], [b"dictionary"]]))
            assert plug.recv(10_000)
            plug.close()
