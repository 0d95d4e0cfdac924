"""The page on the architecture says what is so: its drawing is that of the imports, and what it names is there."""

import re

import pytest

from tests.programs import ROOT
from tests.test_layers import LAYERS, MODULES, OWN_IMPORTS, PACKAGE

PAGE = (ROOT / "docs" / "topics" / "architecture.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:\w+/)?\w+\.py)`", PAGE)))


def drawn() -> list[list[set[str]]]:
    """The rows of the drawing: in each the parts that do not know one another."""
    drawing = PAGE.partition("```text\n")[2].partition("```")[0]
    return [[set(part.split()) for part in re.split(r"\s{3,}", row)[0].split("|")] for row in drawing.splitlines()]


def test_the_drawing_has_the_layers_that_the_imports_are_held_to() -> None:
    there = {module.split(".")[1] for module in MODULES if "." in module} - {"__main__"}
    built = [[set(part.split()) & there for part in row.split("|")] for row in LAYERS]
    assert drawn() == [[part for part in row if part] for row in built if any(row)]


@pytest.mark.parametrize("name", NAMED)
def test_every_module_that_the_page_names_is_there(name: str) -> None:
    assert (PACKAGE / name).is_file()


def ways() -> list[list[str]]:
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    return [re.findall(r"`(\w+/\w+)\.py`", part) for part in parts if re.match(r"A \w+, ", part)]


@pytest.mark.parametrize("way", ways(), ids=["call", "change", "chunk"])
def test_every_room_of_a_way_is_joined_to_the_others_by_imports(way: list[str]) -> None:
    rooms = {f"likewise.{room.replace('/', '.')}" for room in way}
    joined: dict[str, set[str]] = {module: set() for module in MODULES}
    for each in OWN_IMPORTS:
        joined[each.importer].add(each.imported)
        joined[each.imported].add(each.importer)
    meeting = {"likewise.jelly.context", "likewise.broker.core"}  # what flavours and drivers know of a session
    reached, waiting = set(), [min(rooms)]
    while waiting:
        room = waiting.pop()
        if room not in reached:
            reached.add(room)
            waiting += joined[room] & (rooms | meeting)
    assert rooms <= reached
