"""httpx inside a remote method: an async client, whose pool and time-outs are anyio's, and a server on asyncio."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import likewise
from tests.libraries.both import LOOPS, ask

httpx = pytest.importorskip("httpx")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A little of HTTP/1.1: connections are kept, /slow takes its time."""
    try:
        while request := await reader.readline():
            while (await reader.readline()).strip():
                pass
            path = request.split()[1]
            if path == b"/slow":
                await asyncio.sleep(30)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


class Root(likewise.Root):
    def __init__(self) -> None:
        self.shared: Any = None
        self.url = ""

    async def remote_serve(self) -> None:
        self.listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listening.sockets[0].getsockname()[1]}"
        self.shared = httpx.AsyncClient(limits=httpx.Limits(max_connections=2), trust_env=False)

    async def remote_stop(self) -> None:
        await self.shared.aclose()
        self.listening.close()

    async def remote_get(self, path: str) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return str((await client.get(f"{self.url}{path}")).text)

    async def remote_get_shared(self, path: str) -> str:
        return str((await self.shared.get(f"{self.url}{path}", timeout=30)).text)

    async def remote_too_slow(self) -> str:
        try:
            await self.shared.get(f"{self.url}/slow", timeout=0.05)
        except httpx.ReadTimeout:
            return "out of time"
        return "?"

    async def remote_many(self, count: int) -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.remote_get_shared(f"/{n}")) for n in range(count)]
        return [each.result() for each in tasks]

    async def remote_in_process(self) -> str:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": scope["path"].encode()})

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
            return str((await client.get("/asgi")).text)


@LOOPS
def test_requests_are_made_in_remote_methods(loop: str) -> None:
    async def test(remote: likewise.RemoteReference) -> None:
        await remote.callRemote("serve")
        assert await remote.callRemote("get", "/one") == "/one"
        paths = [f"/{n}" for n in range(10)]
        assert await asyncio.gather(*(remote.callRemote("get_shared", path) for path in paths)) == paths
        assert await asyncio.gather(*(remote.callRemote("get", path) for path in paths[:4])) == paths[:4]
        assert await remote.callRemote("too_slow") == "out of time"
        assert await remote.callRemote("many", 5) == paths[:5]
        assert await remote.callRemote("in_process") == "/asgi"
        await remote.callRemote("stop")

    ask(Root(), test, loop)
