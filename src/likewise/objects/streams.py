"""
Streams, at the end that reads: an iterator that stays with the peer, whose items are asked for some calls ahead.

On the wire a stream is an object by reference with two methods, ``next(count)`` and ``close()``; whoever can call a
method can read one. The reader asks, so a reader that stops asking stops the other end; it asks for the next items before
it needs them, so it seldom waits for an answer to cross.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, Self

from ..bounded import clip
from ..errors import ConnectionClosed, Error, InsecureJelly
from ..jelly.atoms import LOCAL_CODE, REMOTE_CODE
from ..jelly.checks import ARRIVES
from ..jelly.context import Writing
from ..jelly.plans import FACTORY, Incoming
from ..jelly.registry import BUILT_IN_PLANS
from ..wire.tokens import LIKEWISE_1, VOCABULARY
from .by_reference import Referenceable, RemoteReference

if TYPE_CHECKING:
    from ..jelly.context import Caller

TAG: Final = b"likewise.Stream"
CALLS_AHEAD: Final = 4  # calls for items that are unanswered, or answered and not yet read
FIRST: Final = 8  # items that the first calls ask for: little is made in vain for a reader that leaves early


class Stream:
    """
    An iterator of the peer: ``async for item in stream``. What a method returns that is a generator arrives as this.

    Where the peer speaks ``pb``, it arrives as a plain :class:`RemoteReference`: pass that to ``Stream(reference)``.

    It is read once. When it is left (closed, or no longer held by anybody here) the iterator over there is closed. What
    the iterator raises is raised here at its place, then there are no more items. To cancel a wait for the next item loses
    none.
    """

    __slots__ = ("__weakref__", "_asked", "_batch", "_call", "_count", "_most", "_reference")

    def __init__(self, reference: RemoteReference) -> None:
        if not isinstance(reference, RemoteReference):
            raise TypeError(f"a stream is read by a RemoteReference, not by {clip(reference)}")
        self._begin(reference._caller, None, reference)

    def _begin(self, caller: Caller, call: Any, reference: RemoteReference | None) -> None:
        self._call = call  # whose answer is the stream, while that is not here
        self._reference = reference
        self._asked: deque[tuple[int, Any]] = deque()  # how many, and the result of the call
        self._batch: Iterator[Any] = iter(())
        self._most = max(1, caller.limits.stream_items // CALLS_AHEAD)
        self._count = min(FIRST, self._most)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        for item in self._batch:
            return item
        return await self._next()

    async def aclose(self) -> None:
        """
        Read no more. Returns when the iterator over there has ended: what it does at its end is done.

        Raises:
            Exception: what the iterator raised at its end.
        """
        if self._call is not None:
            await self._arrived()
        reference = self._reference
        if reference is not None:
            self._end()
            try:
                await reference.callRemote("close")
            except ConnectionClosed:  # which closes it as well
                pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    async def _next(self) -> Any:
        """The first of further items."""
        if self._call is not None:
            await self._arrived()
        while self._reference is not None:
            self._ask()
            count, result = first = self._asked[0]
            waiting = self._reference._caller.driver.settled(result)
            if waiting is not None:
                await waiting
            if self._asked and self._asked[0] is first:  # else another task was quicker
                self._asked.popleft()
                self._take(await self._answer(result), count)
            for item in self._batch:
                return item
        raise StopAsyncIteration

    async def _answer(self, result: Any) -> Any:
        try:
            return await result
        except BaseException:
            self._end()
            raise

    def _take(self, items: Any, count: int) -> None:
        if type(items) is not list or len(items) > count:
            what = f"{len(items)} items" if type(items) is list else clip(items)
            reference = self._reference
            self._end()
            if reference is not None:
                reference.callRemoteOnly("close")
            raise Error(f"the peer answered with {what} where a list of at most {count} items was asked for")
        if not items:
            self._end()
            return
        self._batch = iter(items)
        if len(items) == count:
            self._count = min(2 * count, self._most)
        self._ask()

    def _ask(self) -> None:
        """Have so many calls for items under way as is usual."""
        reference = self._reference
        assert reference is not None
        while len(self._asked) < CALLS_AHEAD:
            try:
                result = reference.callRemote("next", self._count)
            except BaseException:
                if self._asked:  # what has been answered is read first
                    return
                self._end()
                raise
            reference._caller.driver.unheard(result)
            self._asked.append((self._count, result))

    async def _arrived(self) -> None:
        """The call whose answer is the stream has to be answered first."""
        call = self._call
        try:
            value = await call
        finally:
            if self._call is call:
                self._call = None
        if isinstance(value, Stream):
            value = value._reference
        elif not isinstance(value, RemoteReference):
            raise TypeError(f"the call was answered with {clip(value)}, which is no stream: await the call")
        if self._reference is None:
            self._reference = value

    def _end(self) -> None:
        self._reference = None
        self._asked.clear()
        self._batch = iter(())

    def is_of(self, caller: Caller) -> bool:
        """Whether it came over this connection, and may go home."""
        return self._reference is not None and self._reference._caller is caller

    def __repr__(self) -> str:
        return f"<likewise.Stream, {'closed' if self._reference is None and self._call is None else 'open'}>"


def stream_of_call(caller: Caller, call: Any) -> Stream:
    """The stream that a call is going to be answered with."""
    stream = Stream.__new__(Stream)
    stream._begin(caller, call, None)
    return stream


class StreamSource(Referenceable):
    """What the peer reads an iterator of ours by; the drivers know how to run it."""

    iterator: Any

    def jelly_into(self, encoder: Writing) -> None:
        assert encoder.tables is not None  # a source is made for one connection
        write_stream(encoder, self.iterator, REMOTE_CODE, encoder.tables.export(self))


class HomeGoing:
    """A stream on its way back to whom it is of: the peer gets its own iterator."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def jelly_into(self, encoder: Writing) -> None:
        assert encoder.tables is not None  # as it is where a stream came from
        luid = encoder.tables.home_luid(self.stream._reference)
        write_stream(encoder, self.stream, LOCAL_CODE, luid)


def write_stream(encoder: Writing, iterator: Any, word: int, luid: Any) -> None:
    """Write ``(likewise.Stream (word luid))``, or in the other dialects what is in it alone."""
    if encoder.dialect.name == LIKEWISE_1.name:
        encoder.begin_form(iterator, 2)
        encoder.encode(TAG)
    encoder.write_id(VOCABULARY[word], luid)


def read_stream(state: Any) -> Any:
    """What ``(likewise.Stream state)`` is here."""
    if isinstance(state, RemoteReference):
        return Stream(state)
    if isinstance(state, StreamSource):
        return state.iterator
    raise InsecureJelly(f"a stream is an object by reference, not {clip(state)}")


BUILT_IN_PLANS[TAG] = Incoming(FACTORY, read_stream)
ARRIVES.add(Stream)


__all__ = ("Stream",)
