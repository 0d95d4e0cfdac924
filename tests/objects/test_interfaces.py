"""What can be an interface, and what is refused, with its remedy."""

from __future__ import annotations

import asyncio
import functools
import gc
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, NewType, Protocol, TypeVar, overload

import pytest

import likewise
from likewise.objects.interfaces import Interface, Kind, interface_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator as OnlyForCheckers

    from nowhere import Frame  # type: ignore[import-not-found]

V = TypeVar("V")
K = TypeVar("K")


def kinds(interface: Any) -> dict[str, str]:
    return {name: method.kind.value for name, method in interface_of(interface).methods.items()}


def refused(interface: Any) -> str:
    with pytest.raises(TypeError) as raised:
        interface_of(interface)
    return str(raised.value)


class AllKinds(Protocol):
    async def one(self, a: int) -> str: ...
    async def nothing(self) -> None: ...
    async def unannotated(self, a, *, b=1): ...  # type: ignore[no-untyped-def]
    def plain_unannotated(self, a): ...  # type: ignore[no-untyped-def]
    def awaitable(self) -> Awaitable[int]: ...
    def future(self) -> asyncio.Future[int]: ...
    def coroutine(self) -> Coroutine[Any, Any, int]: ...
    def iterator(self) -> AsyncIterator[bytes]: ...
    def iterable(self) -> AsyncIterable[bytes]: ...
    def generator(self) -> AsyncGenerator[bytes, None]: ...
    def of_frames(self) -> AsyncIterator[Frame]: ...
    @likewise.one_way
    def note(self, text: str) -> None: ...


def test_a_method_is_awaited_or_a_stream_or_one_way() -> None:
    awaited = ["one", "nothing", "unannotated", "plain_unannotated", "awaitable", "future", "coroutine"]
    streams = ["iterator", "iterable", "generator", "of_frames"]
    expected = dict.fromkeys(awaited, "awaited") | dict.fromkeys(streams, "stream") | {"note": "one way"}
    assert kinds(AllKinds) == expected


def test_a_generator_in_a_plain_class_is_a_stream() -> None:
    class Frames:
        async def frames(self) -> AsyncIterator[bytes]:
            yield b""

    assert kinds(Frames) == {"frames": "stream"}


class At(Protocol):
    def at_once(self) -> int: ...


class Nothing(Protocol):
    def nothing(self) -> None: ...


class Unknown(Protocol):
    def frames(self) -> OnlyForCheckers[bytes]: ...


def test_a_method_that_answers_at_once_is_refused() -> None:
    assert refused(At) == (
        "At.at_once returns int at once, but a remote answer is awaited: write `async def at_once(...) -> int`, "
        "or have it return an Awaitable, or for a stream an AsyncIterator"
    )
    remedy = "write `@likewise.one_way` above it if no answer is wanted, else `async def nothing(...) -> None`"
    assert remedy in refused(Nothing)
    assert "Unknown.frames returns OnlyForCheckers[bytes] at once" in refused(Unknown), "nobody can tell what that is"


def test_what_is_no_method_is_refused_in_a_sentence() -> None:
    class WithProperty(Protocol):
        @property
        def stock(self) -> int: ...

    class WithCached:
        @functools.cached_property
        def stock(self) -> int:
            return 1

    class WithField(Protocol):
        stock: int

    class WithClassVar(Protocol):
        VERSION: ClassVar[int] = 1

    class WithStatic(Protocol):
        @staticmethod
        def make() -> Awaitable[int]: ...

    class WithClass:
        class Inner: ...

    class WithoutSelf:
        async def f() -> int:  # type: ignore[misc]
            return 1

    assert refused(WithProperty) == (
        "WithProperty.stock is a property: an interface has methods only; ask for it by one: `async def stock(self) -> ...`"
    )
    assert "WithCached.stock is a property" in refused(WithCached)
    assert "WithField.stock is an attribute" in refused(WithField)
    assert "WithClassVar.VERSION is an attribute" in refused(WithClassVar)
    assert "WithStatic.make is a staticmethod" in refused(WithStatic)
    assert "WithClass.Inner is a class" in refused(WithClass)
    assert "WithoutSelf.f takes no self" in refused(WithoutSelf)


@pytest.mark.parametrize("what", [5, None, "Shop", lambda: 1, NewType("Number", int), [AllKinds], int | str])
def test_what_is_no_class_is_refused(what: Any) -> None:
    assert refused(what).startswith("an interface is a Protocol, or another class with methods, not ")


def test_a_class_without_methods_is_refused() -> None:
    class Marker(Protocol):
        def _hidden(self) -> int: ...

    assert refused(Marker).startswith("Marker has no public methods")
    assert refused(object).startswith("object has no public methods")
    assert refused(Protocol).startswith("Protocol has no public methods")


def test_an_interface_has_the_methods_of_those_that_it_derives_from() -> None:
    class Pings(Protocol):
        async def ping(self) -> int: ...

    class Notes:
        @likewise.one_way
        def note(self) -> None: ...

    class Both(Pings, Protocol):
        async def more(self) -> int: ...

    class All(Both, Notes): ...

    assert kinds(All) == {"more": "awaited", "ping": "awaited", "note": "one way"}
    assert interface_of(All).methods["ping"].shown == "All.ping"


class Store(Protocol[K, V]):
    async def get(self, key: K) -> V: ...
    async def put(self, key: K, value: dict[K, list[V]]) -> None: ...
    async def first(self, value: V | None) -> tuple[K, V]: ...


class ByName(Store[str, V], Protocol[V]):
    async def all(self) -> list[V]: ...


class Numbers(ByName[int], Protocol): ...


def annotations_of(interface: Any) -> dict[str, list[Any]]:
    said = {}
    for name, method in interface_of(interface).methods.items():
        written = [each.annotation for each in method.signature.parameters.values()] + [method.signature.return_annotation]
        said[name] = [method.annotation(each) for each in written]
    return said


def test_the_variables_of_a_generic_interface_stand_for_what_is_put_in() -> None:
    assert annotations_of(Store[str, int]) == {
        "get": [str, int],
        "put": [str, dict[str, list[int]], None],
        "first": [int | None, tuple[str, int]],
    }
    assert annotations_of(ByName[int]) == {"all": [list[int]]} | annotations_of(Store[str, int])
    assert annotations_of(Numbers) == annotations_of(ByName[int])
    assert annotations_of(Store)["get"] == [K, V]
    assert interface_of(ByName[list[int]]).name == "ByName[list[int]]"


def test_a_plain_generic_class_may_be_one_too() -> None:
    class Box(Generic[V]):
        async def open(self) -> V: ...

    assert annotations_of(Box[int]) == {"open": [int]}


def test_a_method_may_be_decorated_and_an_interface_annotated() -> None:
    def traced(function: Any) -> Any:
        @functools.wraps(function)
        def run(*args: Any) -> Any:
            return function(*args)

        return run

    class Traced(Protocol):
        @traced
        async def f(self, a: int) -> int: ...

    assert kinds(Annotated[Traced, "the best"]) == {"f": "awaited"}
    assert list(interface_of(Traced).methods["f"].signature.parameters) == ["a"]


def test_overloads_take_what_any_of_them_takes() -> None:
    class Many(Protocol):
        @overload
        async def get(self, key: int) -> int: ...
        @overload
        async def get(self, key: str, default: str) -> str: ...

    method = interface_of(Many).methods["get"]
    method.fits(1)
    method.fits("a", default="b")
    assert method.kind is Kind.AWAITED


def test_an_interface_is_read_once() -> None:
    assert interface_of(AllKinds) is interface_of(AllKinds)
    assert interface_of(Store[str, int]) is interface_of(Store[str, int])
    assert interface_of(Store[str, int]) is not interface_of(Store[str, str])


def test_reading_one_keeps_nothing_in_the_class() -> None:
    class Short(Protocol):
        async def f(self) -> int: ...

    before = {*vars(Short)}
    interface: Interface = Interface(Short)
    assert {*vars(Short)} == before
    gone = weakref.ref(Short)
    del interface, Short
    gc.collect()
    assert gone() is None


def test_one_way_is_for_a_plain_method_that_gives_nothing() -> None:
    with pytest.raises(TypeError, match=r"f is one way, so nothing comes back: write `def f\(\.\.\.\) -> None`"):

        @likewise.one_way
        async def f(self: Any) -> None: ...

    with pytest.raises(TypeError, match="nothing comes back"):

        @likewise.one_way  # type: ignore[type-var]
        def g(self: Any) -> int: ...

    with pytest.raises(TypeError, match="one_way is for a method of an interface, not for 5"):
        likewise.one_way(5)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((), {}, "AllKinds.one() missing 1 required positional argument: 'a'"),
        ((1, 2), {}, "AllKinds.one() takes 1 positional argument but 2 were given"),
        ((1,), {"b": 2}, "AllKinds.one() got an unexpected keyword argument 'b'"),
    ],
)
def test_what_does_not_fit_is_told_as_python_tells_it(args: Any, kwargs: Any, says: str) -> None:
    with pytest.raises(TypeError) as raised:
        interface_of(AllKinds).methods["one"].fits(*args, **kwargs)
    assert str(raised.value) == says


def test_every_kind_of_parameter_is_understood() -> None:
    class Kinds(Protocol):
        async def f(self, a: int, /, b: int, c: int = 2, *more: int, d: int, e: int = 3, **rest: int) -> None: ...

    method = interface_of(Kinds).methods["f"]
    method.fits(1, 2, d=4)
    method.fits(1, 2, 3, 4, 5, d=4, x=5)
    with pytest.raises(TypeError, match="'d'"):
        method.fits(1, 2)
    text = "def remote_f(self, a: int, /, b: int, c: int = 2, *more: int, d: int, e: int = 3, **rest: int) -> None"
    assert method.declaration("remote_") == text
