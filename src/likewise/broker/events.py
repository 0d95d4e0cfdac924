"""What the core tells its driver, and what it needs of one."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_ITERABLE_COROUTINE
from types import GeneratorType
from typing import Any, Protocol

from ..errors import NoSuchMethod
from ..wire.tokens import Dialect


class Opened:
    """Both ends agreed on a dialect: calls may be made from now on."""

    __slots__ = ("dialect",)

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect


class CallReceived:
    """
    The peer calls a method. Find it, run it, then pass this to ``broker.answer`` or ``broker.fail``, once.

    ``target`` is an object of ours, or a mirror here; ``perspective`` is that for which the answer is written. ``is_raw``:
    the target takes s-expressions, ``args`` and ``kwargs`` are two of them and nothing in them is counted yet. ``weight`` is
    what the arguments take in memory, in bytes, roughly.
    """

    __slots__ = ("args", "is_raw", "kwargs", "name", "perspective", "request", "target", "want_answer", "weight")

    request: int
    target: Any
    name: str
    args: Any
    kwargs: Any
    perspective: Any
    want_answer: bool
    is_raw: bool
    weight: int

    def method(self) -> Callable[..., Any]:
        """
        The method to run.

        Raises:
            NoSuchMethod: there is none, or the object takes s-expressions, which only its own driver can hand it.
        """
        if self.is_raw:
            raise NoSuchMethod(f"No such method: {self.name} (the object reads its arguments itself)")
        found: Callable[..., Any] = self.target.find_remote_method(self.name)
        return found


def call_received(
    request: int,
    target: Any,
    name: str,
    args: Any,
    kwargs: Any,
    perspective: Any,
    want_answer: bool,
    is_raw: bool,
    weight: int,
) -> CallReceived:
    """A new CallReceived: apart from the class, because passing nine arguments to one costs more than setting them."""
    call = CallReceived()
    call.request = request
    call.target = target
    call.name = name
    call.args = args
    call.kwargs = kwargs
    call.perspective = perspective
    call.want_answer = want_answer
    call.is_raw = is_raw
    call.weight = weight
    return call


def can_be_awaited(value: Any) -> bool:
    """Whether a method has returned something to wait for: a coroutine, a future, anything that ``await`` takes."""
    kind = type(value)
    if kind is GeneratorType:  # of types.coroutine
        return bool(value.gi_code.co_flags & CO_ITERABLE_COROUTINE)
    return hasattr(kind, "__await__")


class Later:
    """
    What a method returns that is going to be answered by somebody else: no task waits for it, and it is not one of the
    calls that run. The driver says which call it is, by :meth:`called`.
    """

    __slots__ = ()

    def called(self, answerer: Answerer, call: CallReceived) -> None:
        """From now on, this call may be answered: once, and by ``answerer.answer`` or ``answerer.fail``, or by a Batch."""
        raise NotImplementedError


class Answerer(Protocol):
    """The part of a driver that answers calls."""

    def answer(self, call: CallReceived, value: Any) -> None: ...
    def fail(self, call: CallReceived, error: BaseException) -> None: ...


class CallCancelled:
    """
    The peer has given up on a call of that number. It may have been answered meanwhile.

    If it runs, end it; if it waits to be started, forget it; either way it is answered, with an error.
    """

    __slots__ = ("request",)

    def __init__(self, request: int) -> None:
        self.request = request


Event = Opened | CallReceived | CallCancelled


class Driver(Protocol):
    """
    What the core asks of whoever moves its bytes. Every method but :meth:`release_ready` runs inside a call of the
    driver into the core, on the driver's thread.
    """

    def new_result(self, request: int) -> Any:
        """
        What a call returns: an asyncio Future, a Deferred.

        ``request`` is the number of the call, for ``broker.cancel``, 0 for what is no call.
        """

    def unheard(self, result: Any) -> None:
        """Nobody need wait for this result: if the call fails, that is no reason for a warning."""

    def settle(self, result: Any, value: Any) -> None:
        """The answer came. The caller may have given up: then nothing."""

    def reject(self, result: Any, error: BaseException) -> None:
        """The call failed."""

    def output_ready(self) -> None:
        """There is something in ``data_to_send`` where nothing was: schedule one flush, or write at once."""

    def output_may_wait(self) -> None:
        """As :meth:`output_ready`, for what is published to many: a flush some milliseconds later serves as well."""

    def release_ready(self) -> None:
        """As :meth:`output_ready`, from a finalizer: on any thread, at any moment. Must only schedule."""

    def one_way_failed(self, name: str, error: BaseException) -> None:
        """A call that wants no answer never began: nobody else can be told. ``name`` is bounded."""

    def run_on_file_thread(self, work: Callable[[], Any], done: Callable[[Any], object]) -> None:
        """
        Run ``work()``, which may wait for a disk and raises nothing, on another thread if there is one for that, and
        ``done(what it returned)`` here.
        """

    def unsent_bytes(self) -> int:
        """How many of the bytes that were taken from ``data_to_send`` have not left yet, as far as that is known."""

    def source_of(self, iterator: Any, perspective: Any) -> Any:
        """
        What crosses in the place of an iterator, so that the peer may read from it: a Sendable; ``None`` if nothing does.

        Raises:
            NotSendable: the peer reads from as many as it may.
        """

    def settled(self, result: Any) -> Any:
        """
        Something to await until a result of this driver's is settled, ``None`` if it is. To cancel that leaves the result
        as it is.
        """

    def report(self, doing: str, error: BaseException) -> None:
        """An application's hook raised where nobody can be told; log it."""
