"""The flavours as the broker is handed them; it knows none of them by itself."""

from __future__ import annotations

from typing import Any

from ..errors import NotSendable
from ..jelly.context import Caller, Luid
from ..jelly.registry import Registry
from . import failures
from .by_cache import RemoteCacheObserver
from .by_reference import RemoteReference


class ObjectFlavours:
    """
    What one endpoint makes of references and errors.

    ``with_traceback``: whether the tracebacks of failing methods cross. They show code and paths to the peer.
    """

    def __init__(self, *, with_traceback: bool = False) -> None:
        self.with_traceback = with_traceback

    def make_reference(self, caller: Caller, luid: Luid, perspective: Any) -> Any:
        return RemoteReference(caller, luid, perspective)

    def make_observer(self, caller: Caller, luid: int, cacheable: Any, perspective: Any) -> Any:
        return RemoteCacheObserver(caller, luid, cacheable, perspective)

    def error_to_send(self, error: BaseException) -> Any:
        return failures.to_send(error, with_traceback=self.with_traceback)

    def error_in_short(self, error: BaseException, why: BaseException) -> Any:
        return failures.Failure(error, why_in_short=why)

    def error_to_raise(self, received: Any, registry: Registry) -> BaseException:
        return failures.to_raise(received, registry)

    def refuse(self, what: str, ceiling: int) -> Exception:
        if what == "references":
            return NotSendable(f"the peer holds {ceiling} references already (limits.references)")
        return NotSendable(f"the peer mirrors {ceiling} objects already (limits.caches)")


__all__ = ("ObjectFlavours",)
