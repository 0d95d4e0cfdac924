"""What users hold: one connection, at either end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from ..broker.core import Broker
from ..errors import ENDS_THE_PROGRAM, ConnectionClosed, LocalProtocolError
from ..objects.by_reference import RemoteReference
from .calls import Calls
from .endpoint import Endpoint, OnConnection
from .line import Line
from .loops import check_thread, end_loop


class Connection:
    """
    One connection, at either end. ``likewise.connect()`` gives one; a server has one for each client.

    ``root`` is the peer's root object, ``peer`` who it is (an address), ``reason`` why the connection ended: an
    exception, ``None`` while it is open. ``one_way_failures`` counts the calls of the peer that failed here with
    nobody there to be told: one-way ones.
    """

    __slots__ = (
        "__weakref__",
        "_avatar",
        "_callbacks",
        "_calls",
        "_closed",
        "_line",
        "_opened",
        "_was_opened",
    )

    def __init__(self, endpoint: Endpoint, loop: asyncio.AbstractEventLoop) -> None:
        endpoint.thread = threading.get_ident()
        self._calls = Calls(endpoint, loop)
        self._line = Line(self, self._calls)
        self._opened: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] | None = None
        self._avatar: RemoteReference | None = None  # a login's
        self._callbacks: list[OnConnection] | None = None
        self._was_opened = False

    # --- who is there

    @property
    def root(self) -> RemoteReference:
        """
        The object that the peer serves as its root, or what we are there after a login.

        Asking costs nothing; whether there is one shows at the call.
        """
        return self._avatar if self._avatar is not None else cast(RemoteReference, self._broker.remote("root"))

    @property
    def _broker(self) -> Broker:
        """The protocol core of this connection."""
        if self._line.transport is None:
            raise ConnectionClosed("the connection is not made yet")
        return self._calls.broker

    @property
    def peer(self) -> str:
        """The address at the other end."""
        return self._calls.peer

    @property
    def is_open(self) -> bool:
        """Whether calls can be made now."""
        line = self._line
        return line.transport is not None and not self._calls.broker.is_closed and not line.is_greeting

    @property
    def reason(self) -> BaseException | None:
        """Why the connection ended, ``None`` while it has not."""
        return self._line.reason

    @property
    def dialect(self) -> str:
        """What both ends speak: ``likewise-1``, ``pb`` or ``none``."""
        return self._broker.dialect.name.decode()

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the peer have not left this process: its lag. ``limits.queued_output`` is the most."""
        return self._calls.broker.outbox.queued_bytes if self._line.transport is not None else 0

    @property
    def one_way_failures(self) -> int:
        """How many calls of the peer failed here with nobody there to be told: one-way ones."""
        return self._calls.one_way_failures

    @property
    def _protocol(self) -> asyncio.Protocol:
        return cast(asyncio.Protocol, self._line)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows: ``peercert``, ``ssl_object``, ``socket`` and the like, as asyncio names them."""
        transport = self._line.transport
        return default if transport is None else transport.get_extra_info(name, default)

    def __repr__(self) -> str:
        is_closed = self._line.transport is not None and self._calls.broker.is_closed
        state = "open" if self.is_open else "closed" if is_closed else "opening"
        return f"<likewise.Connection with {self.peer or 'nobody yet'}, {state}>"

    # --- its end

    def notifyOnDisconnect(self, callback: OnConnection) -> None:
        """Have ``callback(this connection)`` run once when it ends; :attr:`peer` and :attr:`reason` tell who and why."""
        check_thread(self._calls.loop, "notifyOnDisconnect()")
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)

    def dontNotifyOnDisconnect(self, callback: OnConnection) -> None:
        """Take a callback back; ValueError if it was not given."""
        if self._callbacks is None:
            raise ValueError("no such callback")
        self._callbacks.remove(callback)

    async def close(self, grace: float = 5.0) -> None:
        """
        End the connection in order: calls that run here may finish within ``grace`` seconds, what is queued is sent.

        Calls of ours that are unanswered fail with ConnectionClosed.
        """
        check_thread(self._calls.loop, "close()")
        if self._line.transport is None or self._broker.is_closed:
            return
        await self._calls.backlog_made().finish(grace)
        transport = self._line.close()
        try:
            await asyncio.wait_for(self.wait_closed(), max(grace, 0.1))
        except TimeoutError:  # the peer does not read what is left
            transport.abort()
            await self.wait_closed()

    def abort(self, reason: BaseException | None = None) -> None:
        """End the connection at once; what is queued is lost."""
        check_thread(self._calls.loop, "abort()")
        self._line.abort(reason)

    async def wait_closed(self) -> None:
        """Return when the connection has ended, however it does."""
        if self._line.transport is None or not self._calls.broker.is_closed:
            if self._closed is None:
                self._closed = self._calls.loop.create_future()
            await asyncio.shield(self._closed)

    async def _wait_open(self) -> None:
        """
        Return when both ends agree on a dialect.

        Raises:
            ConnectionClosed: they did not; the cause is chained.
        """
        if not self.is_open:
            if self._opened is None:
                self._opened = self._calls.loop.create_future()
            await asyncio.shield(self._opened)

    # --- what its line tells

    def _line_opened(self) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_result(None)
        self._was_opened = True
        if self._calls.endpoint.root is not None:
            self._name_root()
        if self._calls.endpoint.on_open is not None and not self._calls.is_ended:
            self._notify(self._calls.endpoint.on_open)

    def _name_root(self) -> None:
        """Have the application make the root for this peer, which is let in; without one there is no connection."""
        try:
            self._broker.tables.name(b"root", self._calls.endpoint.root_entry(self))
        except ENDS_THE_PROGRAM as error:
            end_loop(self._calls.loop, error)
        except BaseException as error:
            self._calls.report("running rootObject", error)
            self._line.drop(LocalProtocolError("the root object could not be made"))

    def _line_ended(self, reason: BaseException | None) -> None:
        self._guarded("ending the connection", partial(self._calls.broker.connection_lost, reason))
        if self._opened is not None and not self._opened.done():
            error = ConnectionClosed(f"{self.peer} closed the connection before a dialect was agreed")
            error.__cause__ = reason
            self._opened.set_exception(error)
        callbacks, self._callbacks = self._callbacks or [], None
        if self._calls.endpoint.on_close is not None and self._was_opened:
            callbacks.append(self._calls.endpoint.on_close)
        for callback in callbacks:
            self._notify(callback)
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    def _notify(self, callback: OnConnection) -> None:
        self._guarded("running a callback of the connection", partial(callback, self))

    def _guarded(self, doing: str, run: Callable[[], object]) -> None:
        """Run what must not keep anybody behind it from being told, whatever it raises."""
        try:
            run()
        except ENDS_THE_PROGRAM as error:
            end_loop(self._calls.loop, error)
        except BaseException as error:
            self._calls.report(doing, error)


__all__ = ("Connection",)
