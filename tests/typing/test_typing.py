"""What mypy and pyright accept and refuse of a program that uses likewise."""

from __future__ import annotations

import importlib.util
import json
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
PYRIGHTS = ("pyright", "basedpyright")  # the second is the first with what it needs inside, so that pip alone installs it


def place() -> Path:
    return Path(likewise.__file__).resolve().parents[1]


def found_by_mypy(file: Path, cache: Path, *options: str) -> list[tuple[int, str]]:
    """Pairs (line, code) of what it reports."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    environment = {**os.environ} | ({} if place().name == "site-packages" else {"MYPYPATH": str(place())})
    command = [sys.executable, "-P", "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *options]
    ended = subprocess.run(
        [*command, str(file)], capture_output=True, text=True, cwd=cache, env=environment, timeout=SECONDS
    )
    assert ended.returncode in (0, 1) and not ended.stderr, ended.stdout + ended.stderr
    reported = re.findall(r"^(.*?):(\d+): error: .*\[([\w-]+)\]$", ended.stdout, re.MULTILINE)
    assert {Path(name).name for name, _, _ in reported} <= {file.name}, ended.stdout
    return [(int(line), code) for _, line, code in reported]


def found_by_pyright(file: Path, directory: Path) -> list[tuple[int, str]]:
    """Pairs (line, rule) of what it reports in its strict mode, without its experiments."""
    found = [each for each in PYRIGHTS if importlib.util.find_spec(each) is not None]
    if not found:
        pytest.skip("pyright is not installed")
    config = {
        "typeCheckingMode": "strict",
        "enableExperimentalFeatures": False,
        "extraPaths": [str(place())],
        "include": [str(file)],
        "pythonVersion": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    (directory / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-P", "-m", found[0], "--outputjson", "--pythonpath", sys.executable, "-p", str(directory)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=directory, timeout=SECONDS)
    assert ended.returncode in (0, 1), ended.stdout + ended.stderr
    reported = json.loads(ended.stdout)["generalDiagnostics"]
    assert {Path(each["file"]).name for each in reported} <= {file.name}, reported
    faults = [each for each in reported if each["severity"] == "error"]
    return [(each["range"]["start"]["line"] + 1, each.get("rule", each["message"])) for each in faults]


def expected(file: Path, mark: str) -> list[tuple[int, str]]:
    """Pairs (line, code) of what the lines of a file say that a checker is to report."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        codes = re.search(rf"# .*?\b{mark}: ([\w, -]+?)(?: [A-Z]:|$)", line)
        found += [(number, code) for code in codes[1].split(", ")] if codes else []
    assert len(found) > 10
    return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_programs_that_are_right_are_accepted(cache: Path) -> None:
    assert found_by_mypy(HERE / "accepted.py", cache, "--enable-error-code=unused-awaitable") == []


def test_a_forgotten_await_is_found(cache: Path) -> None:
    wanted = expected(HERE / "refused.py", "E")
    assert sorted(found_by_mypy(HERE / "refused.py", cache, "--enable-error-code=unused-awaitable")) == sorted(wanted)
    without = found_by_mypy(HERE / "refused.py", cache)
    by_strict = [(line, code) for line, code in wanted if code != "unused-awaitable"]
    assert sorted(without) == sorted(by_strict), "by --strict alone"


def test_typed_calls_that_are_right_are_accepted_by_mypy(cache: Path) -> None:
    assert found_by_mypy(HERE / "typed_accepted.py", cache) == []


def test_typed_calls_that_are_wrong_are_refused_by_mypy(cache: Path) -> None:
    assert sorted(found_by_mypy(HERE / "typed_refused.py", cache)) == sorted(expected(HERE / "typed_refused.py", "E"))


@pytest.mark.parametrize("name", ["accepted.py", "typed_accepted.py"])
def test_what_is_right_is_accepted_by_pyright(name: str, tmp_path: Path) -> None:
    assert found_by_pyright(HERE / name, tmp_path) == []


def test_typed_calls_that_are_wrong_are_refused_by_pyright(tmp_path: Path) -> None:
    found = found_by_pyright(HERE / "typed_refused.py", tmp_path)
    found = [(line, rule) for line, rule in found if not rule.startswith("reportUnknown")]  # what follows from the others
    assert sorted(found) == sorted(expected(HERE / "typed_refused.py", "P"))


def test_the_files_lie_beside_the_package_s_own_types() -> None:
    assert (Path(likewise.__file__).parent / "py.typed").exists()
    assert ROOT in HERE.parents
