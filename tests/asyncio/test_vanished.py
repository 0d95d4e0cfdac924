"""S-38, H-4: a peer that vanishes without a word is found out, written to or not; one that is slow to read is waited for."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
from typing import cast

import pytest

import likewise
from tests.programs import ROOT, Program, environment, running

PROGRAM = """
import asyncio, fcntl, socket, struct, sys, time
import likewise

def loopback(is_up):
    # SIOCSIFFLAGS, with IFF_LOOPBACK and, perhaps, IFF_UP | IFF_RUNNING: packets are dropped, nobody is told
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 8 | (0x41 if is_up else 0)))

class Root(likewise.Root):
    def remote_keep(self, reference):
        self.kept = reference

async def main(is_sent_to, is_read):
    loopback(True)
    lost = asyncio.Event()
    limits = likewise.Limits(keepalive_seconds=2.0)
    root, reasons = Root(), []
    def gone(connection):
        reasons.append(connection.reason)
        lost.set()
    async with likewise.serve(root, "tcp://127.0.0.1:0", limits=limits, on_disconnect=gone) as server:
        connection = await likewise.connect(server.address)
        await connection.root.callRemote("keep", likewise.Referenceable())
        assert server.connections and not lost.is_set()
        if not is_read:
            connection._transport.pause_reading()
            root.kept.callRemoteOnly("x", bytes(12_000_000))
            await asyncio.sleep(1.5)  # the window has closed, and the system asks whether it is open again
        loopback(False)
        if is_sent_to:
            root.kept.callRemoteOnly("x", bytes(1_000))
        began = time.monotonic()
        await asyncio.wait_for(lost.wait(), 15)
        print(f"found after {time.monotonic() - began:.1f} s {type(reasons[0]).__name__}", flush=True)
        loopback(True)
        connection.abort()

asyncio.run(main("sent to" in sys.argv, "unread" not in sys.argv))
"""


@pytest.mark.parametrize("how", [["silent"], ["sent to"], ["unread"]])
def test_a_peer_that_vanished_is_found_out(how: list[str]) -> None:
    unshare = shutil.which("unshare")
    inside = [str(unshare), "--user", "--map-root-user", "--net"]
    if not sys.platform.startswith("linux") or unshare is None or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("no network of its own can be had here")
    command = [*inside, sys.executable, "-P", "-c", PROGRAM, *how]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment())
    assert ended.stdout.startswith("found after") and "TimeoutError" in ended.stdout, ended.stdout + ended.stderr
    assert float(ended.stdout.split()[2]) < 6.0


PATIENCE = 4.0  # seconds for which nothing is read, four times as long as a peer may have vanished


async def slow_server(port: int, process: Program) -> None:
    """Calls wait for a server whose process stands still, and are answered when it goes on."""
    async with asyncio.timeout(60):
        limits = likewise.Limits(keepalive_seconds=1.0)
        async with likewise.connect(f"tcp://127.0.0.1:{port}", limits=limits) as connection:
            assert await connection.root.callRemote("size", b"abc") == 3
            process.process.send_signal(signal.SIGSTOP)
            calls = [connection.root.callRemote("size", bytes(1_000_000)) for _ in range(20)]
            await asyncio.sleep(PATIENCE)
            assert connection.is_open and connection.queued_bytes
            process.process.send_signal(signal.SIGCONT)
            assert await asyncio.gather(*calls) == [1_000_000] * 20


SERVER = """
import asyncio, likewise

class Root(likewise.Root):
    def remote_size(self, data):
        return len(data)

async def main():
    async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
        print("listening on", server.port, flush=True)
        await server.serve_forever()

asyncio.run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_server_that_does_not_read_for_a_while_is_waited_for(loop: str) -> None:
    uvloop = pytest.importorskip("uvloop") if loop == "uvloop" else None
    with running("-P", "-c", SERVER) as process, asyncio.Runner(loop_factory=uvloop and uvloop.new_event_loop) as runner:
        runner.run(slow_server(int(process.port()), process))


class Kept(likewise.Root):
    def __init__(self) -> None:
        self.kept: list[likewise.RemoteReference] = []

    def remote_keep(self, reference: likewise.RemoteReference) -> None:
        self.kept.append(reference)


def test_a_client_that_does_not_read_for_a_while_stays_and_gets_all() -> None:
    got: list[int] = []

    class Reader(likewise.Referenceable):
        def remote_take(self, data: bytes) -> None:
            got.append(len(data))

    async def main() -> None:
        root = Kept()
        ended: list[object] = []
        limits = likewise.Limits(keepalive_seconds=1.0)
        gone = ended.append
        async with likewise.serve(root, "tcp://127.0.0.1:0", limits=limits, on_disconnect=gone) as server:
            connection = await likewise.connect(server.address)
            await connection.root.callRemote("keep", Reader())
            transport = cast(asyncio.Transport, connection._transport)
            transport.pause_reading()
            for _ in range(20):
                root.kept[0].callRemoteOnly("take", bytes(1_000_000))
            await asyncio.sleep(PATIENCE)
            assert not ended and server.connections[0].queued_bytes
            transport.resume_reading()
            async with asyncio.timeout(30):
                while len(got) < 20:
                    await asyncio.sleep(0.01)
            await connection.close()

    asyncio.run(main())
