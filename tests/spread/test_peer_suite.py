"""Twisted's own tests of its PB, run against likewise.spread; they are kept beside this project, in ../shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import likewise

SUITE = Path(__file__).resolve().parents[2].parent / "shared" / "conformance" / "peer_suite" / "run.py"
OTHER_PLACE = os.environ.get("LIKEWISE_CONFORMANCE")


def suite() -> Path:
    return Path(OTHER_PLACE, "peer_suite", "run.py") if OTHER_PLACE else SUITE


@pytest.mark.skipif(not suite().exists(), reason="the conformance data is not there: ../shared/conformance")
def test_twisteds_own_tests_pass(tmp_path: Path) -> None:
    pytest.importorskip("twisted")
    report = tmp_path / "report.json"
    environment = os.environ | {"PKG_SPREAD": "likewise.spread", "PKG_PATH": str(Path(likewise.__file__).parents[1])}
    command = [sys.executable, str(suite()), "--json", str(report), "--timeout", "120"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    found = json.loads(report.read_text())
    assert ran.returncode == 0, ran.stdout
    assert (found["required_passed"], found["required_of"]) == (130, 130) and found["leaks"] == []
    assert found["passed"] == found["of"] == 134
