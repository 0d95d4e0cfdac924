"""Deferreds: of what a method returns that takes its time, and such as have failed and need not be logged."""

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


def is_unhandled(result: defer.Deferred[Any]) -> bool:
    """Whether a Deferred has failed, and a line in the log will say so when it is dropped as it is."""
    return result._debugInfo is not None and result._debugInfo.failResult is not None


def quiet(failed: defer.Deferred[Any]) -> defer.Deferred[Any]:
    """Let a Deferred that has failed be dropped without a line in the log; who looks at it still sees the Failure."""
    if failed._debugInfo is not None:
        failed._debugInfo.failResult = None
    return failed


__all__ = ("as_deferred", "is_unhandled", "quiet")
