"""S-38: a peer that vanishes without a word is found out, though it is never written to."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.programs import ROOT, environment

PROGRAM = """
import asyncio, fcntl, socket, struct, time
import likewise

def loopback(is_up):
    # SIOCSIFFLAGS, with IFF_LOOPBACK and, perhaps, IFF_UP | IFF_RUNNING: packets are dropped, nobody is told
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 8 | (0x41 if is_up else 0)))

async def main():
    loopback(True)
    lost = asyncio.Event()
    limits = likewise.Limits(keepalive_seconds=2.0)
    address, gone = "tcp://127.0.0.1:0", lambda connection: lost.set()
    async with likewise.serve(likewise.Root(), address, limits=limits, on_disconnect=gone) as server:
        connection = await likewise.connect(server.address)
        await asyncio.sleep(0.2)
        assert server.connections and not lost.is_set()
        loopback(False)
        began = time.monotonic()
        await asyncio.wait_for(lost.wait(), 15)
        print(f"found after {time.monotonic() - began:.1f} s", flush=True)
        loopback(True)
        connection.abort()

asyncio.run(main())
"""


def test_a_peer_that_vanished_is_found_out() -> None:
    unshare = shutil.which("unshare")
    inside = [str(unshare), "--user", "--map-root-user", "--net"]
    if not sys.platform.startswith("linux") or unshare is None or subprocess.run([*inside, "true"]).returncode:
        pytest.skip("no network of its own can be had here")
    command = [*inside, sys.executable, "-P", "-c", PROGRAM]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment())
    assert ended.stdout.startswith("found after"), ended.stdout + ended.stderr
    assert float(ended.stdout.split()[2]) < 6.0
