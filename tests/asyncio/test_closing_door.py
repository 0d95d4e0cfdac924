"""Who is being accepted while the server closes is not let in, over any transport, and nothing of it is left."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.tls import certificates

SCHEMES = ("tcp", "tls", "unix")


def uvloop() -> Any:
    return pytest.importorskip("uvloop").new_event_loop()


def serving(scheme: str, directory: Path, opened: list[Any]) -> likewise.serve:
    if scheme == "unix":
        return likewise.serve(likewise.Root(), f"unix://{directory / 'socket'}", on_connect=opened.append)
    made = certificates.server() if scheme == "tls" else None
    tls = None if made is None else likewise.TLS(certificate=made.certificate, key=made.key)
    return likewise.serve(likewise.Root(), f"{scheme}://127.0.0.1:0", tls=tls, on_connect=opened.append)


def connected(server: likewise.Server, directory: Path) -> socket.socket:
    if not server.port:
        plug = socket.socket(socket.AF_UNIX)
        plug.connect(str(directory / "socket"))
        return plug
    return socket.create_connection(("127.0.0.1", server.port))


def hello() -> bytes:
    """What a TLS client says first."""
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("make_loop", [asyncio.SelectorEventLoop, uvloop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nobody_comes_in_while_the_server_closes(
    scheme: str, make_loop: Callable[[], asyncio.AbstractEventLoop], turns: int, tmp_path: Path
) -> None:
    async def main() -> None:
        opened: list[Any] = []
        server = await serving(scheme, tmp_path, opened)
        before = asyncio.all_tasks()
        plugs = [connected(server, tmp_path) for _ in range(8)]
        for plug in plugs:
            plug.sendall(hello() if scheme == "tls" else b"\x00")
        for _ in range(turns):  # as far as the loop has come with accepting them
            await asyncio.sleep(0)
        await server.close()
        for plug in plugs:
            plug.settimeout(5)
            with plug:
                try:
                    while plug.recv(1_000):
                        pass
                except ConnectionError:
                    pass
        for _ in range(10):
            await asyncio.sleep(0)
        assert not server.connections and not any(each.is_open for each in opened)
        assert asyncio.all_tasks() <= before

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(asyncio.wait_for(main(), 30))
