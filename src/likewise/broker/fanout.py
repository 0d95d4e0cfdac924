"""
One change to many observers: written once for each *view*, sent behind each connection's own few bytes.

What is written can be shared by all whose peers take the same, unless

- it names something by an id of one connection (a reference, a cache): then each observer's message is written for it
  alone;
- a hook was asked what to send to whom, or may have looked: then it is written once for each perspective.

On the wire it is a message like any other, in two pieces::

    (cachemessage NUMBER ID     NAME ANSWER? args kw)
    the head, one for each      the tail, one for all that take the same

The way is straight: an :class:`~likewise.objects.observers.Observers` calls :func:`publish`, which puts the two pieces into
the :class:`Outbox` of each observer's :class:`Subscription`. Where a message is written for one observer alone, it is a call
of that observer's session.
"""

from __future__ import annotations

import functools
from threading import get_ident
from typing import Any

from ..errors import ENDS_THE_PROGRAM, ConnectionClosed, NotSendable, WrongThread
from ..jelly.context import Caller, Publish, who
from ..jelly.encoder import Encoder
from .ceilings import Ceilings
from .messages import CACHEMESSAGE_HEAD, luid_token, name_token
from .outbox import Outbox

NO_REQUEST = b"\x00\x81"  # a number that no answer will name
NO_ANSWER = b"\x00\x81"
LONGEST_HEAD = CACHEMESSAGE_HEAD + NO_REQUEST + luid_token((1 << 31) - 1)


class NotShared(Exception):
    """What is being written belongs to one connection."""


class NoTables:
    """Stands for the tables of no connection in particular: whatever needs them can't be shared."""

    def _not_shared(self, *args: Any) -> Any:
        raise NotShared

    export = observe = home_luid = home_cache = _not_shared
    caller = property(_not_shared)


NO_TABLES = NoTables()


class WrittenChange:
    """
    What becomes of a change for one view: its ``tail``, all of the message behind the id; or the ``error`` that writing
    it has raised; or neither, where each observer's message is written for it alone.
    """

    __slots__ = ("error", "is_for_one", "tail")

    def __init__(self, tail: bytes | None, error: BaseException | None, is_for_one: bool) -> None:
        self.tail = tail
        self.error = error
        self.is_for_one = is_for_one  # for one perspective


class Change:
    """A one-way call of ``observe_<name>``, and what was written of it so far."""

    __slots__ = ("_first", "_for_all", "_for_one", "args", "kwargs", "name")

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self._first: tuple[Ceilings, WrittenChange] | None = None  # what was written for all at first
        self._for_all: dict[Ceilings, WrittenChange] | None = None
        self._for_one: dict[tuple[Ceilings, object], WrittenChange] | None = None

    def written(self, ceilings: Ceilings, perspective: Any) -> WrittenChange:
        """The change as it is written for this perspective, within these ceilings of a peer."""
        if self._for_all is not None and ceilings in self._for_all:
            return self._for_all[ceilings]
        found = self._for_one.get((ceilings, who(perspective))) if self._for_one is not None else None
        if found is not None:
            return found
        if self._first is not None and self._first[0].is_like(ceilings):
            found = within_ceilings(ceilings, self._first[1])
        if found is None:
            found = write_change(ceilings, self.name, self.args, self.kwargs, perspective)
        if found.is_for_one:
            if self._for_one is None:
                self._for_one = {}
            self._for_one[ceilings, who(perspective)] = found
            return found
        if self._for_all is None:
            self._for_all = {}
        self._for_all[ceilings] = found
        if self._first is None and found.tail is not None:
            self._first = ceilings, found
        return found


def within_ceilings(ceilings: Ceilings, written: WrittenChange) -> WrittenChange | None:
    """What was written for other peers, if these take it: no hook is asked once more."""
    assert written.tail is not None
    try:
        ceilings.measure([LONGEST_HEAD, written.tail], True)
    except NotSendable:
        return None
    return written


class Subscription:
    """
    One mirror of a peer's, as :func:`publish` sees it; the mirror's observer keeps it.

    A change goes into ``outbox``, behind ``head``, whose few bytes are all that is written for this mirror alone.
    """

    __slots__ = ("head", "luid", "outbox", "perspective", "session")

    def __init__(self, session: Caller, outbox: Outbox, luid: int, perspective: Any) -> None:
        self.session = session
        self.outbox = outbox
        self.luid = luid
        self.perspective = perspective
        self.head: bytes | None = None  # made when it is first needed: few observers are published to

    @property
    def publisher(self) -> Publish:
        return publish

    @property
    def queued_bytes(self) -> int:
        return self.outbox.queued_bytes


def publish(observers: tuple[Any, ...], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """
    Call ``observe_<name>`` on the mirrors of these observers, one way.

    An observer that has gone is passed over. Where some can't be told (the state for their perspective can't cross,
    their peers take smaller messages), the others are.

    Raises:
        NotSendable: an argument can't cross; its ``untold`` are the observers that were not told, its text says how many.
        WrongThread: one observer is on a connection of another thread's loop.
    """
    change = Change(name, args, kwargs)
    ceilings = perspective = written = None
    untold: list[tuple[Any, BaseException]] = []
    count = 0
    thread = get_ident()
    for observer in observers:
        subscription = observer.subscription
        if subscription is None:
            continue
        outbox = subscription.outbox
        if not outbox.may_send:
            continue
        count += 1
        if outbox.thread != thread:
            try:
                outbox.check_thread(name)
            except WrongThread as error:
                untold.append((observer, error))
                continue
        if (
            written is None
            or outbox.ceilings is not ceilings
            or (written.is_for_one and subscription.perspective is not perspective)
        ):
            ceilings, perspective = outbox.ceilings, subscription.perspective
            written = change.written(ceilings, perspective)
        tail = written.tail
        if tail is None:
            failed = written.error or tell_alone(subscription, change)
            if failed is not None:
                untold.append((observer, failed))
            continue
        head = subscription.head
        if head is None:
            head = subscription.head = CACHEMESSAGE_HEAD + NO_REQUEST + luid_token(subscription.luid)
        outbox.queue_shared(head, tail)
    if untold:
        raise summary(untold, count)


def tell_alone(to: Subscription, change: Change) -> BaseException | None:
    """Write the message for one mirror; what that has raised."""
    try:
        to.session.call(to.luid, change.name, change.args, change.kwargs, to.perspective, False, True)
    except ENDS_THE_PROGRAM:
        raise
    except ConnectionClosed:  # a hook has ended it
        return None
    except BaseException as error:
        return error
    return None


def summary(untold: list[tuple[Any, BaseException]], count: int) -> BaseException:
    """The error for who publishes: the first one, and how many observers were not told."""
    error = untold[0][1]
    text = f"{len(untold)} of {count} observers were not told"
    if not isinstance(error, NotSendable):  # a hook of the application
        error.add_note(text)
        return error
    together = NotSendable(f"{error.reason} ({text})", error.too_large)
    together.path = error.path
    together.untold = tuple(observer for observer, _ in untold)
    return together


def write_change(
    ceilings: Ceilings, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], perspective: Any
) -> WrittenChange:
    """Write a change as it is for all observers of this view."""
    kind: Any = ceilings.encoder
    encoder: Any = _idle.pop(kind, None)
    if encoder is None:
        encoder = recording(kind)(NO_TABLES, None, ceilings.depth, ceilings.at_most)
    else:
        encoder.begin(NO_TABLES, None, ceilings.depth, ceilings.at_most)
    encoder.viewer, encoder.is_asked = perspective, False
    try:
        named = name_token(name, ceilings.limits.name_bytes)
        encoder.encode_arguments(args)
        encoder.encode_keywords(kwargs)
        is_to_be_framed = encoder.may_be_too_deep or encoder.items_at_most > ceilings.items_limit
        tail = b"".join([named, NO_ANSWER, *encoder.written()])
        if is_to_be_framed or len(tail) > ceilings.bytes_limit:
            ceilings.measure([LONGEST_HEAD, tail], is_to_be_framed)
    except NotShared:
        return WrittenChange(None, None, False)
    except ENDS_THE_PROGRAM:
        raise
    except BaseException as error:
        return WrittenChange(None, error, encoder.is_asked)
    finally:
        encoder.let_go()
        encoder.viewer = None
        _idle[kind] = encoder
    return WrittenChange(tail, None, encoder.is_asked)


# Encoders that wait for the next change, one of each class, for the reason that outbox.py gives.
_idle: dict[type[Encoder], Encoder] = {}


@functools.cache
def recording(encoder: Any) -> Any:
    """An encoder class that is like this one and knows whether anybody has looked at its perspective."""

    class Recording(encoder):  # type: ignore[misc]
        __slots__ = ("is_asked", "viewer")

        @property
        def perspective(self) -> Any:
            self.is_asked = True
            return self.viewer

        @perspective.setter
        def perspective(self, perspective: Any) -> None:
            """What an encoder is begun with is not looked at."""

    return Recording
