"""What a call returns to its caller."""

from __future__ import annotations

import asyncio
from typing import Any

from ..broker.core import Broker
from ..objects.streams import Stream, stream_of_call


class CallFuture(asyncio.Future[Any]):
    """
    What a call returns: await it, or read it, if it is answered with a stream: ``async for item in reference.callRemote()``.

    In ``likewise-1``, to cancel it cancels the call at the peer.
    """

    __slots__ = ("core", "request")
    core: Broker
    request: int

    def cancel(self, msg: Any = None) -> bool:
        """Give up on the call. It is cancelled at the peer, which need not heed that; what it answers is dropped."""
        if not super().cancel(msg):
            return False
        self.core.cancel(self.request)
        return True

    def __aiter__(self) -> Stream:
        """The items of the stream that the call is answered with."""
        return stream_of_call(self.core, self)


def settled(loop: asyncio.AbstractEventLoop, result: asyncio.Future[Any]) -> asyncio.Future[Any] | None:
    """Something to await until ``result`` is settled, ``None`` if it is; to cancel it leaves that as it is."""
    if result.done():
        return None
    waiter = loop.create_future()

    def pass_on(_: object) -> None:
        if not waiter.done():
            waiter.set_result(None)

    result.add_done_callback(pass_on)
    waiter.add_done_callback(lambda _: result.remove_done_callback(pass_on))
    return waiter


def look_at(result: asyncio.Future[Any]) -> None:
    """Look at how it ended, or asyncio warns when it is forgotten: a peer could have that said as often as it likes."""
    if not result.cancelled():
        result.exception()


__all__ = ("CallFuture", "look_at", "settled")
