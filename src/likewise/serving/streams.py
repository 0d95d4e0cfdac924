"""
Streams, at the end that has the iterator: it is run as fast as the peer asks for items, and closed when nobody reads.

One coroutine runs one iterator, from the first call for items to the end: what the iterator does between two items, and
at its end, is done in one and the same task. It runs only while a call for items waits here, and while the peer reads what
it is sent; so a reader that does not ask, or does not read, stops it.

Items are gathered while the iterator has them ready: a call is answered when it has as many as it asked for, when they are
as large as an answer should be, or when the iterator has let the event loop have a turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from inspect import CO_ITERABLE_COROUTINE
from types import GeneratorType
from typing import Any, ClassVar, Final, Protocol

from ..bounded import clip
from ..broker.batches import Batch
from ..broker.core import Broker
from ..broker.events import Answerer, CallReceived, Driver, Later
from ..errors import ENDS_THE_PROGRAM, CallError, Error, NotSendable
from ..jelly.context import who
from ..limits import STREAM_CALLS
from ..objects.streams import HomeGoing, Stream, StreamSource
from .turns import SLICE

UNSENT: Final = 256 * 1024  # bytes of streams that wait for the peer to read; while there are more, no iterator runs
OFTEN: Final = 7  # a bit mask: after how many items to look at the clock

Done = Callable[[Any, BaseException | None], None]


class StreamDriver(Driver, Protocol):
    """What is needed of the driver beside what the core needs. ``cancelled`` is what ``cancel()`` raises in a task."""

    cancelled: ClassVar[type[BaseException]]

    def run_stream(self, coroutine: Coroutine[Any, Any, None], name: str, done: Done) -> Any:
        """
        Run a coroutine in a task of its own, which has a ``cancel()``; ``done(None, error)`` is called at its end.

        Returns the task, or ``None`` if it has ended. Its first step may have run.
        """

    def soon(self, function: Callable[[], None]) -> None:
        """Have it run in the next turn of the event loop, behind what waits to be written at its end."""

    def when_writable(self, function: Callable[[], None]) -> None:
        """Have it run when the transport takes more bytes: soon, if it does."""

    def now(self) -> float:
        """The time, in seconds."""


class _Left(Exception):
    """Nobody reads the stream any more."""


class Streams:
    """The iterators of ours that one connection's peer reads from."""

    def __init__(self, broker: Broker, driver: StreamDriver) -> None:
        self.broker = broker
        self.driver = driver
        self._sources: dict[object, Source] = {}  # those that the peer holds
        self._queued = 0  # bytes that were queued in this turn
        self._outer_released, broker.tables.released = broker.tables.released, self._released
        broker.notify_on_disconnect(self._lost)

    def source_of(self, iterator: Any, perspective: Any) -> StreamSource | HomeGoing | None:
        """See :meth:`Driver.source_of <likewise.broker.events.Driver.source_of>`."""
        if type(iterator) is GeneratorType and iterator.gi_code.co_flags & CO_ITERABLE_COROUTINE:
            return None
        if isinstance(iterator, Stream) and iterator.is_of(self.broker):
            return HomeGoing(iterator)
        key = iterator_key(iterator, perspective)
        source = self._sources.get(key)
        if source is None:
            most = self.broker.limits.streams
            if len(self._sources) >= most:
                raise NotSendable(f"the peer reads from {most} streams already (limits.streams)")
            source = self._sources[key] = Source(self, iterator, perspective)
        return source

    def end_all(self, why: str) -> None:
        """The connection is about to be closed: the readers are told, and the iterators closed."""
        for source in tuple(self._sources.values()):
            source.end(CallError(why))

    def note_queued(self, size: int) -> None:
        """So many bytes are to be written at the end of this turn."""
        if not self._queued:
            self.driver.soon(self._flushed)
        self._queued += size

    @property
    def is_clogged(self) -> bool:
        """Whether so much waits to be written, or read by the peer, that no more should be made."""
        return self._queued + self.driver.unsent_bytes() > UNSENT

    def _flushed(self) -> None:
        self._queued = 0

    def _released(self, key: object) -> None:
        """The peer holds the object with this key no longer."""
        if self._outer_released is not None:
            self._outer_released(key)
        source = self._sources.pop(key, None)
        if source is not None and self.broker.tables.journal is None:  # else it never heard of it: it could not be sent
            source.end(None)

    def _lost(self) -> None:
        sources, self._sources = self._sources, {}
        for source in sources.values():
            source.end(None)


def iterator_key(iterator: Any, perspective: Any) -> object:
    """What tells a source from all others: it is that of one iterator, whose items are written for one perspective."""
    return "stream", id(iterator), who(perspective)


class Source(StreamSource):
    """One of them. The peer calls ``next`` and ``close``."""

    def __init__(self, streams: Streams, iterator: Any, perspective: Any) -> None:
        self.iterator = iterator
        self.perspective = perspective
        self.name = f"stream {clip(getattr(iterator, '__qualname__', type(iterator).__qualname__))}"
        self._streams = streams
        self._driver = streams.driver
        self._batch = Batch(streams.broker, perspective)
        self._calls: deque[Asked] = deque()  # that wait for items
        self._task: Any = None
        self._has_begun = self._has_ended = self._is_left = self._is_due = self._is_taken = self._is_closing = False
        self._error: BaseException | None = None  # what the next call is to be answered with
        self._why: BaseException | None = None  # the same, where this end closes the stream
        self._waiter: Any = None  # a result, while the iterator has to wait
        self._closed: list[Any] = []  # the results of those who wait for the end
        self._slice_ends = 0.0

    def processUniqueID(self) -> object:
        return iterator_key(self.iterator, self.perspective)

    # --- what the peer calls

    def remote_next(self, count: int) -> Any:
        """Up to ``count`` further items, a list: one at least, when there are any; none when there are no more."""
        if type(count) is not int or count < 1:
            raise Error(f"next() takes a number of items from 1, not {clip(count)}")
        if len(self._calls) >= STREAM_CALLS:
            raise Error(f"next() was called {STREAM_CALLS} times and has yet to be answered")
        return Asked(self, min(count, self._streams.broker.limits.stream_items))

    def remote_close(self) -> Any:
        """Close the iterator; answered with ``None`` when it has ended, or the error that it ended with."""
        if self._has_ended:
            return None
        self.end(None)
        if self._has_ended:
            return None
        closed = self._driver.new_result(0)
        self._closed.append(closed)
        return closed

    def asked(self, call: Asked) -> None:
        """There is one more call for items."""
        self._calls.append(call)
        if self._has_ended:
            self._answer_all()
        elif not self._has_begun:
            self._start()
        else:
            if self._batch.count and len(self._calls) == 1:  # an item that was too much for the last answer
                self._deliver()
            self._wake()

    def end(self, why: BaseException | None) -> None:
        """Close the iterator. The calls that wait are answered with ``why``, or as if it had no more."""
        if self._has_ended or self._is_left:
            return
        self._is_left = True
        self._why = why
        if not self._has_begun:
            self._start()
        elif self._waiter is not None:
            self._wake()
        elif self._task is not None and not self._is_closing:
            self._task.cancel()

    # --- running it

    def _start(self) -> None:
        self._has_begun = True
        self._task = self._driver.run_stream(self._run(), self.name, self._done)

    async def _run(self) -> None:
        iterator = self.iterator
        error: BaseException | None = None
        try:
            if self._is_left:
                pass
            elif hasattr(type(iterator), "__anext__"):
                async for item in iterator:
                    if self._put(item):
                        await self._wait(item)
            else:
                for item in iterator:
                    if self._put(item):
                        await self._wait(item)
        except _Left:
            pass
        except GeneratorExit:  # the loop is no more
            raise
        except BaseException as raised:
            error = raised
        self._is_closing = True
        try:
            await _close(iterator)
        except GeneratorExit:
            raise
        except BaseException as raised:
            error = raised
        self._ended(error)

    def _put(self, item: Any) -> bool:
        """
        Take one item, if it can be taken now (``_is_taken`` says so); whether to wait before the next one is made.

        None is written before there is a call that it answers: what was written must not wait, see
        :class:`~likewise.broker.batches.Batch`.
        """
        batch, calls = self._batch, self._calls
        if self._is_left or not calls:
            self._is_taken = False
            return True
        self._is_taken = batch.add(item)
        while batch.is_full(calls[0].count):
            self._deliver()
            if not calls or not batch.count:
                return True
        if not self._is_due:
            self._is_due = True
            self._driver.soon(self._deliver_due)
        if not batch.count & OFTEN:
            now = self._driver.now()
            if not self._slice_ends:
                self._slice_ends = now + SLICE
            elif now > self._slice_ends:
                return True
        return False

    async def _wait(self, item: Any) -> None:
        """Have this item taken, and another one may be made. Raises _Left if none is to be."""
        while not self._is_taken:
            await self._pause()
            self._put(item)
        await self._pause()

    async def _pause(self) -> None:
        """Wait until another item may be made. Raises _Left if none is to be."""
        while not self._is_left:
            if not self._calls:
                pass
            elif self._streams.is_clogged:
                self._driver.when_writable(self._wake)
            elif self._slice_ends and self._driver.now() > self._slice_ends:
                self._driver.soon(self._turn_over)
            else:
                return
            self._waiter = self._driver.new_result(0)
            try:
                await self._waiter
            finally:
                self._waiter = None
        raise _Left

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._driver.settle(waiter, None)

    def _turn_over(self) -> None:
        self._slice_ends = 0.0
        self._wake()

    def _deliver_due(self) -> None:
        """The loop has had a turn: what has been gathered is sent."""
        self._is_due = False
        self._slice_ends = 0.0
        if self._batch.count and self._calls:
            self._deliver()

    def _deliver(self) -> None:
        self._streams.note_queued(self._batch.size)
        self._batch.answer(self._calls.popleft().call)

    # --- its end

    def _done(self, value: Any, error: BaseException | None) -> None:
        """The coroutine has ended, in whatever way."""
        if not self._has_ended:
            self._ended(error)

    def _ended(self, error: BaseException | None) -> None:
        self._has_ended = True
        self._task = None
        if self._is_left:
            if isinstance(error, self._driver.cancelled):
                error = None
            closed, self._closed = self._closed, []
            for result in closed:
                if error is None:
                    self._driver.settle(result, None)
                else:
                    self._driver.reject(result, error)
            if error is not None and not closed:
                self._driver.report("ending a stream", error)
            self._error = self._why
        else:
            self._error = error
            if isinstance(error, NotSendable):  # its maker is to know, too: to the reader it is an error of a call
                self._driver.report(f"writing an item of a {self.name}", error)
        self._answer_all()
        self._batch.drop()
        if isinstance(error, ENDS_THE_PROGRAM):
            raise error

    def _answer_all(self) -> None:
        """There are no more items than are gathered: answer the calls that wait."""
        while self._calls:
            if self._batch.count:
                self._deliver()
                continue
            asked = self._calls.popleft()
            error, self._error = self._error, None
            if error is None:
                asked.answerer.answer(asked.call, [])
            else:
                asked.call.name = self.name
                asked.answerer.fail(asked.call, error)


class Asked(Later):
    """A call for up to ``count`` items."""

    __slots__ = ("_source", "answerer", "call", "count")
    answerer: Answerer
    call: CallReceived

    def __init__(self, source: Source, count: int) -> None:
        self._source = source
        self.count = count

    def called(self, answerer: Answerer, call: CallReceived) -> None:
        self.answerer = answerer
        self.call = call
        self._source.asked(self)


async def _close(iterator: Any) -> None:
    """Have an iterator end, if it has not and knows how to."""
    aclose = getattr(iterator, "aclose", None)
    if aclose is not None:
        await aclose()
    elif hasattr(iterator, "close"):
        iterator.close()


__all__ = ("Source", "Streams")
