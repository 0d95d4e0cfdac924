"""
A real Twisted client against our server, as two processes: all of its scenarios, those too that fail where the server
is Twisted.

The same scenarios run against a Twisted server meanwhile. There exactly those fail that Twisted is known to get
wrong, which shows that they can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.processes import likewise_server, twisted_client, twisted_server

PATIENCE = 60.0  # seconds for all scenarios; some 9 are usual
Results = dict[str, dict[str, Any]]


def _said(*arguments: str) -> list[str]:
    with twisted_client(*arguments) as client:
        code, lines, errors = client.end()
    assert (code, errors) == (0, "")
    return lines


SCENARIOS = _said("--list")


@pytest.fixture(scope="module")
def results() -> Iterator[tuple[Results, Results]]:
    """What each scenario saw at our server, and at Twisted's."""
    with likewise_server() as ours, twisted_server() as theirs:
        with twisted_client(ours.port, "--all") as here, twisted_client(theirs.port, "--all") as there:
            (_, seen, _), (_, seen_there, _) = (client.end(PATIENCE) for client in (here, there))
        yield tuple({each["scenario"]: each for each in map(json.loads, lines)} for lines in (seen, seen_there))
        assert ours.leave() == (0, [f"READY {ours.port}"], ""), "asyncio complains of what nobody awaited?"


def test_there_are_130_scenarios() -> None:
    assert len(SCENARIOS) == len(set(SCENARIOS)) == 130


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_twisted_is_served_well(scenario: str, results: tuple[Results, Results]) -> None:
    result = results[0][scenario]
    assert result["ok"], result["error"]


def test_against_twisted_itself_its_known_faults_show(results: tuple[Results, Results]) -> None:
    faults = json.loads("".join(_said("--faults")))
    assert len(faults) == 14
    assert {name for name, result in results[1].items() if not result["ok"]} == faults.keys()
    assert results[1].keys() == results[0].keys()
