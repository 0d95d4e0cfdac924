"""
Typed calls: ``shop = reference.typed(Shop)``, and then ``await shop.place(order)`` is ``callRemote("place", order)``.

An interface is read once, into a class that has its methods; an instance of that holds a reference. A call whose arguments
do not fit is refused before anything is sent.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar, cast

from ..bounded import brief_types, clip, opaque_types
from ..jelly.context import Sendable, Writing
from .interfaces import INTERFACES_KEPT, Interface, Kind, Method, interface_of, signature_text
from .results import awaited, interface_in

if TYPE_CHECKING:
    from typing_extensions import TypeForm


T = TypeVar("T")

FUTURE: Final = "_asyncio_future_blocking"  # what tells futures of asyncio and other loops from what else can be awaited


class Typed(Sendable):
    """A remote object as one interface shows it. It has the methods of that, and nothing else that is public."""

    __slots__ = ("__weakref__", "_reference")
    _interface: Interface

    def __init__(self, reference: Any) -> None:
        self._reference = reference

    def jelly_into(self, encoder: Writing) -> None:
        self._reference.jelly_into(encoder)

    def processUniqueID(self) -> object:
        return self._reference.processUniqueID()

    def __getattr__(self, name: str) -> NoReturn:
        interface = type(self)._interface
        raise AttributeError(
            f"{interface.name} has no method {clip(name)}; it has {', '.join(interface.methods)}", name=name, obj=self
        )

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and bool(self._reference == other._reference)

    def __hash__(self) -> int:
        return hash((type(self), self._reference))

    def __repr__(self) -> str:
        return f"<{type(self)._interface.name} of {self._reference!r}>"


opaque_types.add(Typed)
brief_types.add(Typed)


def _function(method: Method) -> Callable[..., Any]:
    """What an instance has as this method."""
    name, fits, kind = method.name, method.fits, method.kind

    @functools.cache
    def returned() -> Any:
        """The interface of what is returned, where the annotation is one; it may be made later than this."""
        annotation = method.annotation(method.signature.return_annotation)
        is_awaited = inspect.iscoroutinefunction(inspect.unwrap(method.function))
        return interface_in(annotation if is_awaited else awaited(annotation))

    def arrived(value: Any) -> Any:
        return value.typed(returned()) if isinstance(value, WithTyped) and returned() is not None else value

    async def wait(result: Awaitable[Any]) -> Any:
        value = await result
        return arrived(value) if isinstance(value, WithTyped) else value

    def misfit(error: TypeError) -> TypeError:
        return TypeError(f"{error}; it is {method.shown}{signature_text(method.signature)}")

    def call(self: Typed, /, *args: Any, **kwargs: Any) -> Any:
        try:
            fits(*args, **kwargs)
        except TypeError as error:
            raise misfit(error) from None
        result = self._reference.callRemote(name, *args, **kwargs)
        # Type checkers know a coroutine, which create_task() takes, and which warns when nobody awaits it. It has been sent.
        if hasattr(type(result), FUTURE):
            return wait(result)
        return result.addCallback(arrived) if returned() is not None and hasattr(type(result), "addCallback") else result

    def stream(self: Typed, /, *args: Any, **kwargs: Any) -> Any:
        try:
            fits(*args, **kwargs)
        except TypeError as error:
            raise misfit(error) from None
        result = self._reference.callRemote(name, *args, **kwargs)
        return result.__aiter__() if hasattr(type(result), "__aiter__") else result

    def sent(self: Typed, /, *args: Any, **kwargs: Any) -> None:
        try:
            fits(*args, **kwargs)
        except TypeError as error:
            raise misfit(error) from None
        self._reference.callRemoteOnly(name, *args, **kwargs)

    function: Any = {Kind.AWAITED: call, Kind.STREAM: stream, Kind.ONE_WAY: sent}[kind]
    functools.update_wrapper(function, method.function)
    wait.__name__, wait.__qualname__ = name, method.shown
    return cast(Callable[..., Any], function)


@functools.lru_cache(INTERFACES_KEPT)
def _class_for(interface: Interface) -> type[Typed]:
    members: dict[str, Any] = {name: _function(method) for name, method in interface.methods.items()}
    doc = interface.cls.__doc__ or Typed.__doc__
    own = {"__slots__": (), "__doc__": doc, "__module__": interface.cls.__module__, "_interface": interface}
    return type(interface.cls.__name__, (Typed,), members | own)


class WithTyped:
    """What has ``callRemote`` and ``callRemoteOnly``, and so may be typed."""

    __slots__ = ()

    def typed(self, interface: TypeForm[T]) -> T:
        """
        The remote object as ``interface`` shows it, a ``typing.Protocol`` or another class with annotated methods.

        Its methods are calls: ``await shop.place(order)`` is ``callRemote("place", order)``, and so sent whether it is
        awaited or not. One that returns an ``AsyncIterator`` is a stream; one marked by :func:`likewise.one_way` is
        ``callRemoteOnly``. A reference that comes where the annotation is a Protocol is typed as that. Whether the peer
        has these methods shows at the calls.

        Raises:
            TypeError: the interface has what can't be called from afar: a property, a method that returns no awaitable.
        """
        return cast(T, _class_for(interface_of(interface))(self))


__all__ = ("Typed", "WithTyped")
