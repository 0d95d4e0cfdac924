"""What a refused message had counted is given back once: by what was made of it, or by who walks over what was not."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable
from typing import Any

import attrs
import pytest

import likewise
from likewise.testing import Pair
from tests.jelly.foreigners import Echo


@likewise.copyable(name="given.Plain")
@dataclasses.dataclass
class Plain:
    ref: Any
    number: int


@likewise.copyable(name="given.Made")
@attrs.define
class Made:
    ref: Any
    number: int


class Foreign:
    def __init__(self, ref: Any) -> None:
        self.ref = ref


class Hooked(likewise.Copyable, likewise.RemoteCopy):
    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def setCopyableState(self, state: Any) -> None:
        raise likewise.InsecureJelly("not today")


class Listed(likewise.Copyable):
    """Comes as a key that can't be one."""

    def __init__(self, ref: Any) -> None:
        self.ref = ref

    def __hash__(self) -> int:
        return 1


class Unhashable(likewise.RemoteCopy):
    __hash__ = None  # type: ignore[assignment]


def from_state(state: Any) -> Foreign:
    raise ValueError("not today")


likewise.adopt(Foreign, to_state=vars, from_state=from_state, name="given.Foreign")
likewise.setUnjellyableForClass(Hooked, Hooked)
likewise.setUnjellyableForClass(Listed, Unhashable)

VALUES: dict[str, Callable[[Any], Any]] = {
    "a dataclass with a field of the wrong type": lambda ref: Plain(ref, "x"),  # type: ignore[arg-type]
    "an object that its constructor refuses": lambda ref: Made(ref, "x"),  # type: ignore[arg-type]
    "an adopted object that can't be made": Foreign,
    "a copy whose hook refuses its state": Hooked,
    "a key that can't be one": lambda ref: {Listed(ref): 1},
    "what lies behind that": lambda ref: [Plain(1, "x"), ref],  # type: ignore[arg-type]
    "and before": lambda ref: [ref, Plain(1, "x")],  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", VALUES)
def test_a_reference_in_what_is_refused_is_given_back_once(name: str) -> None:
    faults: list[Any] = []
    root = Echo()
    pair = Pair(root, client_trace=lambda record: faults.append(record.detail) if record.name == "fault" else None)
    held = likewise.Referenceable()
    pair.client.root.callRemote("echo", held)
    pair.run()
    for _ in range(3):
        result = pair.client.root.callRemote("echo", VALUES[name](held))
        pair.run()
        assert isinstance(result.error, likewise.InsecureJelly)
        del result
    gc.collect()
    pair.run()
    assert pair.client.broker.tables.sizes()["exported"] == 1  # that which the root there still holds
    root.got = None
    gc.collect()
    pair.run()
    assert faults == [] and pair.client.broker.tables.sizes()["exported"] == 0
