"""``connect()``: one connection to a server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Any, NoReturn

from ..bounded import text_of
from ..broker.states import Side
from ..errors import CannotConnect, ConnectionClosed
from ..jelly.registry import Registry, registry_from
from ..limits import Limits
from ..objects.flavours import ObjectFlavours
from ..trace import Tracer
from .addresses import parse
from .connecting import cannot_connect, plugged
from .connection import Connection
from .credentials import Credential, log_in
from .endpoint import Endpoint
from .tls import TLS, client_context, explain


class connect:
    """
    Connect to a server: ``async with likewise.connect("tcp://127.0.0.1:8800") as connection``, or ``await`` it and
    close it yourself.

    ``address`` is ``tcp://HOST:PORT``, ``tls://HOST:PORT`` or ``unix://PATH``. ``tls`` says whom to believe and what to
    show, if not the system's issuers and nothing; the server's certificate must bear the host's name. ``accept`` lists
    what may come in over this connection, in place of the process-wide registry. ``login`` is a Password, a Token, a
    Certificate or Anonymous: ``connection.root`` is then the user's avatar, and ``mind`` a Referenceable that it is
    given. ``timeout`` is in seconds, for connecting, greeting and logging in together.

    Raises:
        CannotConnect: nobody listens there, or something else keeps us from it, it took too long, it is no PB server, or
            its certificate is refused.
        LoginFailed: the server let nobody in; LoginRefused if it did not like what was shown.
        ValueError: the address is none, or ``tls`` does not go with it.
        OSError: a file that ``tls`` names can't be used.
    """

    def __init__(
        self,
        address: str,
        *,
        accept: Registry | Iterable[type] | None = None,
        limits: Limits | None = None,
        trace: Tracer | None = None,
        tracebacks: bool = False,
        tls: TLS | ssl.SSLContext | None = None,
        login: Credential | None = None,
        mind: Any = None,
        timeout: float = 20.0,
    ) -> None:
        self._address = parse(address)
        if login is not None and not hasattr(login, "log_in"):
            raise TypeError(f"login= takes likewise.Password(user, password) or the like, not {type(login).__name__}")
        if tls is not None and not isinstance(tls, (TLS, ssl.SSLContext)):
            raise TypeError(f"tls= takes a likewise.TLS(...), not {type(tls).__name__}")
        if tls is not None and self._address.scheme != "tls":
            raise ValueError(f"{self._address} is reached without TLS: write tls://HOST:PORT, or leave tls= out")
        self._tls = client_context(tls) if self._address.scheme == "tls" else None
        self._server_name = (tls.server_name if isinstance(tls, TLS) else None) or self._address.host
        self._login = login
        self._mind = mind
        self._timeout = timeout
        flavours = ObjectFlavours(with_traceback=tracebacks)
        self._endpoint = Endpoint(Side.CLIENT, registry_from(accept), limits or Limits(), flavours, trace)
        self._connection: Connection | None = None

    def __enter__(self) -> NoReturn:
        raise TypeError("it is asynchronous: async with likewise.connect(...) as connection")

    def __exit__(self, *exc: object) -> None: ...

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{name}: not connected yet: await likewise.connect(...), or async with likewise.connect(...)")

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
        connection = Connection(self._endpoint, asyncio.get_running_loop())
        failed_at = "does not speak PB"
        try:
            async with asyncio.timeout(self._timeout) as deadline:
                await self._reach(connection)
                await connection._wait_open()
                failed_at = "ended the connection during the login"
                if self._login is not None:
                    connection._avatar = await log_in(connection, self._login, self._mind)
        except TimeoutError as error:
            connection.abort()
            if not deadline.expired():  # it came over the connection
                raise
            hint = " (if it speaks TLS, the address is tls://...)" if self._address.scheme == "tcp" else ""
            raise CannotConnect(f"{self._address} did not answer within {self._timeout:g} s{hint}") from error
        except ConnectionClosed as error:
            if isinstance(error.__cause__, ssl.SSLError):  # in TLS 1.3 a refusal comes after our side of the handshake
                raise CannotConnect(f"{self._address}: {explain(error.__cause__)}") from error
            raise CannotConnect(f"{self._address} {failed_at}: {text_of(error.__cause__ or error, 500)}") from error
        except BaseException:
            connection.abort()
            raise
        return connection

    async def _reach(self, connection: Connection) -> None:
        """Connect, by TLS where that is asked for. Raises CannotConnect."""
        loop, address = asyncio.get_running_loop(), self._address
        try:
            if address.scheme == "unix":
                await loop.create_unix_connection(lambda: connection._protocol, address.path)
                return
            name = self._server_name if self._tls is not None else None
            plug = await plugged(address)
            await loop.create_connection(lambda: connection._protocol, sock=plug, ssl=self._tls, server_hostname=name)
        except ssl.SSLError as error:
            raise CannotConnect(f"{address}: {explain(error)}") from error
        except OSError as error:
            raise cannot_connect(address, error) from error


__all__ = ("connect",)
