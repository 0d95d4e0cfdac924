"""The pages on safety say what the code does: each limit is there, each with its row."""

import dataclasses
import re
from pathlib import Path

import likewise

ROOT = Path(__file__).parent.parent
MODEL = (ROOT / "docs" / "topics" / "threat-model.md").read_text(encoding="utf-8")
POLICY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_each_limit_has_its_row_in_the_order_of_its_field_and_there_is_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", MODEL.split("## Each bound")[1].split("\n## ")[0], re.MULTILINE)
    fields = [field.name for field in dataclasses.fields(likewise.Limits)]
    assert sorted(rows) == sorted(fields)


def test_each_limit_has_a_reason_in_the_source() -> None:
    source = (ROOT / "src" / "likewise" / "limits.py").read_text(encoding="utf-8")
    for field in dataclasses.fields(likewise.Limits):
        assert re.search(rf'^    {field.name}: \w+ = .+\n    """', source, re.MULTILINE), field.name


def test_what_the_policy_names_is_there() -> None:
    for path in re.findall(r"`(src/[\w/.]+)`", POLICY):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make (\w+)", POLICY):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_limits_for_strangers_are_nowhere_wider_than_the_usual_ones() -> None:
    usual, strangers, trusted = likewise.Limits(), likewise.Limits.public(), likewise.Limits.trusted()
    for field in dataclasses.fields(likewise.Limits):
        assert getattr(strangers, field.name) <= getattr(usual, field.name) <= getattr(trusted, field.name), field.name
