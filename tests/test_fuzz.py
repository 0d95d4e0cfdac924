"""The fuzz targets hold for some thousand inputs, and would notice if they did not; ``make fuzz`` runs millions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import likewise
from fuzz.inputs import Inputs
from fuzz.targets import REGISTRY, TARGETS, Fault
from likewise.errors import InsecureJelly
from likewise.jelly import plans
from likewise.wire.framer import Framer

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus"
COUNTS = {"framer": 6_000, "decoder": 6_000, "broker": 2_000}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_the_corpus(name: str) -> None:
    for path in sorted((CORPUS / name).iterdir()):
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_some_thousand_inputs(name: str) -> None:
    supply = Inputs(name, 1)
    for _ in range(COUNTS[name]):
        data = supply.next()
        try:
            TARGETS[name](data)
        except Exception as error:
            raise AssertionError(f"{name} with {data.hex()}") from error


def found(name: str, count: int = 4_000) -> str:
    supply = Inputs(name, 1)
    for _ in range(count):
        try:
            TARGETS[name](supply.next())
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return "nothing"


@pytest.mark.skipif(likewise.is_compiled(), reason="compiled code can't be patched")
@pytest.mark.parametrize(
    ("name", "owner", "attribute", "replacement", "text"),
    [
        ("framer", Framer, "_close", lambda self, left: setattr(self, "_left", max(left, 1)), "cut in pieces"),
        ("decoder", plans, "may_be_set", lambda cls, name: True, "a method is shadowed"),
        ("broker", plans, "admit_name", lambda cls, name: {}[name], "KeyError"),
    ],
)
def test_a_planted_fault_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, owner: Any, attribute: str, replacement: Callable[..., Any], text: str
) -> None:
    assert found(name, 500) == "nothing"
    for plan in REGISTRY.incoming.values():  # verdicts are remembered
        plan.names.clear() if plan.kind != plans.DATACLASS else None
        plan.shape.clear()
    monkeypatch.setattr(owner, attribute, replacement)
    assert text in found(name, 60_000)
    for plan in REGISTRY.incoming.values():
        plan.names.clear() if plan.kind != plans.DATACLASS else None
        plan.shape.clear()


def test_a_documented_error_is_no_fault() -> None:
    assert issubclass(Fault, AssertionError) and not issubclass(InsecureJelly, Fault)
