"""
Two ends of a connection joined in memory, for tests of programs that use likewise.

:class:`Pair` has no sockets, no tasks, no clock. :func:`pair` has an event loop and is otherwise what programs have.

::

    pair = Pair(Receiver())                                  # a server with its root, and a client
    result = pair.client.root.callRemote("takePond", pond)
    assert not result.is_settled                             # nothing moves until it is told to
    pair.run()
    assert result.value == "safe pond"

Bytes wait in each end's :attr:`End.incoming` until :meth:`Pair.deliver` hands on some of them, so a test decides in
which order, and in which pieces, the two ends hear of one another; :meth:`Pair.cut` loses what is under way. What is
refused, raised, counted and released is just as on a socket: the protocol core is the same.

What waits for anything but an answer needs an event loop::

    async with pair(Receiver()) as (client, server):         # two connections, as connect() and serve() make them
        assert await client.root.callRemote("takePond", pond) == "safe pond"
"""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any, ClassVar, cast

from .asyncio.connection import Connection
from .asyncio.endpoint import Endpoint, OnConnection
from .bounded import one_line, shown, text_of
from .broker.core import Broker
from .broker.events import CallReceived, Later, can_be_awaited
from .broker.link import Link
from .broker.states import Side
from .errors import ENDS_THE_PROGRAM, LikewiseError, RemoteProtocolError
from .jelly.registry import Registry, registry_from
from .limits import Limits
from .objects.by_reference import RemoteReference
from .objects.flavours import ObjectFlavours
from .objects.streams import Stream, stream_of_call
from .serving.streams import Done, Streams
from .trace import Tracer
from .wire.tokens import DIALECTS, Dialect


class Result:
    """
    What a call gives: settled once, by a value or by an error.

    ``value`` is what the remote method returned (``None`` until then), ``error`` the exception that the caller is
    to get (``None`` if there is none). An ``async`` method under test may ``await`` one, which raises the error; a
    method may also return a ``Result()`` of its own and :meth:`settle` it later, to answer when the test says so.
    """

    _caller: Any = None  # of the call that gives it, if one does

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_settled = False
        self.is_cancelled = False
        self._callbacks: list[Callable[[Result], object]] = []

    def settle(self, value: Any) -> None:
        """Give the value. Without effect once it is settled or cancelled, as is :meth:`reject`."""
        self._end(value, None)

    def reject(self, error: BaseException) -> None:
        """Give the error."""
        self._end(None, error)

    def cancel(self) -> None:
        """Give up waiting, as a caller does whose time is up: an answer that still comes is ignored."""
        self.is_cancelled = True
        self._callbacks.clear()

    def when_settled(self, callback: Callable[[Result], object]) -> None:
        """Have ``callback(this result)`` run once it is settled; at once if it is."""
        if self.is_settled:
            callback(self)
        else:
            self._callbacks.append(callback)

    def _end(self, value: Any, error: BaseException | None) -> None:
        if self.is_settled or self.is_cancelled:
            return
        self.value, self.error, self.is_settled = value, error, True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def __await__(self) -> Generator[Result, None, Any]:
        if not self.is_settled:
            yield self
        if self.error is not None:
            raise self.error
        return self.value

    def __aiter__(self) -> Stream:
        return stream_of_call(self._caller, self)

    def __repr__(self) -> str:
        if not self.is_settled:
            return "<Result, cancelled>" if self.is_cancelled else "<Result, waiting>"
        if self.error is not None:
            return f"<Result, {type(self.error).__name__}: {one_line(text_of(self.error))}>"
        return f"<Result, {shown(self.value)}>"


if TYPE_CHECKING:

    class Reference(RemoteReference):
        """What a reference is here: its calls give Results."""

        def callRemote(self, _name: str, /, *args: Any, **kwargs: Any) -> Result:  # type: ignore[override]
            ...


class WithMemoryStreams:
    """What streams need of a driver, without an event loop: what is to happen soon does when the pair moves something."""

    broker: Broker
    _streams: Streams | None = None
    _soon: list[Callable[[], None]]

    cancelled: ClassVar[type[BaseException]] = asyncio.CancelledError

    def source_of(self, iterator: Any, perspective: Any) -> Any:
        if self._streams is None:
            self._streams = Streams(self.broker, self)  # type: ignore[arg-type]  # an End is one
        return self._streams.source_of(iterator, perspective)

    def settled(self, result: Result) -> Result | None:
        if result.is_settled:
            return None
        waiter = Result()
        result.when_settled(lambda _: waiter.settle(None))
        return waiter

    def run_stream(self, coroutine: Coroutine[Any, Any, None], name: str, done: Done) -> Run | None:
        run = Run(coroutine, done)
        run.go_on(None)
        return None if run.has_ended else run

    def soon(self, function: Callable[[], None]) -> None:
        self._soon.append(function)

    def when_writable(self, function: Callable[[], None]) -> None:
        self._soon.append(function)

    def now(self) -> float:
        return 0.0

    def turn(self) -> None:
        """Do what was to be done soon: an event loop would now."""
        while self._soon:
            functions, self._soon = self._soon, []
            for function in functions:
                function()


class End(WithMemoryStreams):
    """
    One end of a :class:`Pair`: what users know as the connection, and a driver of the :class:`~likewise.broker.core.Broker`.

    ``broker`` is the protocol core. ``incoming`` are the bytes on their way here; a test may add to them what no honest
    peer would send. ``reports`` holds ``(doing, error)`` for what the application's own code raised and nobody could
    be told, ``failures`` ``(method, error)`` for what failed in methods that the other end called, ``waiting`` the
    calls that run here and are not answered yet.
    """

    def __init__(
        self,
        side: Side,
        flavours: ObjectFlavours,
        registry: Registry,
        limits: Limits,
        dialects: tuple[Dialect, ...],
        trace: Tracer | None,
    ) -> None:
        self.side = side
        self.dialects = dialects
        self.peer = side.other.value
        self.incoming = bytearray()
        self.reports: list[tuple[str, BaseException]] = []
        self.failures: list[tuple[str, BaseException]] = []
        self.waiting: list[CallReceived] = []
        self.is_ending = False  # the other end is gone: nothing will come after what is in `incoming`
        self.broken_by: RemoteProtocolError | None = None  # how the other end broke the protocol, until that ends this one
        self._callbacks: list[Callable[[End], object]] = []
        self._soon: list[Callable[[], None]] = []
        self.broker = Broker(
            side, self, flavours, registry, limits, dialects=dialects, owner=self, trace=trace, peer=self.peer
        )

    # --- for users

    @property
    def root(self) -> Reference:
        """The root object of the other end. ``callRemote`` on it gives a :class:`Result`."""
        return cast("Reference", self.broker.remote("root"))

    @property
    def is_open(self) -> bool:
        """Whether calls can be made now."""
        return self.broker.outbox.may_send

    @property
    def reason(self) -> BaseException | None:
        """Why the connection ended; ``None`` while it has not, and after an orderly end."""
        return self.broker.reason

    @property
    def sizes(self) -> dict[str, int]:
        """Entries in each table: ``exported``, ``observed``, ``references``, ``mirrors``; all 0 when nothing is shared."""
        return self.broker.tables.sizes()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is shared with the other end and no call of ours waits."""
        return not any(self.sizes.values()) and not self.broker.unanswered

    def notifyOnDisconnect(self, callback: Callable[[End], object]) -> None:
        """Have ``callback(this end)`` run once when the connection ends."""
        self._callbacks.append(callback)

    def dontNotifyOnDisconnect(self, callback: Callable[[End], object]) -> None:
        """Take a callback back; ValueError if it was not given."""
        self._callbacks.remove(callback)

    def lose(self, reason: BaseException | None = None) -> None:
        """End the connection here; the other end hears of it by :meth:`Pair.cut`, or behind the bytes under way."""
        if not self.broker.is_closed:
            self.broker.connection_lost(reason)
            self.incoming.clear()
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback(self)

    def take(self, data: bytes) -> None:
        """Receive bytes, and run what they ask for."""
        self.broker.receive_data(data)
        try:
            while (event := self.broker.next_event()) is not None:
                if isinstance(event, CallReceived):
                    self._run(event)
        except RemoteProtocolError as error:
            self.broken_by = error

    # --- what the core needs of its driver

    def new_result(self, request: int) -> Result:
        result = Result()
        result._caller = self.broker
        return result

    def unheard(self, result: Result) -> None:
        """Nothing warns here."""

    def settle(self, result: Result, value: Any) -> None:
        result.settle(value)

    def reject(self, result: Result, error: BaseException) -> None:
        result.reject(error)

    def output_ready(self) -> None:
        """Nothing to schedule: the pair asks both ends whenever it is to move something."""

    def output_may_wait(self) -> None:
        """As :meth:`output_ready`: nothing is paced here."""
        self.output_ready()

    def release_ready(self) -> None:
        """As above; runs in finalizers."""

    def one_way_failed(self, name: str, error: BaseException) -> None:
        self.reports.append((f"reading the one-way call {name}", error))

    def run_on_file_thread(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        done(work())

    def unsent_bytes(self) -> int:
        return 0

    def report(self, doing: str, error: BaseException) -> None:
        self.reports.append((doing, error))

    # --- calls of the other end

    def _run(self, call: CallReceived) -> None:
        self.waiting.append(call)
        try:
            value = call.method()(*call.args, **call.kwargs)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:
            self.fail(call, error)
            return
        if isinstance(value, Result):
            value.when_settled(lambda result: self._finish(call, result))
        elif isinstance(value, Later):
            value.called(self, call)
        elif isinstance(value, Coroutine):
            self._step(call, value)
        elif can_be_awaited(value):
            self.fail(call, no_loop(f"{call.name} returns a {type(value).__name__}"))
        else:
            self.answer(call, value)

    def _finish(self, call: CallReceived, result: Result) -> None:
        if result.error is None:
            self.answer(call, result.value)
        else:
            self.fail(call, result.error)

    def _step(self, call: CallReceived, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run an ``async`` method up to its next ``await`` of a Result that is not settled."""
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            self.answer(call, stop.value)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:
            self.fail(call, error)
        else:
            if isinstance(awaited, Result):
                awaited.when_settled(lambda result: self._step(call, coroutine))
            else:
                coroutine.close()
                self.fail(call, no_loop(f"{call.name} awaits a {type(awaited).__name__}"))

    def answer(self, call: CallReceived, value: Any) -> None:
        try:
            refused = self.broker.answer(call, value)
        except ENDS_THE_PROGRAM:
            raise
        except BaseException as error:  # a hook of the value
            self.fail(call, error)
            return
        self.waiting.remove(call)
        if refused is not None:
            self.failures.append((call.name, refused))

    def fail(self, call: CallReceived, error: BaseException) -> None:
        self.waiting.remove(call)
        self.broker.fail(call, error)
        self.failures.append((call.name, error))


class Run:
    """A coroutine that is run without an event loop: it may wait for Results."""

    def __init__(self, coroutine: Coroutine[Any, Any, None], done: Done) -> None:
        self._coroutine = coroutine
        self._done = done
        self.has_ended = False
        self._steps = 0

    def go_on(self, error: BaseException | None) -> None:
        """Take the next step; ``error`` is raised where it waits."""
        self._steps += 1
        try:
            awaited = self._coroutine.throw(error) if error is not None else self._coroutine.send(None)
        except BaseException as raised:
            self.has_ended = True
            self._done(None, None if isinstance(raised, StopIteration) else raised)
            if isinstance(raised, ENDS_THE_PROGRAM):
                raise
            return
        if not isinstance(awaited, Result):
            self.go_on(no_loop(f"a stream awaits a {type(awaited).__name__}"))
            return
        step = self._steps
        awaited.when_settled(lambda _: self.go_on(None) if step == self._steps else None)

    def cancel(self) -> None:
        """End it."""
        if not self.has_ended:
            self.go_on(asyncio.CancelledError())


def no_loop(what: str) -> TypeError:
    """A method waits for what only an event loop can bring about."""
    return TypeError(f"{what}: there is no event loop here, only results of callRemote; likewise.testing.pair() has one")


class Pair:
    """
    A server and a client, joined in memory; the greeting is over unless ``greet=False``.

    ``root`` and ``client_root`` are what each end lets the other call first. ``accept``, ``limits``, ``tracebacks`` and
    ``trace`` are the server's, as ``serve()`` takes them; those with ``client_`` before them the client's, which are the
    server's unless given. ``dialects`` is what both speak, the best first.
    """

    def __init__(
        self,
        root: Any = None,
        client_root: Any = None,
        *,
        accept: Registry | Iterable[type] | None = None,
        client_accept: Registry | Iterable[type] | None = None,
        limits: Limits | None = None,
        client_limits: Limits | None = None,
        dialects: tuple[Dialect, ...] = DIALECTS,
        client_dialects: tuple[Dialect, ...] | None = None,
        tracebacks: bool = False,
        trace: Tracer | None = None,
        client_trace: Tracer | None = None,
        greet: bool = True,
    ) -> None:
        registry = registry_from(accept)
        client_registry = registry if client_accept is None else registry_from(client_accept)
        flavours = ObjectFlavours(with_traceback=tracebacks)
        limits = limits or Limits()
        self.server = End(Side.SERVER, flavours, registry, limits, dialects, trace)
        self.client = End(
            Side.CLIENT, flavours, client_registry, client_limits or limits, client_dialects or dialects, client_trace
        )
        for end, its_root in ((self.server, root), (self.client, client_root)):
            if its_root is not None:
                end.broker.tables.name(b"root", its_root.rootObject(end) if hasattr(its_root, "rootObject") else its_root)
            end.broker.start()
        if greet:
            self.run()

    @property
    def ends(self) -> tuple[End, End]:
        """The server and the client."""
        return self.server, self.client

    def other(self, end: End) -> End:
        """The end that ``end`` talks to."""
        return self.client if end is self.server else self.server

    def flush(self) -> None:
        """Put what both ends have to send under way: into the other's ``incoming``."""
        for end in self.ends:
            end.turn()
            other = self.other(end)
            data = b"".join(end.broker.data_to_send())
            if not other.broker.is_closed:
                other.incoming += data

    def deliver(self, to: End, size: int | None = None) -> int:
        """
        Hand on up to ``size`` of the bytes on their way to one end (all of them by default); returns how many.

        What it answers stays under way. A violation of the protocol ends the connection at both ends: here at once, with
        the error as its :attr:`End.reason`, there behind what was sent before.
        """
        self.flush()
        data = bytes(to.incoming[:size])
        del to.incoming[: len(data)]
        if data and not to.broker.is_closed:
            to.take(data)
        self.flush()
        if to.broken_by is not None:
            to.lose(to.broken_by)
        if to.is_ending and not to.incoming:
            to.lose(None)
        if to.broker.is_closed:
            self.other(to).is_ending = True
        return len(data)

    def run(self, sizes: int | Iterable[int] | None = None) -> int:
        """
        Deliver, to both ends in turn, until nothing is under way; returns the number of bytes.

        ``sizes`` cuts the stream: pieces of that many bytes, or of each of these sizes (from 1) in turn and over again.
        """
        pieces = _over_again([sizes] if sizes is None or isinstance(sizes, int) else [*sizes])
        moved = 0
        while True:
            step = 0
            for end in self.ends:
                step += self.deliver(end, next(pieces))
            if not step and not any(end.incoming for end in self.ends):
                return moved
            moved += step

    def collect(self) -> int:
        """
        Collect garbage, and let both ends tell one another what nobody holds any longer, until nothing more comes of it;
        returns the number of bytes.
        """
        moved = 0
        while True:
            gc.collect()
            step = self.run()
            if not step:
                return moved
            moved += step

    def close(self) -> None:
        """End the connection in order: deliver all that is under way, then end both ends without a reason."""
        self.run()
        for end in self.ends:
            end.lose(None)

    def lose_line(self) -> None:
        """
        Take the line away under both ends, whose session goes on: what they say waits for :meth:`new_line`.

        All that is under way is delivered before: a session keeps nothing of what it has sent.
        """
        self.run()
        for end in self.ends:
            end.broker.detach()

    def new_line(self) -> None:
        """Have the session go on over a new line, with a greeting of its own; what has waited is under way then."""
        for end in self.ends:
            end.broker.attach(Link(end.side, end.dialects, end.broker.limits))
        self.run()

    def cut(self, reason: BaseException | None = None) -> None:
        """Lose the connection, and all bytes under way; ``reason`` is what both ends see as theirs."""
        error = reason or LikewiseError("the connection was cut")
        for end in self.ends:
            end.lose(error)


def _over_again(sizes: list[int | None]) -> Iterator[int | None]:
    if not sizes or any(size is not None and size < 1 for size in sizes):
        raise ValueError("the sizes of the pieces of a stream must be numbers from 1")
    return cycle(sizes)


@asynccontextmanager
async def pair(
    root: Any = None,
    client_root: Any = None,
    *,
    accept: Registry | Iterable[type] | None = None,
    client_accept: Registry | Iterable[type] | None = None,
    limits: Limits | None = None,
    client_limits: Limits | None = None,
    tracebacks: bool = False,
    trace: Tracer | None = None,
    client_trace: Tracer | None = None,
    on_connect: OnConnection | None = None,
    on_disconnect: OnConnection | None = None,
) -> AsyncIterator[tuple[Connection, Connection]]:
    """
    A client and a server on the running event loop, connected and greeted: ``async with pair(root) as (client, server)``.

    Both are what :func:`likewise.connect` and a server's ``connections`` give, and methods run as they do there: they
    may wait for anything. Between them is a pair of sockets that has no address, so no port is taken and nobody else can
    connect. At the end both are closed, and methods that still run are cancelled.

    The parameters are those of :class:`Pair`; ``on_connect`` and ``on_disconnect`` those of :func:`likewise.serve`.
    ``client.abort()`` cuts the connection. For logins and TLS start a real server.
    """
    loop = asyncio.get_running_loop()
    registry = registry_from(accept)
    flavours = ObjectFlavours(with_traceback=tracebacks)
    limits = limits or Limits()
    serving = Endpoint(Side.SERVER, registry, limits, flavours, trace, root=root, on_open=on_connect, on_close=on_disconnect)
    calling = Endpoint(
        Side.CLIENT,
        registry if client_accept is None else registry_from(client_accept),
        client_limits or limits,
        flavours,
        client_trace,
        root=client_root,
    )
    client, server = Connection(calling, loop), Connection(serving, loop)
    plugs = socket.socketpair()
    try:
        for connection, plug in zip((client, server), plugs, strict=True):
            await _connect(loop, connection, plug)
        await client._wait_open()
        await server._wait_open()
        yield client, server
    finally:
        await client.close(0)
        await server.close(0)
        for plug in plugs:
            plug.close()


async def _connect(loop: asyncio.AbstractEventLoop, connection: Connection, plug: socket.socket) -> None:
    if hasattr(socket, "AF_UNIX") and plug.family == socket.AF_UNIX:
        await loop.create_unix_connection(lambda: connection._protocol, sock=plug)
    else:  # Windows has no pairs but of TCP
        await loop.create_connection(lambda: connection._protocol, sock=plug)


__all__ = ("End", "Pair", "Result", "pair")
