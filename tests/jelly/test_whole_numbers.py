"""Where an annotation means floats, a whole number that arrives becomes one: at any depth, and nothing else changes."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from likewise.jelly.annotations import check_for


class Point(typing.TypedDict, total=False):
    x: float
    name: str


LONG = tuple(range(20))

TABLE: list[tuple[Any, Any, Any]] = [
    (float, 3, 3.0),
    (float, 2**70, float(2**70)),
    (float, 10**400, 10**400),  # no float is so large
    (float, 2**53 + 1, 2**53 + 1),  # it would be another number
    (list[float], [1, 2.5], [1.0, 2.5]),
    (dict[str, float], {"a": 1}, {"a": 1.0}),
    (dict[float, int], {1: 1}, {1.0: 1}),
    (set[float], {1, 2.5}, {1.0, 2.5}),
    (frozenset[float], frozenset({1}), frozenset({1.0})),
    (tuple[float, int], (1, 2), (1.0, 2)),
    (tuple[int, *tuple[float, ...]], (1, *LONG), (1, *map(float, LONG))),
    (tuple[float, ...], LONG, tuple(map(float, LONG))),
    (float | None, 1, 1.0),
    (float | None, None, None),
    (float | str, "x", "x"),
    (int | float, 1, 1),  # a whole number is meant as well
    (list[float] | int, 4, 4),
    (list[float] | str, [4], [4.0]),
    (Point, {"x": 1, "name": "p"}, {"x": 1.0, "name": "p"}),
    (Point, {"name": "p"}, {"name": "p"}),
    (list[Point], [{"x": 1}, {"x": 2.5}], [{"x": 1.0}, {"x": 2.5}]),
]


def classes(value: Any) -> Any:
    """The classes of a value and of all in it."""
    if isinstance(value, dict):
        return dict, [(classes(key), classes(each)) for key, each in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(str(type(each)) for each in value)
    if isinstance(value, (list, tuple)):
        return type(value), [classes(each) for each in value]
    return type(value)


@pytest.mark.parametrize(("annotation", "value", "wanted"), TABLE, ids=lambda each: str(each)[:40])
@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "anew"])
@pytest.mark.parametrize("seen", [None, {}], ids=["shared by nobody", "perhaps shared"])
def test_floats_are_made_where_they_are_meant(annotation: Any, value: Any, wanted: Any, in_place: bool, seen: Any) -> None:
    check = check_for(annotation)
    assert check is not None
    value = type(value)(value) if isinstance(value, (list, set)) else dict(value) if isinstance(value, dict) else value
    seen = None if seen is None else {}
    assert check.holds(value, seen)
    made = check.to_float(value, seen, in_place) if check.floats else value
    assert made == wanted and classes(made) == classes(wanted)
    if in_place and isinstance(value, (list, set, dict)):
        assert made is value


def test_what_is_shared_becomes_one_object() -> None:
    check = check_for(list[list[float]])
    assert check is not None
    shared = [1, *range(20)]
    first, second = check.to_float([shared, shared], {}, False)
    assert first is second and all(type(each) is float for each in first)


@pytest.mark.parametrize(
    ("annotation", "value", "path"),
    [
        (tuple[int, *tuple[str, ...]], (1, *("x",) * 12, 5), "[13]"),
        (Point, {"x": "far"}, "['x']"),
        (list[Point], [{"x": "far"}], "[0]['x']"),
        (dict[str, list[float]], {"a": ["x"]}, "['a'][0]"),
        (float, "x", ""),
        (tuple[int, int], (1,), ""),
        (Point, [], ""),
    ],
)
def test_what_does_not_fit_is_found(annotation: Any, value: Any, path: str) -> None:
    check = check_for(annotation)
    assert check is not None and not check.holds(value, {})
    assert check.offender(value, {})[0].strip() == path
    assert not check.floats or check.to_float(value, {}, False) == value  # what does not fit is left as it is
