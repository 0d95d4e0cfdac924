"""What stands here for an object of the peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.persisted import styles
from zope.interface import implementer

from ..jelly.context import Luid, Writing
from ..objects import by_reference
from .flavors import Serializable
from .forms import stock
from .interfaces import IUnjellyable
from .jelly import setUnjellyableForClass

if TYPE_CHECKING:
    from collections.abc import Callable



class RemoteMethod:
    """One method of a remote object; calling it is ``reference.callRemote(name, ...)``."""

    __module__ = "likewise.spread.pb"

    def __init__(self, obj: RemoteReference, name: str) -> None:
        self.obj = obj
        self.name = name

    def __call__(self, *args: Any, **kw: Any) -> Any:
        return self.obj.callRemote(self.name, *args, **kw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteMethod) and (self.obj, self.name) == (other.obj, other.name)

    def __hash__(self) -> int:
        return hash((self.obj, self.name))


@implementer(IUnjellyable)
class RemoteReference(by_reference.RemoteReference, Serializable, styles.Ephemeral):
    """
    An object that lives at the peer; ask it with :meth:`callRemote`.

    ``broker`` is the connection that it is reached through. While it lives, the same object arrives as this same
    reference; sent back home, it is the object. Two that lead to the same object are equal.
    """

    __module__ = "likewise.spread.pb"

    def __init__(self, perspective: Any, broker: Any, luid: Luid, doRefCount: Any) -> None:
        super().__init__(broker.core, luid, perspective)
        self.broker = broker
        self.doRefCount = doRefCount
        self.disconnectCallbacks: list[Callable[[RemoteReference], object]] | None = []

    def callRemote(self, _name: Any, /, *args: Any, **kw: Any) -> Any:
        """
        Call ``remote_<name>(*args, **kw)`` there; a Deferred of what it returns, ``None`` with ``pbanswer=False``.

        The call is on its way when this returns. An argument that can't cross makes the Deferred fail.

        Raises:
            DeadReferenceError: the connection has ended.
            BananaError: a number, string or list is larger than the wire carries.
        """
        return self.broker.send_call(self.luid, _name, args, kw, self.perspective)

    def callRemoteOnly(self, _name: Any, /, *args: Any, **kw: Any) -> None:
        """The same, one way."""
        self.broker.send_call(self.luid, _name, args, {**kw, "pbanswer": False}, self.perspective)

    def remoteMethod(self, key: str) -> RemoteMethod:  # type: ignore[override]
        """One method of the remote object, to be called later."""
        return RemoteMethod(self, key)

    def notifyOnDisconnect(self, callback: Any) -> None:
        """Have ``callback(self)`` run when the connection ends; at once if it has."""
        assert callable(callback)
        if self.disconnectCallbacks is None:
            self._tell(callback)
            return
        self.disconnectCallbacks.append(callback)
        if len(self.disconnectCallbacks) == 1:
            self.broker.notifyOnDisconnect(self._disconnected)

    def dontNotifyOnDisconnect(self, callback: Any) -> None:
        """Take a callback back; ValueError if it was not given."""
        callbacks = self.disconnectCallbacks or []
        callbacks.remove(callback)
        if not callbacks:
            self.broker.dontNotifyOnDisconnect(self._disconnected)

    def _disconnected(self) -> None:
        callbacks, self.disconnectCallbacks = self.disconnectCallbacks or [], None
        for callback in callbacks:
            self._tell(callback)

    def _tell(self, callback: Callable[[RemoteReference], object]) -> None:
        """Run one callback; whatever it raises is logged, and the others are told."""
        try:
            callback(self)
        except BaseException as error:
            self.broker.report("telling of the end of a connection", error)

    @stock
    def jellyFor(self, jellier: Any) -> Any:
        if jellier.invoker is None:
            return [b"unpersistable", b"References cannot be serialized"]
        return [b"local", jellier.invoker.core.tables.home_luid(self)]

    def jelly_into(self, encoder: Writing) -> None:
        if encoder.tables is None:
            encoder.begin_form(None, 2)
            encoder.encode(b"unpersistable")
            encoder.encode(b"References cannot be serialized")
        else:
            by_reference.RemoteReference.jelly_into(self, encoder)

    @stock
    def unjellyFor(self, unjellier: Any, unjellyList: Any) -> Any:
        broker = unjellier.invoker
        return broker.core.tables.reference(unjellyList[1], broker.unserializingPerspective)

    __repr__ = object.__repr__  # as programs print it
    __reduce__ = styles.Ephemeral.__reduce__  # what an application saves as a whole may hold one: it comes back empty

    def __eq__(self, other: object) -> bool:
        return other is self or (
            isinstance(other, RemoteReference) and other.broker is self.broker and other.luid == self.luid
        )

    def __hash__(self) -> int:
        return hash(self.luid)


setUnjellyableForClass("remote", RemoteReference)


__all__ = ("RemoteMethod", "RemoteReference")
