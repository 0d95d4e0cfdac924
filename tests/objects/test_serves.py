"""A class that serves an interface: what is told when it is made, and what is checked when it is called."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Optional, Protocol, TypeVar, TypeVarTuple

import pytest

import likewise
from likewise.errors import InsecureJelly

V = TypeVar("V")
Ts = TypeVarTuple("Ts")


@likewise.copyable(name="test_serves.Order")
@dataclass
class Order:
    item: str
    number: int = 1


class Shop(Protocol):
    async def place(self, order: Order, *, gift: bool = False) -> str: ...
    async def find(self, names: list[str], limit: int | None = None) -> list[Order]: ...
    def frames(self, count: int) -> AsyncIterator[bytes]: ...
    @likewise.one_way
    def note(self, text: str) -> None: ...


@likewise.serves(Shop)
class Front(likewise.Root):
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.closed: list[str] = []

    def remote_place(self, order: Order, *, gift: bool = False) -> Any:
        return order.item if order.number else order

    async def remote_find(self, names, limit=None):  # type: ignore[no-untyped-def]
        return [Order(name) if name else name for name in names]

    async def remote_frames(self, count: int) -> Any:
        try:
            for n in range(count):
                yield bytes(n) if n < 3 else n
        finally:
            self.closed.append("frames")

    def remote_note(self, text: str) -> int:
        self.told.append(text)
        return 5


def refused(interface: Any, cls: type) -> list[str]:
    with pytest.raises(TypeError) as raised:
        likewise.serves(interface)(cls)
    first, *rest = str(raised.value).split("\n- ")
    assert first == f"{cls.__qualname__} does not serve {interface.__name__}:"
    return rest


# --- when the class is made


def test_all_that_is_wrong_is_told_in_one_error_with_its_remedy() -> None:
    class Wrong(likewise.Root):
        def remote_place(self, order: str, gift: bool = True, extra: int = 1) -> bytes: ...  # type: ignore[empty-body]
        def remote_find(self, limit: int | None = None) -> list[Order]: ...  # type: ignore[empty-body]

        remote_note = 5

    assert refused(Shop, Wrong) == [
        "remote_place takes extra, which Shop.place has not; takes order as str, not Order; takes gift as positional or "
        "keyword, not keyword-only; has the default True for gift, not the default False; returns bytes, not str: "
        "write `def remote_place(self, order: Order, *, gift: bool = False) -> str`",
        "remote_find lacks names: write `def remote_find(self, names: list[str], limit: int | None = None) -> list[Order]`",
        "remote_frames is missing: write `def remote_frames(self, count: int) -> AsyncIterator[bytes]`",
        "remote_note is 5, no method: write `def remote_note(self, text: str) -> None`",
    ]


@pytest.mark.parametrize(
    ("base", "name", "declared"),
    [
        (likewise.Referenceable, "remote_f", "(self, a: int) -> int"),
        (likewise.Avatar, "perspective_f", "(self, a: int) -> int"),
        (likewise.Viewable, "view_f", "(self, perspective, a: int) -> int"),
        (likewise.RemoteCache, "observe_f", "(self, a: int) -> int"),
    ],
)
def test_the_flavour_says_how_the_names_begin(base: type, name: str, declared: str) -> None:
    class One(Protocol):
        async def f(self, a: int) -> int: ...

    assert refused(One, type("Cls", (base,), {})) == [f"{name} is missing: write `def {name}{declared}`"]
    takes_who = base is likewise.Viewable
    method = (lambda self, perspective, a: a) if takes_who else (lambda self, a: a)
    made: Any = likewise.serves(One)(type("Cls", (base,), {name: method}))()
    before = (None,) if takes_who else ()
    assert getattr(made, name)(*before, 5) == 5
    with pytest.raises(InsecureJelly, match=r"^One.f: a takes int, not str 'x'$"):
        getattr(made, name)(*before, "x")
    with pytest.raises(InsecureJelly):
        getattr(made, name)(*before, a="x")


def test_only_classes_that_a_peer_can_call_serve() -> None:
    class One(Protocol):
        async def f(self) -> int: ...

    for what in (object, likewise.Copyable, 5):
        with pytest.raises(TypeError, match=r"serves\(\) is for a class that derives from Root, Referenceable, Avatar"):
            likewise.serves(One)(what)  # type: ignore[type-var]
    with pytest.raises(TypeError, match=r"an interface is a Protocol"):
        likewise.serves(5)  # type: ignore[arg-type]


class Takes(Protocol):
    async def f(self, a: list[int] | None, b: Literal["x"], c: likewise.Referenceable, d: Sequence[str]) -> Order | None: ...


def served_with(interface: Any, method: Any) -> list[str]:
    try:
        likewise.serves(interface)(type("Cls", (likewise.Root,), {"remote_f": method}))
    except TypeError as error:
        return str(error).split("\n- ")[1:]
    return []


def test_annotations_that_say_the_same_in_other_words_are_taken() -> None:
    def same(
        self: Any, a: Optional[list[int]], b: Literal["x"], c: likewise.RemoteReference, d: Sequence[str]  # noqa: UP045
    ) -> Optional[Order]: ...  # noqa: UP045

    async def left_out(self, a, b, c, d): ...  # type: ignore[no-untyped-def]

    def anything(self: Any, a: Any, b: Any, c: Any, d: Any) -> Any: ...

    def awaited(self: Any, a, b, c, d) -> Awaitable[Order | None]: ...  # type: ignore[no-untyped-def, empty-body]

    def by_parts(self: Any, a: list[Any] | None, b: Any, c: Any, d: Any) -> Any: ...

    def all_there_is(*args: Any, **kwargs: Any) -> Any: ...

    for method in (same, left_out, anything, awaited, by_parts, all_there_is, functools.partialmethod(same)):
        assert served_with(Takes, method) == [], method


def test_annotations_that_say_something_else_are_told() -> None:
    def wrong(self: Any, a: list[str] | None, b: Literal["y"], c: int, d: list[str]) -> Order: ...  # type: ignore[empty-body]

    assert served_with(Takes, wrong)[0].partition(": write")[0] == (
        "remote_f takes a as list[str] | None, not list[int] | None; takes b as Literal['y'], not Literal['x']; "
        "takes d as list[str], not Sequence[str]; returns Order, not Order | None"
    )


def test_the_order_and_the_kinds_of_parameters_count() -> None:
    class Two(Protocol):
        async def f(self, a: int, b: int = 1, *more: int, **rest: int) -> int: ...

    def turned(self, b=1, a=2, *more, **rest): ...  # type: ignore[no-untyped-def]

    def fewer(self, a, b=1): ...  # type: ignore[no-untyped-def]

    def required(self, a, b, *more, **rest): ...  # type: ignore[no-untyped-def]

    def other_names(self, a, b=1, *args, **kwargs): ...  # type: ignore[no-untyped-def]

    assert "has the default 2 for a, not no default" in served_with(Two, turned)[0]
    assert "lacks *more; lacks **rest" in served_with(Two, fewer)[0]
    assert "has no default for b, not the default 1" in served_with(Two, required)[0]
    assert served_with(Two, other_names) == []

    class InOrder(Protocol):
        async def f(self, a: int, b: int) -> int: ...

    text = served_with(InOrder, lambda self, b, a: 1)[0]
    assert text.startswith("remote_f takes its parameters in another order than InOrder.f(a: int, b: int) -> int: write")
    assert "takes no self" in served_with(InOrder, lambda: 1)[0]


def test_a_default_that_is_left_open_is_any_default() -> None:
    class Open(Protocol):
        async def f(self, a: int = ...) -> int: ...

    assert served_with(Open, lambda self, a=7: a) == []
    assert "has no default for a" in served_with(Open, lambda self, a: a)[0]


def test_a_default_is_the_same_if_it_is_equal_and_of_one_type() -> None:
    class Defaults(Protocol):
        async def f(self, a: float = float("nan"), b: list[int] = [], c: Any = 1) -> int: ...  # noqa: B006

    assert served_with(Defaults, lambda self, a=float("nan"), b=[], c=1: 1) == []
    other = served_with(Defaults, lambda self, a=float("nan"), b=[], c=True: 1)
    assert "has the default True for c, not the default 1" in other[0]


def test_a_stream_is_answered_by_an_iterator() -> None:
    class Frames(Protocol):
        def f(self) -> AsyncIterator[bytes]: ...

    class One(Protocol):
        async def f(self) -> bytes: ...

    async def later(self: Any) -> AsyncIterator[bytes]:
        yield b""

    def at_once(self: Any) -> Iterator[bytes]:
        yield b""

    async def wrong_items(self: Any) -> AsyncIterator[str]:
        yield ""

    def no_iterator(self: Any) -> list[bytes]: ...  # type: ignore[empty-body]

    assert served_with(Frames, later) == served_with(Frames, at_once) == []
    assert served_with(Frames, wrong_items)[0].startswith("remote_f returns AsyncIterator[str], not AsyncIterator[bytes]")
    assert served_with(Frames, no_iterator)[0].startswith("remote_f returns list[bytes], which is no iterator")
    assert served_with(One, later)[0].startswith("remote_f yields, but One.f is no stream")


def test_what_derives_from_a_class_that_serves_is_held_to_the_same() -> None:
    with pytest.raises(TypeError, match=r"Other.* does not serve Shop:\n- remote_note lacks text"):

        class Other(Front):
            def remote_note(self) -> int:  # type: ignore[override]
                return 1

    class Louder(Front):
        def remote_note(self, text: str) -> int:
            return super().remote_note(text.upper())

    class Mixin:
        def remote_note(self, text: str) -> int:
            return 7

    class Mixed(Mixin, Front): ...  # type: ignore[misc]

    louder = Louder()
    louder.remote_note("a")
    assert louder.told == ["A"]
    for each in (louder, Mixed()):
        with pytest.raises(InsecureJelly, match=r"Shop.note: text takes str, not int 5"):
            each.remote_note(5)  # type: ignore[arg-type]


def test_a_class_keeps_its_own_init_subclass() -> None:
    class One(Protocol):
        async def f(self) -> int: ...

    @likewise.serves(One)
    class Base(likewise.Root):
        made: list[Any] = []

        def __init_subclass__(cls, tag: str, **options: Any) -> None:
            super().__init_subclass__(**options)
            cls.made.append(tag)

        def remote_f(self) -> int:
            return 1

    class Derived(Base, tag="x"):
        def remote_f(self) -> Any:
            return "no"

    assert Base.made == ["x"]
    with pytest.raises(TypeError, match=r"One.f: the result is to be int, not str"):
        Derived().remote_f()


def test_a_class_may_serve_several_interfaces() -> None:
    class One(Protocol):
        async def f(self, a: int) -> int: ...

    class Two(Protocol):
        async def g(self, a: str) -> str: ...

    @likewise.serves(Two)
    @likewise.serves(One)
    class Both(likewise.Root):
        def remote_f(self, a: int) -> int:
            return a

        def remote_g(self, a: str) -> str:
            return a

    assert Both().remote_f(1) == 1 and Both().remote_g("a") == "a"
    with pytest.raises(InsecureJelly, match=r"Two.g"):
        Both().remote_g(1)  # type: ignore[arg-type]
