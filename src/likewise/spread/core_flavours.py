"""What the core makes of references and errors on one connection of Twisted's API."""

from __future__ import annotations

from typing import Any

from twisted.python import log
from twisted.python.failure import Failure

from ..bounded import shown
from ..jelly.context import Caller, Luid
from ..jelly.registry import default_registry
from ..objects.rebuilt import error_from, is_known
from .failures import CopiedFailure, CopyableFailure, InShort, failure2Copyable
from .faults import Error, translated
from .flavors import Jellyable, RemoteCacheObserver
from .references import RemoteReference
from .registry import registry


class SpreadFlavours:
    """What :class:`~likewise.objects.flavours.ObjectFlavours` is to the other driver."""

    __slots__ = ("broker",)

    def __init__(self, broker: Any) -> None:
        self.broker = broker

    def make_reference(self, caller: Caller, luid: Luid, perspective: Any) -> Any:
        return RemoteReference(perspective, self.broker, luid, 1)

    def make_observer(self, caller: Caller, luid: int, cacheable: Any, perspective: Any) -> Any:
        return RemoteCacheObserver(self.broker, cacheable, perspective, luid)

    def error_to_send(self, error: BaseException) -> Any:
        """An exception that may cross as itself, or a CopyableFailure. What the core refused by itself is logged here."""
        broker = self.broker
        if not isinstance(error, Failure):
            error = CopyableFailure(translated(error))
            if not isinstance(error.value, Error) and broker.calls.may_log("calls refused"):
                log.msg("Peer will receive following PB traceback:", isError=True)
                broker.calls.log_failure(Failure(error.value))
        value = error.value
        if isinstance(value, Jellyable) or broker.security.isClassAllowed(value.__class__):
            return value
        unsafe = getattr(broker.factory, "unsafeTracebacks", 0)
        copyable = error if isinstance(error, CopyableFailure) else failure2Copyable(error, unsafe)
        copyable.unsafeTracebacks = unsafe
        return copyable

    def error_in_short(self, error: BaseException, why: BaseException) -> Any:
        return InShort(error if isinstance(error, Failure) else Failure(translated(error)), why)

    def error_to_raise(self, received: Any, _: Any) -> Any:
        """What came, a CopiedFailure as a rule; of a class that is registered with likewise, an instance of that."""
        if isinstance(received, CopiedFailure):
            told, registries = received.described(), (registry, default_registry)
            return error_from(told, registries) if is_known(told, registries) else received
        if isinstance(received, BaseException):
            return received
        return Error(f"the peer sent an error that is none: {shown(received)}")

    def refuse(self, what: str, ceiling: int) -> Exception:
        refused: Exception = self.broker.too_many(what)
        return refused


__all__ = ("SpreadFlavours",)
