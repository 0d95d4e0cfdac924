"""Classes of attrs, msgspec and pydantic cross as dataclasses do, and nothing comes in that their own checks refuse."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any

import attrs
import msgspec
import pydantic
import pydantic.dataclasses
import pytest

import likewise
from likewise.testing import Pair
from likewise.wire.tokens import PB
from tests.jelly.foreigners import Echo, asked, echoed, refused
from tests.jelly.test_foreign import read


def positive(instance: Any, attribute: Any, value: Any) -> None:
    if value < 0:
        raise ValueError(f"{attribute.name} must not be negative")


@likewise.copyable
@attrs.frozen
class Item:
    sku: str
    count: int = attrs.field(default=1, validator=positive)
    tags: list[str] = attrs.field(factory=list)
    price: float = 0.0


@likewise.copyable
@attrs.define
class Basket:
    _owner: str  # a private name, which the constructor calls `owner`
    items: list[Item] = attrs.field(factory=list, converter=list)
    total: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.total = sum(item.count for item in self.items)


@likewise.copyable
@attrs.define(slots=False, kw_only=True)
class Loose:
    note: str = attrs.field(alias="remark", default="")
    more: Loose | None = None


@likewise.copyable
class Point(msgspec.Struct, frozen=True):
    x: int
    y: Annotated[int, msgspec.Meta(ge=0)] = 0


@likewise.copyable
class Path(msgspec.Struct, rename="camel", tag="a path", kw_only=True):
    all_points: list[Point]
    label: str = msgspec.field(default_factory=str)


@likewise.copyable
class Pair2(msgspec.Struct, array_like=True):
    first: int
    second: list[int] = []


@likewise.copyable
class Checked(msgspec.Struct):
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is over high")


@likewise.copyable
class User(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)
    name: str = pydantic.Field(alias="userName", min_length=1)
    age: int = pydantic.Field(default=0, ge=0)
    friends: list[User] = []
    secret: str = pydantic.Field(default="none", exclude=True)
    _seen: int = pydantic.PrivateAttr(default=3)

    @pydantic.field_validator("name")
    @classmethod
    def no_root(cls, name: str) -> str:
        if name == "root":
            raise ValueError("nobody is called root")
        return name

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return self.name.upper()


@likewise.copyable
class Order(pydantic.BaseModel):
    number: Number  # defined further down, as often
    note: str = pydantic.Field(default="", alias="remark")


@likewise.copyable
class Number(pydantic.BaseModel):
    value: int = pydantic.Field(ge=0)


@likewise.copyable
class Names(pydantic.RootModel[list[str]]):
    pass


@likewise.copyable
@pydantic.dataclasses.dataclass
class Dated:
    year: int = pydantic.Field(ge=0)
    tags: list[str] = pydantic.Field(default_factory=list)


@likewise.copyable
class Holder(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    item: Item
    user: User | None = None
    thing: Any = None


VALUES = [
    Item("a", 2, ["x"], 1.5),
    Basket("ann", [Item("a", 2), Item("b", 3)]),
    Loose(remark="hello", more=Loose()),
    Point(1, 2),
    Path(all_points=[Point(1), Point(2)], label="x"),
    Pair2(1, [2]),
    Checked(1, 2),
    User(userName="ann", age=3, friends=[User(userName="bob")]),
    Order(number=Number(value=1), remark="x"),
    Names(["a", "b"]),
    Dated(3, ["x"]),
    Holder(item=Item("a"), user=User(userName="ann"), thing=[Point(1)]),
]


@pytest.mark.parametrize("dialects", [None, (PB,)], ids=["likewise-1", "pb"])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_an_instance_arrives_as_it_was(value: Any, dialects: Any) -> None:
    got = echoed(value, **({"dialects": dialects} if dialects else {}))
    assert type(got) is type(value) and got == value and got is not value


def test_frozen_ones_are_keys_and_one_object_stays_one() -> None:
    user, point, item = User(userName="ann"), Point(1), attrs.evolve(Item("a"), tags=())
    assert echoed({point: 1}) == {point: 1}
    first, second = echoed([user, user])
    assert first is second
    assert "can't be a dict key" not in refused({item: object()})


def test_a_list_that_two_of_them_share_stays_shared_where_the_class_keeps_it() -> None:
    tags = ["x"]
    first, second = echoed([Item("a", tags=tags), Item("b", tags=tags)])
    assert first.tags is second.tags


def sent(name: str, /, **state: Any) -> Any:
    """A class that travels as another, with any state: what a hostile peer does."""
    full = f"tests.jelly.test_constructed.{name}"

    class Forged(likewise.Copyable):
        def getTypeToCopy(self) -> str:
            return full

        def getStateToCopy(self) -> dict[str, Any]:
            return state

    return Forged()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (sent("Item", sku="a", count=-1), "Item refuses what came for it: ValueError: count must not be negative"),
        (sent("Item", sku=3), "Item.sku takes str, not int 3"),
        (sent("Item", sku="a", tags=[1]), "Item.tags takes list[str], not int 1 at [0]"),
        (sent("Item"), "Item came without sku"),
        (sent("Item", sku="a", colour=1), "Item has no field 'colour'"),
        (sent("Basket", _owner="a", total=7), "Basket has no field 'total'"),
        (sent("Basket", owner="a"), "Basket has no field 'owner'"),
        (sent("Point", x="1"), "Point refuses what came for it: ValidationError: Expected `int`, got `str`"),
        (sent("Point", x=1, y=-1), "Expected `int` >= 0"),
        (sent("Path", allPoints=[]), "Path has no field 'allPoints'"),
        (sent("Path", all_points=[{"x": "1"}]), "Expected `int`, got `str`"),
        (sent("Pair2", first=1, second="x"), "Expected `array`, got `str`"),
        (sent("Checked", low=2, high=1), "low is over high"),
        (sent("User", name="root"), "User refuses what came for it: ValidationError: name: Value error, nobody"),
        (sent("User", name="ann", age=-1), "age: Input should be greater than or equal to 0"),
        (sent("User", userName="ann"), "User has no field 'userName'"),
        (sent("User", name="ann", _seen=9), "User has no field '_seen'"),
        (sent("User", name="ann", __pydantic_private__=9), "User has no field"),
        (sent("User", name="ann", secret="x"), "User has no field 'secret'"),
        (sent("User", name="ann", friends=[{"name": "root"}]), "friends.0.name: Value error, nobody is called root"),
        (sent("Order", number={"value": -1}), "number.value: Input should be greater than or equal to 0"),
        (sent("Names", root=[1]), "Input should be a valid string"),
        (sent("Dated", year=-1), "year: Input should be greater than or equal to 0"),
        (sent("Holder", item={"sku": "a"}), "item: Input should be an instance of Item"),
        (sent("User", name="ann", age=[], friends=[3] * 100), "User refuses what came for it: ValidationError: 101 faults"),
    ],
    ids=lambda each: "" if isinstance(each, str) else type(each).__name__,
)
def test_what_their_own_checks_refuse_fails_the_call_and_says_why(value: Any, text: str) -> None:
    pair = Pair(Echo())
    with pytest.raises(likewise.InsecureJelly) as refusal:
        asked(pair, value)
    assert text in str(refusal.value)
    assert len(str(refusal.value)) < 1_000
    assert asked(pair, 3) == 3


def test_nothing_can_be_put_into_what_a_validator_has_seen_while_the_message_is_read() -> None:
    """The list around is not whole when the validator looks at it: what comes later would never be looked at."""
    for name, field in ((b"Item", b"tags"), (b"User", b"friends"), (b"Path", b"all_points")):
        state = [b"dictionary", [[b"unicode", field], [b"dereference", 1]]]
        wire = [b"reference", 1, [b"list", [b"tests.jelly.test_constructed." + name, state], [b"unicode", b"late"]]]
        with pytest.raises(likewise.InsecureJelly, match="leads back to what it is part of"):
            read(wire, likewise.default_registry)


def test_a_number_without_a_fraction_is_a_float_where_one_is_meant() -> None:
    got = echoed(sent("Item", sku="a", price=2))
    assert type(got.price) is float and got == Item("a", price=2.0)


def test_the_state_may_come_in_forms_of_other_peers() -> None:
    name = b"tests.jelly.test_constructed.Point"
    assert read([name, [b"dictionary", [b"x", 1]]], likewise.default_registry) == Point(1)  # keys of bytes
    assert read([b"tests.jelly.test_constructed.Loose", [b"None"]], likewise.default_registry) == Loose()
    with pytest.raises(likewise.InsecureJelly, match="must be a dictionary"):
        read([name, [b"list"]], likewise.default_registry)
    with pytest.raises(likewise.InsecureJelly, match="has no field"):
        read([name, [b"dictionary", [1, 1]]], likewise.default_registry)


def test_what_arrives_may_be_listed_for_an_endpoint_and_given_other_names() -> None:
    assert echoed(Point(1), accept=[Point]) == Point(1)
    assert "not registered" in refused(Point(1), accept=[Item])
    registry = likewise.Registry()
    registry.setUnjellyableForClass("another.Point", Point)
    got = echoed([sent("Item", sku="a")], accept=[Item])
    assert got == [Item("a")]
    assert read([b"another.Point", [b"dictionary", [b"x", 1]]], registry) == Point(1)


def test_without_strict_the_annotations_of_attrs_are_not_looked_at() -> None:
    @likewise.copyable(name="tests.constructed.Slack", strict=False)
    @attrs.define
    class Slack:
        x: int

    assert echoed(Slack("text")) == Slack("text")  # type: ignore[arg-type]


# --- what can't be made again


def test_what_can_t_be_made_again_from_its_fields_is_refused_when_it_is_registered() -> None:
    class Open(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")

    class Hidden(pydantic.BaseModel):
        x: int = pydantic.Field(exclude=True)

    @attrs.define(init=False)
    class Without:
        x: int

        def __init__(self) -> None:
            self.x = 1

    @attrs.define
    class Broken(Exception):
        x: int

    for cls, text in (
        (Open, "takes extra fields"),
        (Hidden, "excluded, and has no default"),
        (Without, "is not made of its fields"),
        (Broken, "is an exception"),
    ):
        with pytest.raises(TypeError, match=text):
            likewise.copyable(cls)
    with pytest.raises(TypeError, match="no dataclass"):
        likewise.copyable(object)


def test_a_subclass_that_is_not_registered_does_not_cross() -> None:
    class More(Point, frozen=True):
        z: int = 0

    class Admin(User):
        pass

    @attrs.define
    class Large(Basket):
        pass

    assert "More is a Struct: put @likewise.copyable above" in refused(More(1))
    assert "Admin is a model of pydantic: put @likewise.copyable above" in refused(Admin(userName="ann"))
    assert "Large is a class of attrs: put @likewise.copyable above" in refused(Large("ann"))


PROGRAM = """
import sys
import likewise
assert not {"attr", "attrs", "msgspec", "pydantic", "numpy"} & sys.modules.keys()
print("none")
"""


def test_none_of_these_packages_is_imported_by_likewise() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "none\n", done.stderr
