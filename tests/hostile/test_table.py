"""The table of attacks in README.md says where each is tried, and there it is."""

import re
from pathlib import Path

import pytest

from tests.hostile import corpus

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = (HERE / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([SHML]-(\d+)) (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
NOT_THERE_YET = {"S-40", "S-41", "S-42", "S-51", "S-52", "S-53"}


def test_each_attack_has_its_row() -> None:
    assert [int(number) for name, number, *_ in ROWS if name.startswith("S-")] == list(range(1, 55))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_says_where_or_why_not(row: tuple[str, ...]) -> None:
    name, _, _, outcome, places = row
    files = re.findall(r"`([\w/.]+)`", places)
    if name in NOT_THERE_YET:
        assert outcome.startswith("does not apply: ") and not files
        return
    assert files
    for file in files:
        path = HERE / file if "/" not in file else ROOT / file
        assert path.exists(), file
        module = path.stem
        if path.parent == HERE and not module.startswith("test_"):
            assert [case for case in corpus.CASES if case.id == name and _module(case) == module], f"{name} in {file}"
        elif path.parent == HERE:
            assert name in path.read_text(encoding="utf-8"), f"{name} in {file}"


def test_no_case_is_missing_from_the_table() -> None:
    told = {(name, Path(file).stem) for name, _, _, _, places in ROWS for file in re.findall(r"`([\w/.]+)`", places)}
    assert {(case.id, _module(case)) for case in corpus.CASES} <= told


def _module(case: corpus.Case) -> str:
    run = getattr(case.run, "func", case.run)
    return str(run.__module__).rpartition(".")[2]
