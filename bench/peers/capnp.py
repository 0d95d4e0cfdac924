"""Cap'n Proto, by pycapnp."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .. import settings
from ..asyncio_peer import AsyncPeer
from ..data import LINES, ORDER, big_dict, line_fields, take_order


class Capnp(AsyncPeer):
    """pycapnp: structs are built beforehand and arrive as readers, which decode only the fields that are touched"""

    name, needs = "pycapnp", ("capnp",)
    tags = {"W3": "lazy structs"}

    def setup(self) -> None:
        import capnp

        capnp.remove_import_hook()
        self.capnp: Any = capnp
        self.schema: Any = capnp.load(str(Path(__file__).with_name("bench.capnp")))

    def _run(self, main: Coroutine[Any, Any, None]) -> None:
        async def inside() -> None:
            async with self.capnp.kj_loop():
                await main

        super()._run(inside())

    async def listen(self) -> int:
        self.subscribers: list[Any] = []
        self.calls_made: list[Any] = []  # a promise that is dropped takes its call back
        bench = self.define()

        async def serve(stream: Any) -> None:
            await self.capnp.TwoPartyServer(stream, bootstrap=bench()).on_disconnect()

        self.server = await self.capnp.AsyncIoStream.create_server(serve, settings.HOST, 0, backlog=1024)
        self.task = asyncio.create_task(self.server.serve_forever())
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def define(self) -> Any:
        schema, subscribers = self.schema, self.subscribers
        large: dict[str, int] = {}

        class Ref(schema.Ref.Server):
            pass

        class Bench(schema.Bench.Server):
            async def add(self, a: int, b: int, **_: Any) -> int:
                return a + b

            async def put(self, order: Any, **_: Any) -> int:
                return take_order(order)

            async def blob(self, data: bytes, **_: Any) -> int:
                return len(data)

            async def big(self, _context: Any, **_: Any) -> None:
                if not large:
                    large.update(big_dict())
                entries = _context.results.init("entries", len(large))
                for number, (key, value) in enumerate(large.items()):
                    entry = entries[number]
                    entry.key, entry.value = key, value

            async def subscribe(self, callback: Any, **_: Any) -> None:
                subscribers.append(callback)

            async def ref(self, **_: Any) -> Any:
                return Ref()

        return Bench

    def publish(self, value: int) -> None:
        self.calls_made += [each.set(value) for each in self.subscribers]

    async def connect(self, address: int) -> list[Any]:
        stream = await self.capnp.AsyncIoStream.create_connection(host=settings.HOST, port=address)
        client = self.capnp.TwoPartyClient(stream)
        return [client.bootstrap().cast_as(self.schema.Bench), client, stream]

    async def add(self, conn: list[Any], a: int, b: int) -> Any:
        return (await conn[0].add(a, b)).sum

    def order(self) -> Any:
        order = self.schema.Order.new_message(**ORDER)
        lines = order.init("lines", LINES)
        for number, fields in enumerate(line_fields()):
            for name, value in fields.items():
                setattr(lines[number], name, value)
        return order

    async def put(self, conn: list[Any], order: Any) -> Any:
        return (await conn[0].put(order)).sum

    async def send_blob(self, conn: list[Any], data: bytes) -> Any:
        return (await conn[0].blob(data)).size

    async def big(self, conn: list[Any]) -> Any:
        return {entry.key: entry.value for entry in (await conn[0].big()).entries}

    async def subscribe(self, conn: list[Any], on_update: Any) -> None:
        class Callback(self.schema.Callback.Server):
            async def set(self, value: int, **_: Any) -> None:
                on_update(value)

        await conn[0].subscribe(Callback())

    async def hold(self, conn: list[Any]) -> None:
        conn.append((await conn[0].ref()).ref)


PEERS = [Capnp]
