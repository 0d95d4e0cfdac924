"""Classes that write and read their own forms, tasters, and what goes out as a mark: over a connection and without one."""

from __future__ import annotations

import logging
from typing import Any

import pytest

pytest.importorskip("twisted")

from twisted.logger import globalLogPublisher

import likewise
from likewise.spread import banana, flavors, jelly, pb
from likewise.spread.security import is_narrow
from tests.spread.ends import Logged, Pair


class Root(pb.Root):
    def __init__(self) -> None:
        self.kept: Any = None

    def remote_keep(self, x: Any) -> None:
        self.kept = x

    def remote_echo(self, x: Any) -> Any:
        return x


class Point(jelly.Jellyable, jelly.Unjellyable):
    """Crosses as ``(point x y)``, x and y being jellies."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y

    def jellyFor(self, jellier: Any) -> Any:
        form = jellier.prepare(self)
        form += [b"tests.Point", 7, jellier.jelly(self.x), [b"y", jellier.jelly(self.y)]]
        return jellier.preserve(self, form)

    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        assert jellyList[1] == 7 and jellyList[3][0] == b"y"
        self.x = unjellier.unjelly(jellyList[2])
        unjellier.unjellyInto(self.__dict__, "y", jellyList[3][1])
        self.was_asked = True
        return self


jelly.setUnjellyableForClass("tests.Point", Point)


def test_a_form_of_ones_own_crosses_and_keeps_identity() -> None:
    root = Root()
    pair = Pair(root)
    shared = ["shared"]
    point = Point(shared, None)
    point.y = [point, shared]
    pair.ask("keep", [point, shared, {"again": point}])
    got, also, again = root.kept
    assert type(got) is Point and got.x is also == ["shared"] and got.was_asked
    assert got.y[0] is got and got.y[1] is also and again["again"] is got


def test_the_same_form_without_a_connection() -> None:
    point = Point("\u00e9", (1, None))
    sexp = jelly.jelly([point, point])
    assert sexp == [
        b"list",
        [b"reference", 1, [b"tests.Point", 7, [b"unicode", "\u00e9".encode()], [b"y", [b"tuple", 1, [b"None"]]]]],
        [b"dereference", 1],
    ]
    one, two = jelly.unjelly(sexp)
    assert one is two and (one.x, one.y) == ("\u00e9", (1, None))


class Sized(pb.Copyable):
    """Adds to the stock form of its flavour."""

    def jellyFor(self, jellier: Any) -> Any:
        form = super().jellyFor(jellier)
        form.append(len(self.__dict__))
        return form


class RSized(pb.RemoteCopy):
    def unjellyFor(self, unjellier: Any, jellyList: Any) -> Any:
        super().unjellyFor(unjellier, jellyList)
        self.size = jellyList[2]
        return self


pb.setUnjellyableForClass(Sized, RSized)


def test_the_stock_form_may_be_built_upon() -> None:
    root = Root()
    pair = Pair(root)
    sized = Sized()
    sized.a, sized.b = 1, [2]  # type: ignore[attr-defined]
    pair.ask("keep", sized)
    assert type(root.kept) is RSized and root.kept.__dict__ == {"a": 1, "b": [2], "size": 2}


class StateFor(jelly.Jellyable):
    def getStateFor(self, jellier: Any) -> Any:
        return {"invoker": jellier.invoker is not None}


class SetsState(jelly.Unjellyable):
    def setStateFor(self, unjellier: Any, state: Any) -> None:
        self.took = (state, unjellier.invoker is not None)


jelly.setUnjellyableForClass(StateFor, SetsState)


def test_state_hooks_of_jelly_itself_run() -> None:
    root = Root()
    Pair(root).ask("keep", StateFor())
    assert type(root.kept) is SetsState and root.kept.took == ({"invoker": True}, True)
    assert jelly.unjelly(jelly.jelly(StateFor())).took == ({"invoker": False}, False)


class Watcher(pb.Copyable, pb.RemoteCopy):
    done: list[Any] = []

    def postUnjelly(self) -> None:
        self.done.append(self.other.name)  # type: ignore[attr-defined]


class Named(Point):
    def postUnjelly(self) -> None:
        Watcher.done.append("named")


pb.setUnjellyableForClass(Watcher, Watcher)
jelly.setUnjellyableForClass("tests.Named", Named)


def test_post_unjelly_runs_when_all_is_read() -> None:
    one, two = Watcher(), Watcher()
    one.name, two.name, one.other, two.other = "one", "two", two, one  # type: ignore[attr-defined]
    Watcher.done.clear()
    Pair(Root()).ask("keep", [one, two])
    assert Watcher.done == ["two", "one"] or Watcher.done == ["one", "two"]
    Watcher.done.clear()
    jelly.unjelly([b"tests.Named", 7, 1, [b"y", 2]])
    assert Watcher.done == ["named"]


def test_a_function_may_stand_for_a_class() -> None:
    jelly.setUnjellyableForClass("tests.upper", lambda unjellier, form: unjellier.unjelly(form[1]).upper())
    try:
        assert jelly.unjelly([b"list", [b"tests.upper", [b"unicode", b"abc"]]]) == ["ABC"]
    finally:
        del jelly.unjellyableRegistry[b"tests.upper"]
    with pytest.raises(jelly.InsecureJelly, match=r"Class tests.upper not allowed|Module tests not allowed"):
        jelly.unjelly([b"tests.upper", [b"unicode", b"abc"]], jelly.globalSecurity)


# --- instances of any class


class Plain:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Stateful(Plain):
    def __getstate__(self) -> Any:
        return ("state", self.__dict__["x"])

    def __setstate__(self, state: Any) -> None:
        self.x = state


def allowing(*classes: type) -> Any:
    security = jelly.SecurityOptions()
    security.allowInstancesOf(*classes)
    security.allowTypes("remote", "cached", "lcache", "local")
    return security


def test_instances_that_both_tasters_allow_cross() -> None:
    root, security = Root(), allowing(Plain, Stateful)
    pair = Pair(root, server=pb.PBServerFactory(root, security=security), client=pb.PBClientFactory(security=security))
    plain = Plain(x=[1])
    pair.ask("keep", [plain, Stateful(x=5), plain, Plain])
    got, stateful, again, cls = root.kept
    assert type(got) is Plain and got.x == [1] and again is got and cls is Plain
    assert type(stateful) is Stateful and stateful.x == ("state", 5)


def test_state_from_the_wire_does_not_replace_behaviour() -> None:
    root, security = Root(), allowing(Stateless)
    pair = Pair(root, server=pb.PBServerFactory(root, security=security))
    with Logged() as logged:
        failure = pair.result(
            pair.root.callRemote("keep", pb_form(b"%s.Stateless" % __name__.encode(), {"method": 1, "x": 2}))
        )
    assert failure.check(jelly.InsecureJelly) and "behaviour" in failure.value and logged.types() == ["InsecureJelly"]


class Stateless:
    def method(self) -> None:
        raise AssertionError


class _Form(jelly.Jellyable):
    def __init__(self, tag: bytes, state: Any) -> None:
        self.tag, self.state = tag, state

    def jellyFor(self, jellier: Any) -> Any:
        return [self.tag, jellier.jelly(self.state)]


def pb_form(tag: bytes, state: Any) -> Any:
    """Something that crosses as an instance of whatever class."""
    return _Form(tag, state)


def test_what_may_not_cross_goes_out_as_a_mark_and_a_warning_names_the_path() -> None:
    root = Root()
    pair = Pair(root)
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        pair.ask("keep", {"pond": [1, Box(lock=Plain())]})
    finally:
        globalLogPublisher.removeObserver(events.append)
    mark = root.kept["pond"][1].lock
    assert type(mark) is jelly.Unpersistable is likewise.Unpersistable
    assert mark.reason == f"Unpersistable data: b'instance of class {__name__}.Plain deemed insecure'"
    (warning,) = [event for event in events if event["log_namespace"] == "likewise.spread"]
    assert warning["path"] == "args[0]['pond'][1].lock" and warning["kind"] == f"{__name__}.Plain"
    assert warning["log_level"].name == "warn"


class Box(pb.Copyable, pb.RemoteCopy):
    def __init__(self, **content: Any) -> None:
        self.__dict__.update(content)


pb.setUnjellyableForClass(Box, Box)


def test_code_is_refused_at_the_sender() -> None:
    pair = Pair(Root())
    for code in (allowing, pair.carry, logging):
        failure = pair.ask("keep", [code])
        assert failure.check(jelly.InsecureJelly) and "args[0][0]" in str(failure.value)


# --- tasters


def test_a_taster_is_narrow_only_if_it_refuses_what_is_built_without_asking() -> None:
    assert not is_narrow(jelly.globalSecurity) and not is_narrow(jelly.DummySecurityOptions())
    security = jelly.SecurityOptions()
    assert is_narrow(security)
    security.allowBasicTypes()
    assert is_narrow(security), "references"
    security.allowTypes(*[name for name in jelly.globalSecurity.allowedTypes if b"." not in name])
    assert not is_narrow(security)
    for change in (
        lambda: security.allowedTypes.pop(b"list"),
        lambda: security.allowedTypes.__delitem__(b"tuple"),
        lambda: security.allowedTypes.clear(),
    ):
        change()
        assert is_narrow(security)
        security.allowedTypes.update(jelly.globalSecurity.allowedTypes)
        assert not is_narrow(security)
    security.allowedTypes = {b"None": 1}
    assert is_narrow(security)
    jelly.setUnjellyableForClass("undotted-tag", Box)
    assert not is_narrow(jelly.globalSecurity)
    del jelly.unjellyableRegistry[b"undotted-tag"]


@pytest.mark.parametrize(
    ("value", "word"),
    [([1], "list"), ({"k": (1,)}, "tuple"), ({(1,): 1}, "tuple"), ([{1}], "set"), ([pb.Referenceable()], "remote")],
)
def test_a_narrow_taster_refuses_over_a_connection(value: Any, word: str) -> None:
    root = Root()
    security = jelly.SecurityOptions()
    security.allowBasicTypes()
    security.allowTypes("remote")
    security.allowedTypes.pop(word.encode())
    pair = Pair(root, server=pb.PBServerFactory(root, security=security))
    failure = pair.ask("keep", value)
    if word == "tuple" or word == "list":  # the arguments themselves are a tuple
        assert failure.check(jelly.InsecureJelly)
    assert failure.type == b"twisted.spread.jelly.InsecureJelly" and failure.value == f"b'{word}'"
    assert root.kept is None
    assert not pair.client.localObjects.keys() - {b"root"}, "what was refused is given back"


def test_a_taster_may_change_while_the_connection_lasts() -> None:
    root = Root()
    security = allowing(Plain)
    pair = Pair(root, server=pb.PBServerFactory(root, security=security))
    assert pair.ask("keep", {1}) is None
    security.allowedTypes.pop(b"set")
    assert pair.ask("keep", {1}).value == "b'set'"


class Picky(jelly.SecurityOptions):
    def isTypeAllowed(self, typeName: Any) -> Any:
        return super().isTypeAllowed(typeName) and typeName != b"frozenset"


def test_a_taster_of_ones_own_is_asked() -> None:
    security = Picky()
    security.allowBasicTypes()
    assert jelly.unjelly([b"list", [b"set", 1]], security) == [{1}]
    with pytest.raises(jelly.InsecureJelly, match=r"^b'frozenset'$"):
        jelly.unjelly([b"list", [b"frozenset", 1]], security)


def test_the_parts_of_a_form_are_tasted_too() -> None:
    security = jelly.SecurityOptions()
    security.allowBasicTypes()
    security.allowedTypes.pop(b"set")
    with pytest.raises(jelly.InsecureJelly, match=r"^b'set'$"):
        jelly.unjelly([b"tests.Point", 7, [b"set", 1], [b"y", 2]], security)


# --- without a connection


def test_what_banana_carries_comes_back_the_same() -> None:
    value = [1, -(2**40), 1.5, "text", b"bytes", None, True, (1, (2,)), {"k": {3}}, frozenset([4])]
    assert jelly.unjelly(banana.decode(banana.encode(jelly.jelly(value)))) == value


def test_a_persistent_store_may_keep_what_it_likes() -> None:
    kept: dict[str, Any] = {}

    def store(instance: Any, jellier: Any) -> Any:
        if not isinstance(instance, Stateless):
            return None
        kept[str(id(instance))] = instance
        return str(id(instance))

    stateless = Stateless()
    sexp = jelly.jelly([stateless, Plain(x=1)], persistentStore=store)
    assert sexp[1] == [b"persistent", str(id(stateless))]
    got, plain = jelly.unjelly(sexp, persistentLoad=lambda pid, unjellier: kept[pid])
    assert got is stateless and type(plain) is Plain
    assert isinstance(jelly.unjelly(sexp)[0], jelly.Unpersistable)


def test_what_is_no_list_is_its_own_value() -> None:
    assert jelly.unjelly(Plain) is Plain and jelly.unjelly("text") == "text" and jelly.jelly(5) == 5


@pytest.mark.parametrize(
    "sexp",
    [
        [],
        [[b"list"]],
        [b"class", b"os.system.x", 1],
        [b"class", [b"list"]],
        [b"method", b"x", [b"None"], 5],
        [b"instance", 5, [b"dictionary"]],
        [b"module", b"\xff"],
        [b"no-such-type", 1],
        [b"dereference", 1],
    ],
)
def test_nonsense_is_refused(sexp: Any) -> None:
    with pytest.raises(jelly.InsecureJelly):
        jelly.unjelly(sexp)


def test_a_reference_means_nothing_without_a_connection() -> None:
    with pytest.raises(jelly.InsecureJelly, match="outside a connection"):
        jelly.jelly([pb.Referenceable()])
    with pytest.raises(jelly.InsecureJelly, match="outside a connection"):
        jelly.unjelly([b"remote", 1])
    assert jelly.jelly(Pair(Root()).root) == [b"unpersistable", b"References cannot be serialized"]


def test_registrations_count_for_the_other_driver_too() -> None:
    assert likewise.default_registry.incoming[b"tests.Point"].kind == 5
    assert b"twisted.spread.pb.CopyableFailure" not in likewise.default_registry.incoming
    assert flavors.copyTags is jelly.unjellyableRegistry


def test_a_copyable_dataclass_crosses() -> None:
    import dataclasses

    @likewise.copyable(name="tests.Order")
    @dataclasses.dataclass
    class Order:
        number: int
        lines: list[str]

    assert Pair(Root()).ask("echo", Order(1, ["a"])) == Order(1, ["a"])
