"""
What the codec asks of the owner of the id tables, and what it asks of the objects themselves.

This is the only place where ``objects/`` and ``broker/`` meet: a flavour is written against these protocols, the
broker implements them, and neither imports the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from ..wire.tokens import Dialect
from .checks import BASES
from .plans import STOCK_STATE_SETTERS, admit_state, set_state

Luid = int | bytes
"""Locally unique id: an int counted by its owner, or the bytes of a well-known name such as ``root``."""


def who(perspective: Any) -> object:
    """
    What tells perspectives apart wherever something depends on who asks: names by what they say, other objects by
    being the same. Whoever keeps it has to keep the perspective alive.
    """
    return perspective if type(perspective) in (str, bytes) else id(perspective)


class Writing(Protocol):
    """What writes a message, as a flavour sees it."""

    @property
    def tables(self) -> SendingTables | None:
        """The owner of the id tables; ``None`` where nothing goes out by reference or as a cache."""

    @property
    def perspective(self) -> Any:
        """The peer, as the hooks of objects know it: a user, an avatar, ``None``."""

    @property
    def dialect(self) -> Dialect:
        """What the peer speaks."""

    def encode(self, value: Any) -> None:
        """Write one value and all that it leads to."""

    def begin_form(self, instance: object, count: int) -> None:
        """Begin a list of ``count`` items that stands for an instance."""

    def write_id(self, word: bytes, luid: Luid) -> None:
        """Write ``(word luid)``."""

    def write_copy(self, instance: object, tag: str | bytes, state: Any) -> None:
        """Write ``(tag state)``."""

    def write_cache(self, instance: object, tag: str | bytes, luid: int, state: Any) -> None:
        """Write ``(tag luid state)``."""

    def write_buffer(self, view: memoryview) -> None:
        """Write the bytes of a flat memoryview as a byte string, those of a large one uncopied."""

    def has_no_hooks(self, kind: type, hooks: tuple[str, ...]) -> None:
        """Instances of this class cross as their ``__dict__`` under the class's name, as long as these are what they are."""

    def unsendable(self, value: Any, kind: type) -> None:
        """Raise NotSendable for a value that may not cross, or write what stands for it."""


class Sendable:
    """An object that knows how it crosses. PB calls this ``Jellyable``."""

    __slots__ = ()

    def jelly_into(self, encoder: Writing) -> None:
        """Write this object; raise :class:`~likewise.errors.NotSendable` if it may not cross now."""
        raise NotImplementedError

    def processUniqueID(self) -> object:
        """What tells this object from others in this process; equal ids mean one and the same object."""
        return id(self)


class Receivable:
    """A class that may stand for objects of a peer. PB calls this ``Unjellyable``."""

    is_cache: ClassVar[bool] = False

    def setCopyableState(self, state: Any) -> None:
        """
        Take the state that the peer sent: by default its items become the attributes of this object.

        A name that would shadow a method, a property or a dunder is refused with InsecureJelly.
        """
        set_state(self, admit_state(type(self), state))


BASES.append(Receivable)
STOCK_STATE_SETTERS.append(Receivable.setCopyableState)


class Subscribed(Protocol):
    """One mirror, as publishing sees it: made by the mirror's session, kept by the mirror's observer."""

    @property
    def publisher(self) -> Publish:
        """The function that publishes; it is the same for all sessions, and belongs to none."""

    @property
    def queued_bytes(self) -> int:
        """How many bytes for the peer have not left this process."""


class Publish(Protocol):
    """Tells observers of a change, on whatever connections they are: each has what it was subscribed with."""

    def __call__(self, observers: tuple[Any, ...], name: str, args: tuple[Any, ...], kwargs: dict[str, Any], /) -> None: ...


class Caller(Protocol):
    """What a reference or an observer needs of its connection."""

    @property
    def is_closed(self) -> bool: ...

    @property
    def owner(self) -> Any:
        """What the user knows as the connection."""

    def call(
        self,
        luid: Luid,
        method: str | bytes,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        perspective: Any = None,
        want_answer: bool = True,
        to_cache: bool = False,
    ) -> Any: ...

    def subscribe(self, luid: int, perspective: Any) -> Subscribed:
        """Make what changes are published by to the mirror with this id."""

    def end_mirror(self, luid: int, reason: str) -> None:
        """The owner of a Cacheable has the mirror with this id followed no longer."""

    def refused(self, error: Exception) -> Any:
        """A result that has failed already, for where nothing may be raised."""

    @property
    def driver(self) -> Any:
        """What moves the bytes; it knows what to do with an iterator that is to be sent, and how to wait for a result."""

    @property
    def limits(self) -> Any:
        """The ceilings of this connection."""

    @property
    def registry(self) -> Any:
        """What may come in over it, and how foreign types go out."""

    def notify_on_disconnect(self, callback: Callable[[], object]) -> None: ...

    def dont_notify_on_disconnect(self, callback: Callable[[], object]) -> None: ...


class SendingTables(Protocol):
    """The owner of the id tables, as the encoder and the flavours see it."""

    def export(self, target: Any) -> int:
        """The id of an object of ours that goes out by reference; counts one more holder."""

    def home_luid(self, reference: Any) -> Luid:
        """The id under which the peer knows the object behind a reference that came over this connection."""

    def observe(self, cacheable: Any, perspective: Any) -> tuple[int, Any]:
        """
        The id of a Cacheable that goes out, and a new observer; ``None`` for it if the peer has it for this perspective
        already.
        """

    def home_cache(self, mirror: Any) -> int:
        """The id under which the peer knows the original of a mirror that came over this connection."""

    @property
    def caller(self) -> Caller: ...


class ReceivingTables(Protocol):
    """The owner of the id tables, as the decoder sees it. All raise InsecureJelly for an id that is not known."""

    def reference(self, luid: Luid, perspective: Any) -> Any:
        """The one RemoteReference for this id; counts one more."""

    def local(self, luid: Luid) -> Any:
        """An object of ours that comes home."""

    def original(self, luid: Luid) -> Any:
        """A Cacheable of ours that comes home as its mirror."""

    def mirror(self, luid: Luid) -> Any:
        """The mirror that is here already; counts one more."""

    def hold_mirror(self, luid: Luid, mirror: Any, is_filled: bool = True) -> None:
        """A new mirror; without ``is_filled`` before its state is read: cycles lead back to it."""

    def mirror_filled(self, mirror: Any) -> None:
        """The mirror has its state: only from now on may it be met again once it has ended."""


class Flavours(Protocol):
    """What the broker needs of the objects that it must not know: passed in by the driver."""

    def make_reference(self, caller: Caller, luid: Luid, perspective: Any) -> Any:
        """A new RemoteReference."""

    def make_observer(self, caller: Caller, luid: int, cacheable: Any, perspective: Any) -> Any:
        """A new RemoteCacheObserver."""

    def error_to_send(self, error: BaseException) -> Any:
        """What to send to the peer for an exception."""

    def error_in_short(self, error: BaseException, why: BaseException) -> Any:
        """What to send where that could not be sent, for this reason: class and text alone, which always can."""

    def error_to_raise(self, received: Any, registry: Any) -> BaseException:
        """The exception for what the peer sent."""

    def refuse(self, what: str, ceiling: int) -> Exception:
        """What to raise for an object that the peer has no room for: it holds so many ``references``, or ``caches``."""
