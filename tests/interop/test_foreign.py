"""Foreign types between us and programs of Twisted's API, Twisted's own and ours."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.programs import running

PEER = str(Path(__file__).with_name("foreign_peer.py"))
APIS = ["twisted.spread", "likewise.spread"]


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents


def adopting() -> likewise.Registry:
    registry = likewise.Registry()
    registry.adopt(ipaddress.IPv4Address, to_state=str, from_state=ipaddress.IPv4Address)
    registry.adopt(Money, to_state=vars, from_state=lambda state: Money(**state), name="tests.Money", state=dict[str, int])
    return registry


class Root(likewise.Root):
    def remote_describe(self, value: Any) -> str:
        return f"{type(value).__name__} {value}"

    def remote_give(self) -> Any:
        return ipaddress.IPv4Address("10.0.0.8")


@pytest.mark.parametrize("api", APIS)
def test_a_client_of_twisted_s_api_sends_and_gets_what_a_server_of_ours_has_adopted(api: str) -> None:
    async def main() -> list[str]:
        async with likewise.serve(Root(), "tcp://127.0.0.1:0", accept=adopting()) as server:
            with running(PEER, api, str(server.port)) as program:
                return (await asyncio.to_thread(program.end))[1]

    assert asyncio.run(main()) == [
        "described IPv4Address 10.0.0.9",
        "got 10.0.0.8",
        "refused True",
        "again int 3",
    ]


@pytest.mark.parametrize("api", APIS)
def test_a_server_of_twisted_s_api_takes_what_a_client_of_ours_has_adopted(api: str) -> None:
    async def main(port: int) -> None:
        async with likewise.connect(f"tcp://127.0.0.1:{port}", accept=adopting()) as connection:
            call = connection.root.callRemote
            assert await call("describe", ipaddress.IPv4Address("10.0.0.6")) == "IPv4Address 10.0.0.6"
            assert await call("cents", Money(7)) == 7
            assert await call("give") == [ipaddress.IPv4Address("10.0.0.7")]
            with pytest.raises(likewise.InsecureJelly, match=r"from_state of ipaddress\.IPv4Address refuses the state"):
                await call("give_wrong")
            assert await call("describe", 3) == "int 3"

    with running(PEER, api) as program:
        asyncio.run(main(program.port()))
