"""What may come in, and nothing else."""

import sys
import types
from dataclasses import dataclass, field
from typing import Any

import pytest

import likewise
from likewise.errors import InsecureJelly
from likewise.jelly.plans import admit_name, admit_state, may_be_set, wire_name
from likewise.jelly.registry import Registry, copyable, default_registry, registry_from
from likewise.limits import Limits
from likewise.testing import Pair
from tests.jellies import read, state, text, written


class Goose(likewise.RemoteCopy):
    pass


class Gander(Goose):
    def setCopyableState(self, state: Any) -> None:
        self.seen = state


class PondMirror(likewise.RemoteCache):
    pass


@copyable(name="farm.Order")
@dataclass
class Order:
    what: str
    count: int = 1
    tags: list[str] = field(default_factory=list)


@copyable
@dataclass(frozen=True, slots=True)
class Fixed:
    x: int = 0
    y: int = 0


class Plain:
    pass


HERE = __name__


# --- registering


def test_a_class_is_registered_under_its_name_its_class_or_a_tag() -> None:
    registry = Registry()
    registry.setUnjellyableForClass("far.Goose", Goose)
    registry.setUnjellyableForClass(b"tagged", Goose)
    registry.setUnjellyableForClass(Plain, Gander)
    assert type(read([b"far.Goose", state(a=1)], registry=registry)) is Goose
    assert type(read([b"tagged", state()], registry=registry)) is Goose
    assert read([f"{HERE}.Plain".encode(), 5], registry=registry).seen == 5


def test_a_copyable_class_is_registered_under_the_name_it_travels_by() -> None:
    registry = Registry()
    registry.setUnjellyableForClass(Order, Order)
    assert read([b"farm.Order", state(what=text("hay"))], registry=registry) == Order("hay")


def test_entries_of_a_registry_are_taken_under_their_own_names() -> None:
    registry = Registry(Goose, Order, KeyError)
    assert type(read([f"{HERE}.Goose".encode(), state()], registry=registry)) is Goose
    assert registry.exceptions == {"builtins.KeyError": KeyError}
    registry.accept(Goose, "other.name")
    registry.accept(Order, "other.order")
    registry.accept(LookupError, "far.Lost")
    assert type(read([b"other.name", state()], registry=registry)) is Goose
    assert read([b"other.order", state(what=[b"unicode", b"x"])], registry=registry).what == "x"
    assert registry.exceptions["far.Lost"] is LookupError


def test_a_factory_gets_the_state() -> None:
    registry = Registry()
    registry.setUnjellyableFactoryForClass("far.Point", lambda state: complex(state["x"], state["y"]))
    assert read([b"far.Point", state(x=1, y=2)], registry=registry) == 1 + 2j


def test_a_tree_of_classes_is_registered_by_module() -> None:
    module = types.ModuleType("zoo")
    vars(module).update({"Goose": Goose, "Gander": Gander, "Plain": Plain, "number": 5, "Mirror": PondMirror})
    registry = Registry()
    registry.setUnjellyableForClassTree(module, Goose)
    assert set(registry.incoming) == {b"zoo.Goose", b"zoo.Gander"}
    registry.setUnjellyableForClassTree(module, likewise.RemoteCache, "wild")
    registry.setUnjellyableForClassTree(module, Gander, "")
    assert set(registry.incoming) == {b"zoo.Goose", b"zoo.Gander", b"wild.Mirror", b"Gander"}


@pytest.mark.parametrize(
    ("register", "remedy"),
    [
        (lambda registry: registry.setUnjellyableForClass("a.B", Plain), "must derive from likewise.RemoteCopy"),
        (lambda registry: registry.setUnjellyableForClass("a.B", lambda state: 1), "setUnjellyableFactoryForClass"),
        (lambda registry: registry.accept(Plain), "@likewise.copyable"),
        (lambda registry: copyable(Plain), "above @dataclass"),
    ],
)
def test_what_can_not_come_in_is_refused_with_a_remedy(register: Any, remedy: str) -> None:
    with pytest.raises(TypeError, match=remedy):
        register(Registry())


def test_a_registry_in_use_takes_nothing_more() -> None:
    registry = registry_from([Goose])
    for register in (
        lambda: registry.accept(Gander),
        lambda: registry.accept(KeyError),
        lambda: registry.setUnjellyableForClass("a.B", Goose),
        lambda: registry.setUnjellyableFactoryForClass("a.B", str),
    ):
        with pytest.raises(RuntimeError, match="before serve"):
            register()
    mine = Registry(Goose)
    assert registry_from(mine) is mine and mine.is_closed


def test_the_process_wide_registry_stays_open() -> None:
    assert registry_from(None) is default_registry
    assert registry_from(default_registry) is default_registry
    assert not default_registry.is_closed


def test_an_endpoint_with_a_registry_of_its_own_counts_only_that() -> None:
    likewise.setUnjellyableForClass("process.wide", Goose)
    with pytest.raises(InsecureJelly, match=r"process.wide is not registered at the receiver"):
        read([b"process.wide", state()], registry=Registry(Order))
    assert type(read([b"process.wide", state()])) is Goose


def test_names_on_the_wire_are_twisteds() -> None:
    class Inner:
        pass

    assert wire_name(Inner) == f"{HERE}.Inner"


# --- names of attributes


class Guarded(likewise.RemoteCopy):
    limit = 5
    __slots__ = ("slot",)

    def method(self) -> None: ...

    @property
    def shown(self) -> int:
        return 1

    @classmethod
    def made(cls) -> None: ...

    @staticmethod
    def helped() -> None: ...

    class Nested:
        pass


@pytest.mark.parametrize(
    "name", ["method", "shown", "made", "helped", "Nested", "__class__", "__dict__", "__new", "setCopyableState"]
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_state_may_not_shadow_behaviour(name: str, as_bytes: bool) -> None:
    registry = Registry(Guarded)
    key = name.encode() if as_bytes else text(name)
    with pytest.raises(InsecureJelly, match=f"'{name}' is behaviour of .*Guarded or reserved"):
        read([f"{HERE}.Guarded".encode(), [b"dictionary", [key, 5]]], registry=registry)


@pytest.mark.parametrize("name", ["limit", "slot", "x", "_private", "with space", ""])
def test_state_may_set_fields(name: str) -> None:
    assert may_be_set(Guarded, name)
    assert admit_name(Guarded, name) is sys.intern(name)


@pytest.mark.parametrize(("name", "why"), [(b"\xff", "is not UTF-8"), (5, "is no string"), (None, "is no string")])
def test_an_attribute_name_must_be_text(name: object, why: str) -> None:
    with pytest.raises(InsecureJelly, match=why):
        admit_name(Goose, name)


def test_state_is_admitted_as_a_whole() -> None:
    assert admit_state(Goose, None) == {}
    assert admit_state(Goose, {b"a": 1, "b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(InsecureJelly, match=r"the state of .*Goose must be a dictionary, not 5"):
        admit_state(Goose, 5)


def test_verdicts_on_names_do_not_pile_up() -> None:
    registry = Registry(Goose)
    tag = f"{HERE}.Goose".encode()
    for start in range(0, 3_000, 500):
        names = {f"n{n}": n for n in range(start, start + 500)}
        assert vars(read([tag, state(**names)], registry=registry)) == names
    assert len(registry.incoming[tag].names) <= 1_024


# --- dataclasses


def test_a_dataclass_crosses_without_hooks() -> None:
    order = Order("eggs", 12, ["fresh"])
    back = read(written(order))
    assert back == order and back is not order and type(back) is Order
    assert read(written(Fixed(1, 2))) == Fixed(1, 2)


def test_absent_fields_get_their_defaults_each_its_own() -> None:
    one, other = (read([b"farm.Order", state(what=text("hay"))]) for _ in range(2))
    assert one == Order("hay", 1, [])
    assert one.tags is not other.tags
    assert read([f"{HERE}.Fixed".encode(), state()]) == Fixed()


def test_a_field_without_default_must_come() -> None:
    with pytest.raises(InsecureJelly, match="Order came without what"):
        read([b"farm.Order", state(count=5)])


@pytest.mark.parametrize("name", [b"price", b"__class__", b"\xff"])
def test_an_unknown_field_is_refused(name: bytes) -> None:
    with pytest.raises(InsecureJelly, match="has no field"):
        read([b"farm.Order", [b"dictionary", [text("what"), 1], [name, 2]]])


def test_neither_init_nor_post_init_is_run_at_the_receiver() -> None:
    @copyable
    @dataclass
    class Strict:
        x: int

        def __post_init__(self) -> None:
            raise AssertionError("ran")

    made = Strict.__new__(Strict)
    made.x = 5
    assert read(written(made)).x == 5


def test_fields_set_beside_the_declared_ones_stay_home() -> None:
    order = Order("hay")
    order.note = "mine"  # type: ignore[attr-defined]
    assert not hasattr(read(written(order)), "note")


# --- what the caller reads


def test_the_refusal_names_the_class_and_the_line_that_registers_it() -> None:
    class Echo(likewise.Root):
        def remote_echo(self, value: object) -> object:
            return value

    class Unknown(likewise.Copyable):
        pass

    pair = Pair(Echo())
    result = pair.client.root.callRemote("echo", Unknown())
    pair.run()
    assert isinstance(result.error, InsecureJelly)
    assert f"{HERE}.Unknown is not registered at the receiver" in str(result.error)
    assert f"likewise.setUnjellyableForClass('{HERE}.Unknown', TheLocalRemoteCopyClass)" in str(result.error)


def test_a_class_of_a_script_gets_a_hint() -> None:
    with pytest.raises(InsecureJelly, match="runs the module that defines it as a script"):
        read([b"__main__.Duck", state()])
    with pytest.raises(InsecureJelly) as caught:
        read([b"x" * 5_000, state()])
    assert len(str(caught.value)) < 900


def test_name_bytes_bound_an_attribute_name() -> None:
    registry = Registry(Goose)
    long = [text("n" * 300), 1]
    for its_state in ([b"dictionary", long], [b"reference", 1, [b"dictionary", long]]):
        with pytest.raises(InsecureJelly, match="name_bytes: an attribute name of 300 bytes, over 256"):
            read([f"{HERE}.Goose".encode(), its_state], registry=registry)
        fine = read([f"{HERE}.Goose".encode(), its_state], registry=Registry(Goose), limits=Limits(name_bytes=300))
        assert vars(fine) == {"n" * 300: 1}
