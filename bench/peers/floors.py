"""
Floors: what is left to gain. ``raw`` shows what the event loop costs, ``mini`` what awaiting a call costs in Python.

They are reference points rather than strict bounds: a library may join more updates into one write than ``raw`` does.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from .. import settings
from ..asyncio_peer import AsyncPeer
from ..child import Meter, emit, now, with_percentiles
from ..data import LINE, ORDER, big_dict, make_order, take_order

FRAME_BYTES = 40
_NUMBER = struct.Struct("!Ii")  # what follows the length, and in W5 the number of the update


def frame(number: int = 0) -> bytes:
    return _NUMBER.pack(FRAME_BYTES - 4, number) + b"F" * (FRAME_BYTES - 8)


class Echo(asyncio.Protocol):
    """Looks at each frame and sends it back, all that came together in one write."""

    def __init__(self, accepted: list[asyncio.Transport]) -> None:
        self.accepted = accepted

    def connection_made(self, transport: Any) -> None:
        self.transport, self.rest = transport, b""
        self.accepted.append(transport)

    def data_received(self, data: bytes) -> None:
        data, start, back = self.rest + data, 0, []
        while len(data) - start >= 4:
            end = start + 4 + int.from_bytes(data[start : start + 4], "big")
            if end > len(data):
                break
            back.append(data[start:end])
            start = end
        self.rest = data[start:]
        self.transport.write(b"".join(back))


class Sink(asyncio.Protocol):
    """W4: counts bytes and answers each whole blob with one byte."""

    received = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        if self.received == settings.BLOB_BYTES:
            self.received = 0
            self.transport.write(b"!")


class Pinger(asyncio.Protocol):
    """W1 and W2: sends ``width`` frames, and one for each that comes back, until ``end``."""

    def __init__(self, width: int, end: float) -> None:
        self.width, self.end, self.count, self.rest = width, end, 0, b""
        self.latencies: list[float] = []
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport, self.at = transport, now()
        transport.write(frame() * self.width)

    def data_received(self, data: bytes) -> None:
        data, start, out = self.rest + data, 0, []
        while len(data) - start >= FRAME_BYTES:
            assert int.from_bytes(data[start : start + 4], "big") == FRAME_BYTES - 4
            out.append(data[start : start + FRAME_BYTES])
            start += FRAME_BYTES
        self.rest = data[start:]
        self.count += len(out)
        at = now()
        if self.width == 1:
            self.latencies.append(at - self.at)
            self.at = at
        if at <= self.end:
            self.transport.write(b"".join(out))
        elif not self.done.done():
            self.done.set_result(self.count)
            self.transport.close()


class Subscriber(asyncio.Protocol):
    """W5 and W7: its first frame comes back when the server has accepted it; what follows are updates."""

    on_update: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport, self.rest = transport, b""
        self.echo: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        if self.on_update is None:
            return self.echo.set_result(None)
        data, start = self.rest + data, 0
        while len(data) - start >= FRAME_BYTES:
            self.on_update(_NUMBER.unpack_from(data, start)[1])
            start += FRAME_BYTES
        self.rest = data[start:]


class Raw(AsyncPeer):
    """asyncio.Protocol, frames of 40 bytes, no objects, no calls"""

    name, works, is_floor = "raw", "W1 W2 W4 W5 W7", True

    async def listen(self) -> int:
        self.accepted: list[asyncio.Transport] = []
        loop = asyncio.get_running_loop()
        kind = Sink if self.work == "W4" else lambda: Echo(self.accepted)
        self.server = await loop.create_server(kind, settings.HOST, 0, backlog=1024)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def publish(self, value: int) -> None:
        update = frame(value)
        for transport in self.accepted:
            transport.write(update)

    async def run_client(self, work: str, count: int, address: Any, meter: Meter) -> None:
        if work not in ("W1", "W2"):
            return await super().run_client(work, count, address, meter)
        loop, width = asyncio.get_running_loop(), settings.IN_FLIGHT.get(work, 1)
        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            meter.start()
            pinger = Pinger(width, now() + seconds)
            await loop.create_connection(lambda pinger=pinger: pinger, settings.HOST, address)
            result = meter.stop(await pinger.done)
        emit("RESULT", **(with_percentiles(result, pinger.latencies) if pinger.latencies else result))

    async def connect(self, address: int) -> Subscriber:
        return (await asyncio.get_running_loop().create_connection(Subscriber, settings.HOST, address))[1]

    async def subscribe(self, conn: Subscriber, on_update: Any) -> None:
        conn.transport.write(frame())
        await conn.echo
        conn.on_update = on_update

    async def hold(self, conn: Subscriber) -> None:
        await self.subscribe(conn, None)

    async def send_blob(self, conn: Subscriber, data: bytes) -> int:
        conn.echo = asyncio.get_running_loop().create_future()
        conn.transport.write(data)
        await conn.echo
        return len(data)


class RawUv(Raw):
    """raw on uvloop"""

    name, uv = "raw-uv", True


class Framed(asyncio.Protocol):
    """mini's protocol: 4 bytes of length, then msgpack of [id, method, argument]; an answer has no method."""

    def __init__(self, mini: Mini, handle: Any) -> None:
        self.encode, self.decode, self.handle = mini.encode, mini.decode, handle
        self.buffer, self.out, self.calls, self.ids = bytearray(), [], {}, 0
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer
        buffer += data
        start, received = 0, len(buffer)
        while received - start >= 4:
            end = start + 4 + int.from_bytes(buffer[start : start + 4], "big")
            if end > received:
                break
            self.handle(self, *self.decode(memoryview(buffer)[start + 4 : end].tobytes()))
            start = end
        if start:
            del buffer[:start]

    def send(self, *message: Any) -> None:
        encoded = self.encode(message)
        if not self.out:
            self.loop.call_soon(self.flush)
        self.out += (len(encoded).to_bytes(4, "big"), encoded)

    def flush(self) -> None:
        self.transport.write(b"".join(self.out))
        self.out.clear()

    def call(self, method: str, argument: Any) -> asyncio.Future[Any]:
        self.ids += 1
        answer = self.calls[self.ids] = self.loop.create_future()
        self.send(self.ids, method, argument)
        return answer


class Mini(AsyncPeer):
    """a minimal RPC: msgspec's msgpack, Futures, joined writes; no references, no tables, no errors"""

    name, is_floor, needs = "mini", True, ("msgspec",)

    def setup(self) -> None:
        import msgspec

        line = msgspec.defstruct("Line", [(name, type(value)) for name, value in LINE.items()])
        fields = [(name, type(value)) for name, value in ORDER.items()]
        order = msgspec.defstruct("Order", [*fields, ("lines", list[line])])
        self.classes = order, line
        self.encode = msgspec.msgpack.Encoder().encode
        self.decode = msgspec.msgpack.Decoder(tuple[int, str, msgspec.Raw]).decode
        self.decode_any = msgspec.msgpack.Decoder().decode
        self.decode_order = msgspec.msgpack.Decoder(order).decode
        self.decode_pair = msgspec.msgpack.Decoder(tuple[int, int]).decode

    async def listen(self) -> int:
        self.subscribers: list[Framed] = []
        large = big_dict()

        def handle(conn: Framed, number: int, method: str, argument: Any) -> None:
            result: Any = None
            if method == "add":
                a, b = self.decode_pair(argument)
                result = a + b
            elif method == "put":
                result = take_order(self.decode_order(argument), *self.classes)
            elif method == "blob":
                result = len(self.decode_any(argument))
            elif method == "big":
                result = large
            elif method == "sub":
                self.subscribers.append(conn)
            conn.send(number, "", result)

        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: Framed(self, handle), settings.HOST, 0, backlog=1024)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def publish(self, value: int) -> None:
        for conn in self.subscribers:
            conn.send(0, "set", value)

    async def connect(self, address: int) -> Any:
        def handle(conn: Any, number: int, method: str, argument: Any) -> None:
            if method:
                conn.on_update(self.decode_any(argument))
            else:
                conn.calls.pop(number).set_result(self.decode_any(argument))

        loop = asyncio.get_running_loop()
        return (await loop.create_connection(lambda: Framed(self, handle), settings.HOST, address))[1]

    def add(self, conn: Framed, a: int, b: int) -> Any:
        return conn.call("add", (a, b))

    def order(self) -> Any:
        return make_order(*self.classes)

    def put(self, conn: Framed, order: Any) -> Any:
        return conn.call("put", order)

    def send_blob(self, conn: Framed, data: bytes) -> Any:
        return conn.call("blob", data)

    def big(self, conn: Framed) -> Any:
        return conn.call("big", None)

    def subscribe(self, conn: Any, on_update: Any) -> Any:
        conn.on_update = on_update
        return conn.call("sub", None)

    def hold(self, conn: Framed) -> Any:
        return conn.call("add", (1, 2))


class MiniUv(Mini):
    """mini on uvloop"""

    name, uv = "mini-uv", True


PEERS = [Raw, RawUv, Mini, MiniUv]
