"""What setup.py decides before it compiles anything, and which Pythons the tests look for."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PRIVATE = {"_PyLong_FromByteArray"}  # before 3.13, where PyLong_FromUnsignedNativeBytes is there to replace it


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    setuptools = pytest.importorskip("setuptools")  # environments of 3.12 and later come without
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: None)
    monkeypatch.chdir(ROOT)
    return runpy.run_path("setup.py")


def write(file: Path, time: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    os.utime(file, (time, time))


@pytest.mark.parametrize(
    "changed", ["setup.py", "src/likewise/wire/native.pxd", "src/likewise/wire/reader.pxd"], ids=lambda path: Path(path).name
)
def test_all_is_translated_anew_when_a_rule_has_changed_since(
    rules: dict[str, Any], changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.chdir(tmp_path)
    command = rules["AllOrNone"](setuptools.Distribution())
    command.build_temp = "build/temp"
    command.extensions = [setuptools.Extension("likewise.wire.reader", ["src/likewise/wire/reader.py"])]
    for path in ("setup.py", "src/likewise/wire/native.pxd", "src/likewise/wire/reader.pxd"):
        write(Path(path), 1_000)
    assert not command.is_outdated()  # nothing is there yet: all is translated in any case
    write(Path("build/temp/src/likewise/wire/reader.c"), 2_000)
    write(Path("build/temp/src/likewise/wire/gone.c"), 500)  # of a module that is compiled no more
    assert not command.is_outdated()
    write(Path(changed), 3_000)
    assert command.is_outdated()


def test_every_module_with_a_pxd_is_listed_and_every_one_listed_has_one(rules: dict[str, Any]) -> None:
    declared = {file.relative_to(ROOT / "src").with_suffix(".py").as_posix() for file in (ROOT / "src").rglob("*.pxd")}
    assert declared - {"likewise/wire/native.py"} == set(rules["COMPILED"])


def test_the_c_api_is_named_in_one_file() -> None:
    using = {file.name for file in (ROOT / "src").rglob("*.pxd") if "cdef extern" in file.read_text(encoding="utf-8")}
    assert using == {"native.pxd"}
    text = (ROOT / "src/likewise/wire/native.pxd").read_text(encoding="utf-8")
    declared = re.sub(r"^#.*", "", text, flags=re.MULTILINE)
    assert set(re.findall(r"\b_Py\w+", declared)) <= PRIVATE and "GenericSetDict" not in declared


def test_nothing_says_that_free_threaded_builds_are_supported(rules: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert rules["DIRECTIVES"]["freethreading_compatible"] is False  # such a Python then turns its GIL on
    assert not [each for each in project["classifiers"] if "Free Threading" in each]


def test_the_pythons_that_are_promised_are_those_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = [each.rpartition(" ")[2] for each in project["classifiers"] if re.search(r":: 3\.\d+$", each)]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"^PYTHONS \?= (.*)$", makefile, re.MULTILINE)
    assert found and found[1].split() == promised
    assert project["requires-python"] == f">={promised[0]}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a shim that leads nowhere on PATH, and this very Python where pyenv keeps those that work."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    shim = tmp_path / "shims" / f"python{version}"
    kept = tmp_path / ".pyenv" / "versions" / f"{version}.99" / "bin" / "python3"
    for program, lines in ((shim, "exit 127"), (kept, f'exec "{sys.executable}" "$@"')):
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_a_shim_that_leads_nowhere_does_not_hide_the_python_behind_it(home: Path) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    environment = {"HOME": str(home), "PATH": f"{home / 'shims'}:/nowhere"}
    bash = shutil.which("bash")
    assert bash is not None

    def found(wanted: str) -> tuple[int, str]:
        done = subprocess.run([bash, ".ci/find-python", wanted], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.stderr == ""
        return done.returncode, done.stdout.strip()

    assert found(version) == found(f"python{version}") == found(sys.executable) == (0, sys.executable)
    assert found("3.99") == found("3.2") == found("/nowhere/python") == (1, "")


MAKE = """#!/bin/sh
case "$2" in
coverage) echo "noise"; echo "12 passed in 3s" ;;
test-compiled) echo "== tests on the compiled build"; {compiled} ;;
esac
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("is_well", [True, False], ids=["passing", "failing"])
def test_the_matrix_shows_how_each_suite_closed_and_says_what_it_did_not_find(is_well: bool, tmp_path: Path) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    make = tmp_path / "make"
    make.write_text(MAKE.replace("{compiled}", 'echo "11 passed in 2s"' if is_well else 'echo "what went wrong"; exit 2'))
    make.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MATRIX_LOGS": str(tmp_path / "logs")}
    environment["MATRIX_JOBS"] = "1"  # what is shown stands in this order
    command = ["bash", ".ci/matrix", sys.executable, version, "3.99"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == (0 if is_well else 1), done
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        f"Python {version}: {sys.executable}",
        f"Python {version}: is named twice, once is enough",
        "Python 3.99: not found here, NOT TESTED",
    ]
    assert "12 passed in 3s" in lines and "noise" not in lines
    if is_well:
        assert "11 passed in 2s" in lines
        assert lines[-1] == "== 2 suites passed; not found, hence not tested: Python 3.99"
    else:
        assert "what went wrong" in lines and lines[-1] == f"---- compiled build on Python {version}: FAILED, see above"
        assert done.stderr == f"== failed: compiled-{version} \n"
