"""Values that PB has no form for, and programs of Twisted's API, Twisted's own and ours: refused, and never half sent."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.jelly import rich
from tests.programs import running

PEER = str(Path(__file__).with_name("value_peer.py"))
PATIENCE = 30
APIS = ["twisted.spread", "likewise.spread"]
SENT: dict[str, Any] = {
    "uuid": uuid.UUID(int=5),
    "complex": 1j,
    "bytearray": bytearray(b"x"),
    "memoryview": memoryview(b"x"),
    "enum": rich.Colour.RED,
    "flag": rich.Access.READ | rich.Access.RUN,
    "tuple": rich.Pair(1, 2),
    "exception": rich.Fault("x"),
    "zone": datetime.UTC,
    "aware": datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC),
    "not a number": Decimal("NaN"),
}


class Root(likewise.Root):
    def remote_kind(self, value: Any) -> str:
        return type(value).__name__

    def remote_send(self, name: str) -> Any:
        return SENT.get(name, SENT["uuid"])


@pytest.mark.parametrize("api", APIS)
def test_we_refuse_them_toward_a_server_of_twisted_s_api(api: str) -> None:
    async def main(port: str) -> None:
        async with asyncio.timeout(PATIENCE), likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
            assert connection.dialect == "pb"
            for name, value in SENT.items():
                with pytest.raises(likewise.NotSendable) as caught:
                    await connection.root.callRemote("echo", [name, value])
                assert "the peer speaks pb, and PB has no form for it; send " in caught.value.reason, name
                assert caught.value.path == "args[0][1]"
            assert await connection.root.callRemote("echo", [1, "two"]) == [1, "two"]
            for name in ("uuid", "enum", "tuple", "exception"):
                came = await connection.root.callRemote("send", name)
                assert isinstance(came, likewise.Unpersistable), name

    with running(PEER, api) as program:
        asyncio.run(main(program.port()))


@pytest.mark.parametrize("api", APIS)
def test_a_client_of_twisted_s_api_is_told_and_goes_on(api: str) -> None:
    async def main() -> list[str]:
        async with likewise.serve(Root(), "tcp://127.0.0.1:0") as server:
            with running(PEER, api, str(server.port)) as program:
                code, lines, errors = await asyncio.to_thread(program.end)
                assert code == 0, errors
                return lines

    lines = asyncio.run(main())
    names = ["uuid", "complex", "fraction", "bytearray", "enum", "tuple", "exception", "zone"]
    assert lines[:8] == [f"{name} arrives as Unpersistable" for name in names]
    assert lines[8:10] == ["datetime is refused", "Decimal is refused"]
    assert all("the peer speaks pb, and PB has no form for it" in line for line in lines[10:18])
    assert lines[18:] == ["int"]
