"""What all connections of one server, or of one client, share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ..broker.core import Broker
from ..broker.entries import Exported
from ..broker.states import Side
from ..jelly.registry import Registry
from ..limits import Limits
from ..logs import Throttle, restrain
from ..objects.flavours import ObjectFlavours
from ..serving.flow import ArgumentBytes
from ..trace import Tracer
from ..wire.tokens import DIALECTS, Dialect
from .endpoint_account import EndpointAccount
from .loops import check_thread
from .pace import Pace, pace_of

log = logging.getLogger("likewise")

OnConnection = Callable[[Any], object]
"""A function that is called with a :class:`~likewise.asyncio.connection.Connection`."""

CLOSED_HERE: Final = "closed at this end"
ABORTED_HERE: Final = "aborted at this end"
# The end of the stream looks the same in both cases.
CLOSED_THERE: Final = "the peer closed the connection, or its process ended: it did not say which"


@dataclass(slots=True)
class Endpoint:
    """One for each ``serve()`` and ``connect()``; ``side`` is which of them."""

    side: Side
    registry: Registry
    limits: Limits
    flavours: ObjectFlavours
    trace: Tracer | None = None
    dialects: tuple[Dialect, ...] = DIALECTS
    root: Any = None
    at_first: Callable[[Broker], object] | None = None  # called with each core before it starts
    on_open: OnConnection | None = None
    on_close: OnConnection | None = None
    lines: set[Any] = field(default_factory=set)  # of the connections that are let in
    is_closing: bool = False  # connections that are being accepted now are not let in
    logouts: set[asyncio.Task[None]] = field(default_factory=set)  # those that are coroutines, while they run
    thread: int = 0  # the loop's; connections are made on it
    account: EndpointAccount = field(init=False)
    arguments: ArgumentBytes = field(init=False)
    log: Throttle = field(init=False)
    _pace: Pace | None = None
    _root_entry: Exported | None = None
    _thread_check: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        self.account = EndpointAccount(self.limits)
        self.arguments = ArgumentBytes(self.limits)
        restrain()
        self.log = Throttle(log, self.limits.log_lines, self.limits.log_bytes)

    def pace(self, loop: asyncio.AbstractEventLoop) -> Pace:
        """When connections are flushed; asked for each change to each observer, so it is kept."""
        if self._pace is None:
            self._pace = pace_of(loop)
        return self._pace

    def root_entry(self, connection: Any) -> Exported:
        """What the tables of this connection have under "root": one for all of them, where the served object is the root."""
        root = self.root.rootObject(connection)
        if root is not self.root:
            return Exported(root, None)
        if self._root_entry is None:
            self._root_entry = Exported(root, None)
        return self._root_entry

    def thread_check(self, loop: asyncio.AbstractEventLoop) -> Callable[[str], object]:
        """Refuses a use on another thread than the loop's; one for all connections."""
        if self._thread_check is None:
            self._thread_check = partial(check_thread, loop)
        return self._thread_check


__all__ = ("ABORTED_HERE", "CLOSED_HERE", "CLOSED_THERE", "Endpoint", "OnConnection")
