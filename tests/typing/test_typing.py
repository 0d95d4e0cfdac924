"""What mypy accepts and refuses of a program that uses likewise."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import likewise
from tests.programs import ROOT

HERE = Path(__file__).parent
SECONDS = 300.0


def found_by_mypy(file: Path, cache: Path, *options: str) -> list[tuple[int, str]]:
    """Pairs (line, code) of what it reports."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    place = Path(likewise.__file__).resolve().parents[1]
    environment = {**os.environ} | ({} if place.name == "site-packages" else {"MYPYPATH": str(place)})
    command = [sys.executable, "-P", "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *options]
    ended = subprocess.run(
        [*command, str(file)], capture_output=True, text=True, cwd=cache, env=environment, timeout=SECONDS
    )
    assert ended.returncode in (0, 1) and not ended.stderr, ended.stdout + ended.stderr
    reported = re.findall(r"^(.*?):(\d+): error: .*\[([\w-]+)\]$", ended.stdout, re.MULTILINE)
    assert {Path(name).name for name, _, _ in reported} <= {file.name}, ended.stdout
    return [(int(line), code) for _, line, code in reported]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_programs_that_are_right_are_accepted(cache: Path) -> None:
    assert found_by_mypy(HERE / "accepted.py", cache, "--enable-error-code=unused-awaitable") == []


def test_a_forgotten_await_is_found(cache: Path) -> None:
    lines = (HERE / "refused.py").read_text(encoding="utf-8").splitlines()
    expected = []
    for number, line in enumerate(lines, 1):
        codes = re.search(r"# E: (.*)$", line)
        expected += [(number, code) for code in codes[1].split(", ")] if codes else []
    assert len(expected) > 10
    assert sorted(found_by_mypy(HERE / "refused.py", cache, "--enable-error-code=unused-awaitable")) == sorted(expected)
    without = found_by_mypy(HERE / "refused.py", cache)
    by_strict = [(line, code) for line, code in expected if code != "unused-awaitable"]
    assert sorted(without) == sorted(by_strict), "by --strict alone"


def test_the_two_files_lie_beside_the_package_s_own_types() -> None:
    assert (Path(likewise.__file__).parent / "py.typed").exists()
    assert ROOT in HERE.parents
