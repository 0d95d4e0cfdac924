"""``serve()``: a root object, reachable at an address."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Generator, Iterable
from types import TracebackType
from typing import Any, NoReturn

from ..broker.states import Side
from ..jelly.registry import Registry, registry_from
from ..limits import Limits
from ..objects.flavours import ObjectFlavours
from ..sockets import HANDED_ON, keep_alive
from ..trace import Tracer
from . import accepting
from .addresses import Address, parse
from .connection import Connection
from .endpoint import Endpoint, OnConnection
from .login import Login
from .login_root import Admission
from .loops import check_thread
from .tasks import AT_LEAST
from .tls import TLS, Entrance, server_context


class Server:
    """What ``serve()`` gives: where it listens, who is connected, and how to stop."""

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        listening: asyncio.Server,
        tls: TLS | ssl.SSLContext | None = None,
        entrance: Entrance | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._listening = listening
        self._tls = tls
        self._entrance = entrance
        self._loop = asyncio.get_running_loop()
        self._stopped = self._loop.create_future()
        self._closing: asyncio.Task[None] | None = None
        self._socket = identity(address.path) if address.scheme == "unix" else None
        if address.scheme != "unix" and listening.sockets:
            address = Address(address.scheme, address.host, listening.sockets[0].getsockname()[1])
        self._address = address

    @property
    def address(self) -> str:
        """Where it listens, with the port that the system chose if that was 0."""
        return str(self._address)

    @property
    def port(self) -> int:
        """The TCP port, 0 for a UNIX socket."""
        return self._address.port

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections that are open now."""
        return tuple(line.owner for line in self._endpoint.lines)

    def reload_tls(self, tls: TLS | None = None) -> None:
        """
        Read the certificate, the key and ``client_ca`` again, or other files in their place, for connections to come.

        Those that are open stay as they are. If a file is not good, everything stays as it is.

        Raises:
            OSError: a file can't be read, or the key is not the certificate's.
            ValueError: this server is not served over TLS, or by an ``ssl.SSLContext`` of your own.
        """
        if self._entrance is None:
            raise ValueError(f"{self._address} is served without TLS")
        tls = tls or (self._tls if isinstance(self._tls, TLS) else None)
        if tls is None:
            raise ValueError("this server's TLS is an SSLContext of your own: load the new certificate into that")
        self._entrance.context = server_context(tls)
        self._tls = tls

    async def serve_forever(self) -> None:
        """Return when :meth:`close` is called, from anywhere."""
        await asyncio.shield(self._stopped)

    async def close(self, grace: float = 5.0) -> None:
        """
        Stop: take no more connections, let running calls finish within ``grace`` seconds, send what is queued.

        Calls that are running then are cancelled. This returns when their ``finally`` has run, the logouts and the
        callbacks of the connections, too, all within twice ``grace`` or so, whatever they do.

        A remote method that stops its server must not wait for this: it runs itself. Use :meth:`stop` there.
        """
        check_thread(self._loop, "close()")
        if self._closing is None:
            self.stop(grace)
        await asyncio.shield(self._stopped)

    def stop(self, grace: float = 5.0) -> None:
        """As :meth:`close`, without waiting; what calls this in a remote method is answered first."""
        check_thread(self._loop, "stop()")
        if self._closing is None:
            self._closing = self._loop.create_task(self._close(grace))

    async def _close(self, grace: float) -> None:
        self._endpoint.is_closing = True
        await accepting.end(self._listening)
        if self._entrance is not None:
            self._entrance.close()
        try:
            await asyncio.gather(*(each.close(grace) for each in self.connections), return_exceptions=True)
            if self._endpoint.logouts:
                await asyncio.wait(set(self._endpoint.logouts), timeout=max(grace, AT_LEAST))
            self._remove_socket()
        finally:
            if not self._stopped.done():
                self._stopped.set_result(None)

    def _remove_socket(self) -> None:
        """Remove the file of a UNIX socket, if it is still this server's: another one may have taken the path."""
        if self._socket is None or self._socket != identity(self._address.path):
            return
        try:
            os.unlink(self._address.path)
        except OSError as error:
            text = "the socket file %s can't be removed: %s"
            self._endpoint.log.warning(self._loop.call_later, "socket files left", text, self._address.path, error.strerror)


def identity(path: str) -> tuple[int, int] | None:
    """What tells the file at a path from any other that may be there later; ``None`` if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: of Linux's abstract names, which are no files
        return None
    return found.st_dev, found.st_ino


class serve:
    """
    Serve ``root``: ``async with likewise.serve(Receiver(), "tcp://127.0.0.1:8800") as server``, or ``await`` it and
    close it yourself.

    ``address`` is ``tcp://HOST:PORT`` (port 0: any), ``tls://HOST:PORT`` with ``tls``, or ``unix://PATH``. ``accept``
    lists what may come in, in place of the process-wide registry. ``on_connect`` and ``on_disconnect`` are called with
    each connection. ``tracebacks`` lets the tracebacks of failing methods cross. Beyond this machine nothing is served
    with neither TLS nor a login unless ``insecure=True``.

    ``login`` says who may come in. ``root`` is then ``None`` if its realm gives each user an avatar, or what all of them
    get.

    Raises:
        PermissionError: the address can be reached from other machines, and nothing protects it.
        OSError: it is taken, or a file that ``tls`` names can't be used.
        ValueError: it is none, or ``tls`` does not go with it.
    """

    def __init__(
        self,
        root: Any,
        address: str,
        *,
        accept: Registry | Iterable[type] | None = None,
        limits: Limits | None = None,
        trace: Tracer | None = None,
        tracebacks: bool = False,
        tls: TLS | ssl.SSLContext | None = None,
        login: Login | None = None,
        insecure: bool = False,
        on_connect: OnConnection | None = None,
        on_disconnect: OnConnection | None = None,
    ) -> None:
        self._address = parse(address)
        if login is not None and (root is None) != (login.realm is not None):
            raise TypeError("with a login either its realm gives everybody an avatar, and root is None, or there is a root")
        if isinstance(root, type):
            raise TypeError(f"{root.__qualname__} is a class: serve an instance of it, {root.__qualname__}()")
        if (root is not None or login is None) and not hasattr(root, "rootObject"):
            raise TypeError(f"{type(root).__qualname__} is no root: derive it from likewise.Root")
        if (self._address.scheme == "tls") != (tls is not None):
            how = "serve(..., tls=likewise.TLS(certificate=..., key=...))"
            raise ValueError(f"{self._address}: an address that begins with tls:// and {how} go together")
        if not self._address.is_local and tls is None and login is None and not insecure:
            raise PermissionError(
                f"{self._address} can be reached from other machines, and whoever reaches it may call everything on "
                f"{type(root).__name__}: serve on 127.0.0.1, or on tls:// with serve(..., tls=likewise.TLS(...)), or with "
                f"serve(..., login=likewise.Login(...)), or say insecure=True if the network is yours alone"
            )
        self._tls = tls
        self._endpoint = Endpoint(
            Side.SERVER,
            registry_from(accept),
            limits or Limits(),
            ObjectFlavours(with_traceback=tracebacks),
            trace,
            root=root,
            on_open=on_connect,
            on_close=on_disconnect,
        )
        if login is not None:
            admission = Admission(login, root, self._endpoint)
            self._endpoint.root = admission
            self._endpoint.at_first = admission.restrain
        self._server: Server | None = None

    def __await__(self) -> Generator[object, None, Server]:
        return self._serve().__await__()

    async def __aenter__(self) -> Server:
        self._server = await self._serve()
        return self._server

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            await self._server.close()

    def __enter__(self) -> NoReturn:
        raise TypeError("it is asynchronous: async with likewise.serve(...) as server")

    def __exit__(self, *exc: object) -> None: ...

    async def _serve(self) -> Server:
        loop = asyncio.get_running_loop()
        endpoint = self._endpoint

        def accept() -> asyncio.Protocol:
            return Connection(endpoint, loop)._protocol

        address = self._address
        if self._tls is not None:
            entrance = Entrance(self._tls, endpoint, accept)
            listening = await accepting.listen(entrance.accept, address)
            self._keep_alive(listening)
            accepting.begin(listening, endpoint, address)
            return Server(endpoint, address, listening, self._tls, entrance)
        if address.scheme == "unix":
            listening = await loop.create_unix_server(accept, address.path, backlog=accepting.AT_ONCE)
        else:
            listening = await accepting.listen(accept, address)
            self._keep_alive(listening)
        accepting.begin(listening, endpoint, address)
        return Server(endpoint, address, listening)

    def _keep_alive(self, listening: asyncio.Server) -> None:
        for plug in listening.sockets if HANDED_ON else ():
            keep_alive(plug, self._endpoint.limits.keepalive_seconds)


__all__ = ("Server", "serve")
