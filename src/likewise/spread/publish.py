"""Caches kept across runs; the files are named and read by ``likewise.objects.published``."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet import defer

from ..jelly.registry import Registry
from ..objects.published import FollowingPublished, Publishing
from . import flavors
from .registry import registry


class Publishable(Publishing, flavors.Cacheable):
    """Derive from this, write ``getStateToPublish``, and call ``republish`` whenever that changes."""

    make_view: ClassVar[Any] = flavors.ViewPoint


class RemotePublished(FollowingPublished, flavors.RemoteCache):
    """
    Derive from this to mirror a Publishable, and register it with ``setUnjellyableForClass``.

    ``cacheDirectory`` is where the files lie, ``getFileName`` what one is called; ``activated`` is called when the state
    is there.
    """

    registry: ClassVar[Registry] = registry

    def _when_answered(self, result: Any) -> None:
        result.addCallbacks(self._fetched, self._not_fetched)


def whenReady(d: defer.Deferred[Any]) -> defer.Deferred[Any]:
    """
    A Deferred of a RemotePublished that has its state, for one of a RemotePublished that may not have it yet.

    It fails if the state can't be had.
    """
    ready: defer.Deferred[Any] = defer.Deferred()
    d.addCallbacks(lambda published: published.callWhenActivated(ready.callback, ready.errback), ready.errback)
    return ready


__all__ = ["Publishable", "RemotePublished", "whenReady"]
