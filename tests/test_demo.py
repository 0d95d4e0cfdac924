"""``likewise demo``: it shows every line, and fails when one is missing."""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from likewise.cli import demo
from tests.programs import EXAMPLES, running

BY_CACHE = demo.CONVERSATIONS[2]


def test_the_demo_shows_what_each_side_says_and_ends_well(tmp_path: Path) -> None:
    with running("-m", "likewise", "demo", cwd=tmp_path) as program:
        code, lines, errors = program.end(len(demo.CONVERSATIONS) * demo.CONVERSATION_SECONDS)
    assert (code, errors) == (0, "")
    said = [line.partition("| ") for line in lines]
    for label, line in [
        ("sender", "copy_sender.CopyPond"),
        ("sender", "pond arrived safe and sound"),
        ("receiver", "7 frogs"),
        ("receiver", " count 7"),
        ("receiver", "dropping pond"),
        ("receiver that stays", "[2] ducks:  ['two duck', 'ugly duckling']"),
    ]:
        assert [1 for who, _, what in said if (who.strip(), what) == (label, line)], (label, line)
    assert [what for who, _, what in said if who.strip() == "receiver that goes"][-1].startswith("[3] ducks")
    assert lines[-1] == "All 4 conversations went as expected."


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A copy of the example programs, to spoil."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__")))


def spoil(program: Path, what: str, by: str) -> None:
    text = program.read_text(encoding="utf-8")
    assert what in text
    program.write_text(text.replace(what, by), encoding="utf-8")


def test_another_line_than_expected_is_a_fault(programs: Path) -> None:
    spoil(programs / "cache_classes.py", "self.cacheducks.remove(deadDuck)", "pass")
    faults = asyncio.run(demo.play(BY_CACHE, programs))
    assert len(faults) == 1
    assert faults[0].startswith('receiver (cache_receiver.py) said "[3] ducks:')
    assert faults[0].endswith("""as line 8, where it should say "[2] ducks:  ['two duck', 'ugly duckling']\"""")


def test_a_missing_line_is_a_fault(programs: Path) -> None:
    spoil(programs / "cache_receiver.py", 'print("dropping pond")', "pass")
    faults = asyncio.run(demo.play(BY_CACHE, programs))
    assert faults == ["receiver (cache_receiver.py) said nothing as line 9, where it should say 'dropping pond'"]


def test_a_line_too_many_is_a_fault(programs: Path) -> None:
    spoil(programs / "cache_receiver.py", 'print("dropping pond")', 'print("dropping pond\\nand more")')
    faults = asyncio.run(demo.play(BY_CACHE, programs))
    assert faults == ["receiver (cache_receiver.py) said 'and more' as line 10, where it should say nothing"]


def test_a_sender_that_fails_ends_the_conversation(programs: Path) -> None:
    spoil(programs / "cache_sender.py", '"takePond"', '"takeNothing"')
    faults = asyncio.run(demo.play(BY_CACHE, programs))
    assert "sender (cache_sender.py) ended with code 1" in faults
    assert [fault for fault in faults if "remote_takeNothing" in fault]


def test_a_receiver_that_does_not_come_up_ends_the_conversation(programs: Path) -> None:
    spoil(programs / "cache_receiver.py", "import likewise", "import likewise_that_is_not_there as likewise")
    faults = asyncio.run(demo.play(BY_CACHE, programs))
    assert faults[0] == "cache_receiver.py ended before it listened"


def test_a_program_that_hangs_is_given_up(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CONVERSATION_SECONDS", 2.0)
    spoil(programs / "cache_sender.py", "master.count()", "master.count(); await asyncio.sleep(1000)")
    faults = asyncio.run(demo.play(BY_CACHE, programs))
    assert faults[0] == "it was not over after 2 s"


def test_the_demo_fails_if_one_conversation_does(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(programs / "copy_sender.py", '"green", 7', '"green", 8')
    monkeypatch.setattr(demo, "examples", lambda: programs)
    assert demo.run_demo() == 1
    assert capsys.readouterr().err.endswith("likewise: 1 of 4 conversations did not go as expected\n")


def test_where_there_are_no_programs_the_demo_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "a" / "b" / "c" / "demo.py"))
    monkeypatch.setattr(demo.metadata, "files", lambda name: None)
    with pytest.raises(FileNotFoundError, match="install likewise from its wheel"):
        demo.examples()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_make_demo_compiles_nothing_and_says_what_it_does_first() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", "ON=-of-nobody", "demo"]
    done = subprocess.run(command, cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and "the demo runs on an installed likewise" in lines[0]
    installing = [line for line in lines if " -m pip " in line]
    assert installing and all(line.startswith("LIKEWISE_PURE=1 LIKEWISE_COMPILED= ") for line in installing)
