"""One and the same program, on Twisted's PB and on ours: what becomes of the chapter's pattern when observers leave."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import environment

pytest.importorskip("twisted")

PROGRAM = Path(__file__).with_name("many_observers.py")


def outcome(package: str) -> dict[str, int]:
    command = [sys.executable, str(PROGRAM), package]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment())
    assert ran.returncode == 0, ran.stderr
    found: dict[str, int] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_a_thousand_observers_come_and_go_and_nothing_is_lost() -> None:
    ours, twisteds = outcome("likewise.spread"), outcome("twisted.spread")
    observing = ours["observing"]
    assert observing == twisteds["observing"] > 500
    assert ours == {"raised": 0, "missed": 0, "could not leave": 0, "left over": 0, "observing": observing}
    assert twisteds["raised"] == 60 and twisteds["missed"] > 50_000 and twisteds["left over"] > 2_000
