"""What a method returns that takes its time, as a Deferred."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from twisted.internet import defer


def as_deferred(value: Any) -> defer.Deferred[Any]:
    """A Deferred of what a coroutine, an asyncio Future or anything else that ``await`` takes will give."""
    if isinstance(value, defer.Deferred):
        return value
    if asyncio.isfuture(value):
        return defer.Deferred.fromFuture(value)
    return defer.ensureDeferred(value if isinstance(value, Coroutine) else _wait_for(value))


async def _wait_for(value: Awaitable[Any]) -> Any:
    return await value


__all__ = ("as_deferred",)
