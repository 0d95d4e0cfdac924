"""What setup.py decides before it compiles anything."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

setuptools = pytest.importorskip("setuptools")

ROOT = Path(__file__).parents[1]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
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
    assert "_Py" not in text and "GenericSetDict(" not in text
