"""gRPC, by grpcio on asyncio."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

from .. import settings
from ..asyncio_peer import AsyncPeer
from ..child import now
from ..data import big_dict, make_order, take_order


class Grpc(AsyncPeer):
    """grpc.aio: messages that are declared, no references and no callbacks"""

    name, needs = "grpc.aio", ("grpc", "grpc_tools")
    works = "W1 W2 W3 W4 W5 W6 W7 W8"
    tags = {"W3": "protobuf messages", "W5": "a stream for each", "W7": "no reference"}
    options = (
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.use_local_subchannel_pool", 1),  # else all channels of a process share one connection
    )

    def setup(self) -> None:
        import grpc
        import grpc.aio

        self.grpc: Any = grpc
        kinds, services = grpc.protos_and_services("bench/peers/bench.proto")
        self.kinds: Any = kinds
        self.services: Any = services

    async def listen(self) -> int:
        self.queues: list[asyncio.Queue[int]] = []
        self.server = self.grpc.aio.server(options=self.options)
        self.services.add_BenchServicer_to_server(self.service(), self.server)
        port: int = self.server.add_insecure_port(f"{settings.HOST}:0")
        await self.server.start()
        return port

    def service(self) -> Any:
        kinds, queues = self.kinds, self.queues
        large: dict[str, int] = {}

        class Bench(self.services.BenchServicer):
            async def Add(self, pair: Any, context: Any) -> Any:
                return kinds.Number(value=pair.a + pair.b)

            async def Put(self, order: Any, context: Any) -> Any:
                return kinds.Number(value=take_order(order))

            async def SendBlob(self, blob: Any, context: Any) -> Any:
                return kinds.Number(value=len(blob.data))

            async def GetBig(self, number: Any, context: Any) -> Any:
                if not large:
                    large.update(big_dict())
                return kinds.Big(entries=large)

            async def Subscribe(self, number: Any, context: Any) -> AsyncIterator[Any]:
                queue: asyncio.Queue[int] = asyncio.Queue()
                queues.append(queue)
                yield kinds.Number()
                while True:
                    yield kinds.Number(value=await queue.get())

            async def Numbers(self, number: Any, context: Any) -> AsyncIterator[Any]:
                for each in itertools.count():
                    yield kinds.Number(value=each)

        return Bench()

    def publish(self, value: int) -> None:
        for queue in self.queues:
            queue.put_nowait(value)

    async def connect(self, address: int) -> Any:
        channel = self.grpc.aio.insecure_channel(f"{settings.HOST}:{address}", options=self.options)
        await channel.channel_ready()
        stub = self.services.BenchStub(channel)
        stub.channel = channel
        return stub

    async def add(self, conn: Any, a: int, b: int) -> Any:
        return (await conn.Add(self.kinds.Pair(a=a, b=b))).value

    def order(self) -> Any:
        return make_order(self.kinds.Order, self.kinds.Line)

    async def put(self, conn: Any, order: Any) -> Any:
        return (await conn.Put(order)).value

    async def send_blob(self, conn: Any, data: bytes) -> Any:
        return (await conn.SendBlob(self.kinds.Blob(data=data))).value

    async def big(self, conn: Any) -> Any:
        return dict((await conn.GetBig(self.kinds.Number())).entries)

    async def subscribe(self, conn: Any, on_update: Any) -> None:
        stream = conn.Subscribe(self.kinds.Number())
        await stream.read()

        async def read() -> None:
            while True:
                on_update((await stream.read()).value)

        conn.reading = asyncio.create_task(read())

    async def read(self, conn: Any, end: float) -> int:
        stream, number = conn.Numbers(self.kinds.Number()), 0
        async for item in stream:
            assert item.value == number
            number += 1
            if not number & 63 and now() > end:
                break
        stream.cancel()
        return number

    async def hold(self, conn: Any) -> None:
        await self.add(conn, 1, 2)


PEERS = [Grpc]
