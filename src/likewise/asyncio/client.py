"""``connect()``: one connection to a server."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from types import TracebackType

from ..broker.states import Side
from ..errors import CannotConnect, ConnectionClosed
from ..jelly.registry import Registry, registry_from
from ..limits import Limits
from ..objects.flavours import Flavours
from ..trace import Tracer
from .addresses import parse
from .connection import Connection, Endpoint


class connect:
    """
    Connect to a server: ``async with likewise.connect("tcp://127.0.0.1:8800") as connection``, or ``await`` it and
    close it yourself.

    ``address`` is ``tcp://HOST:PORT`` or ``unix://PATH``. ``accept`` lists what may come in over this connection, in
    place of the process-wide registry. ``timeout`` is in seconds, for connecting and greeting together.

    Raises:
        CannotConnect: nobody listens there, it took too long, or it is no PB server.
        ValueError: the address is none.
    """

    def __init__(
        self,
        address: str,
        *,
        accept: Registry | Iterable[type] | None = None,
        limits: Limits | None = None,
        trace: Tracer | None = None,
        tracebacks: bool = False,
        timeout: float = 20.0,
    ) -> None:
        self._address = parse(address)
        self._timeout = timeout
        flavours = Flavours(with_traceback=tracebacks)
        self._endpoint = Endpoint(registry_from(accept), limits or Limits(), flavours, trace)
        self._connection: Connection | None = None

    def __await__(self) -> Generator[object, None, Connection]:
        return self._connect().__await__()

    async def __aenter__(self) -> Connection:
        self._connection = await self._connect()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> Connection:
        connection = Connection(self._endpoint, Side.CLIENT, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(self._timeout):
                await self._reach(connection)
                await connection.wait_open()
        except TimeoutError as error:
            connection.abort()
            raise CannotConnect(f"{self._address} did not answer within {self._timeout:g} s") from error
        except OSError as error:
            raise CannotConnect(f"nobody listens at {self._address}: {error.strerror or error}") from error
        except ConnectionClosed as error:
            raise CannotConnect(f"{self._address} does not speak PB: {error.__cause__ or error}") from error
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _reach(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        if self._address.scheme == "unix":
            await loop.create_unix_connection(lambda: connection, self._address.path)
        else:
            await loop.create_connection(lambda: connection, self._address.host, self._address.port)


__all__ = ("connect",)
