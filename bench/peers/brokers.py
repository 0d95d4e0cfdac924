"""Message brokers, for W5 only: they hold no objects, and each update goes by way of a server written in C or Go."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import tempfile
from typing import Any

from .. import settings
from ..asyncio_peer import AsyncPeer
from ..child import die_with_parent


def free_port() -> int:
    with socket.create_server((settings.HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def start(*command: str) -> subprocess.Popen[bytes]:
    """A server that ends with this process."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd=tempfile.gettempdir(), preexec_fn=die_with_parent)


async def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            (await asyncio.open_connection(settings.HOST, port))[1].close()
            return
        except OSError:
            await asyncio.sleep(0.05)
    raise TimeoutError("the server did not start within 5 s")


class Redis(AsyncPeer):
    """redis-server's publish and subscribe, by redis-py"""

    name, works, needs, programs = "redis", "W5", ("redis",), ("redis-server",)

    async def listen(self) -> int:
        from redis.asyncio import Redis as Client

        port = free_port()
        options = ["--bind", settings.HOST, "--save", "", "--appendonly", "no", "--maxclients", "5000"]
        self.process = start("redis-server", "--port", str(port), *options)
        await wait_for(port)
        self.client_: Any = Client(host=settings.HOST, port=port)
        return port

    async def publish(self, value: int) -> None:
        await self.client_.publish("board", value)

    async def connect(self, address: int) -> Any:
        from redis.asyncio import Redis as Client

        return Client(host=settings.HOST, port=address).pubsub(ignore_subscribe_messages=False)

    async def subscribe(self, conn: Any, on_update: Any) -> None:
        await conn.subscribe("board")
        await conn.get_message(timeout=5)

        async def read() -> None:
            async for message in conn.listen():
                on_update(int(message["data"]))

        conn.reading = asyncio.create_task(read())


class Nats(AsyncPeer):
    """nats-server, by nats-py"""

    name, works, needs, programs = "nats", "W5", ("nats",), ("nats-server",)

    async def listen(self) -> int:
        import nats

        port = free_port()
        self.process = start("nats-server", "-a", settings.HOST, "-p", str(port))
        await wait_for(port)
        self.publisher: Any = await nats.connect(f"nats://{settings.HOST}:{port}")
        return port

    async def publish(self, value: int) -> None:
        await self.publisher.publish("board", b"%d" % value)
        await asyncio.sleep(0)

    async def connect(self, address: int) -> Any:
        import nats

        return await nats.connect(f"nats://{settings.HOST}:{address}")

    async def subscribe(self, conn: Any, on_update: Any) -> None:
        async def received(message: Any) -> None:
            on_update(int(message.data))

        await conn.subscribe("board", cb=received)
        await conn.flush()


PEERS = [Redis, Nats]
