"""Everything that README.md and docs/ show is run as it stands; what they say it prints is what it prints."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import re
import shlex
import socket
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import pytest

import likewise
from tests.pages import KNOWN, Block, blocks, pages
from tests.programs import ROOT, Program, environment, running, without_addresses

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
SECONDS = 60.0


class Ports(dict[str, str]):
    """The ports that a page names, 8800 to 8899, and what is free in their place."""

    def __missing__(self, named: str) -> str:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self[named] = str(probe.getsockname()[1])
        return self[named]

    def put_into(self, text: str) -> str:
        return re.sub(r"\b88\d\d\b", lambda found: self[found[0]], text)


@pytest.mark.parametrize("name", PAGES)
def test_what_the_page_shows_runs(name: str, tmp_path: Path) -> None:
    found = list(blocks(PAGES[name]))
    ports = Ports()
    for block in found:
        if block.file:
            (tmp_path / block.file).write_text(ports.put_into(block.content), encoding="utf-8")
            compile(block.content, str(block), "exec")
    with ExitStack() as stack:
        for block in found:
            if block.language == "console":
                run_commands(block, ports, tmp_path, stack)
        run_fragments(found, ports, tmp_path)


def run_commands(block: Block, ports: Ports, place: Path, stack: ExitStack) -> None:
    """Run the commands of one block; those in the background end with the page."""
    for command, printed in commands(ports.put_into(block.content)):
        words = shlex.split(command)
        assert words[0] in ("python", "likewise"), f"{block}: {command}"
        arguments = words[1:] if words[0] == "python" else ["-m", *words]
        program = stack.enter_context(running(*arguments, cwd=place))
        if block.note == "background":
            stack.callback(check_the_rest, block, program, printed)
            if printed:
                assert program.line() == printed[0], block
        else:
            _, lines, errors = program.end()
            assert without_addresses(lines + errors.splitlines()) == without_addresses(printed), block


def check_the_rest(block: Block, program: Program, printed: list[str]) -> None:
    """A program in the background has printed what the page says, no more and no less, by the end of the page."""
    while len(program.seen) < len(printed):
        program.line()
    program.process.kill()
    program.end()
    assert without_addresses(program.seen) == without_addresses(printed), block


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Pairs (command, lines that it prints)."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def run_fragments(found: list[Block], ports: Ports, place: Path) -> None:
    fragments = []
    for i, block in enumerate(found):
        if block.language not in ("python", "hidden") or block.file:
            continue
        if block.note.startswith("compiled only: "):
            compile(block.content, str(block), "exec", 0x2000)  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            continue
        after = found[i + 1] if i + 1 < len(found) else None
        printed = ports.put_into(after.content) if after and after.follows and after.language == "text" else None
        page = str(block.page.relative_to(ROOT))
        fragments.append([page, block.line, ports.put_into(block.content), printed])
    if not fragments:
        return
    result = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "run_fragments.py")],
        input=json.dumps(fragments),
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=place,
        env=environment(),
        timeout=SECONDS,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "a page that logs, or leaves something behind, says so"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_on_the_page_goes_unchecked(name: str) -> None:
    page = PAGES[name]
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^```", text, re.MULTILINE)) % 2 == 0
    for block in blocks(page):
        assert block.language in KNOWN | {"hidden"}, f"{block}: how is {block.language!r} to be checked?"
        reason = block.note.removeprefix("compiled only")
        assert block.note in ("", "background") or (reason.startswith(": ") and len(reason) > 10), f"{block}: {block.note}"


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith(("docs/howto", "docs/tutorial", "docs/index"))])
def test_whoever_follows_the_page_has_every_name_that_it_uses(name: str) -> None:
    """What readers do not see runs here only: nothing that they see may need it."""
    hidden: set[str] = set()
    for block in blocks(PAGES[name]):
        if block.language not in ("python", "hidden") or block.file:
            continue
        tree = ast.parse(f"async def page():\n{textwrap.indent(block.content, '    ')}\n    pass")
        bound, used = bound_and_used(tree)
        if block.language == "hidden":
            hidden |= bound
            continue
        hidden -= bound
        assert not used & hidden, f"{block}: a comment of the page defines {', '.join(sorted(used & hidden))}"


def bound_and_used(tree: ast.AST) -> tuple[set[str], set[str]]:
    """The names that code binds, and those that it uses."""
    nodes = list(ast.walk(tree))
    bound = {each.name for each in nodes if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    bound |= {each.asname or each.name.partition(".")[0] for each in nodes if isinstance(each, ast.alias)}
    bound |= {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    return bound, {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


@pytest.mark.parametrize("name", PAGES)
def test_the_links_of_the_page_lead_somewhere(name: str) -> None:
    page = PAGES[name]
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", text):
        file = (page.parent / target) if target else page
        assert file.exists(), f"{name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{name}: {target}#{anchor}"


def slug(heading: str) -> str:
    """The anchor that is made of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def names_in(text: str) -> set[str]:
    """What stands in backticks in the headings and in the first column of the tables."""
    firsts = re.findall(r"^(?:#+ (.*)|\| ([^|]*) \|.*)$", text, re.MULTILINE)
    return set(re.findall(r"`(?:await )?(\w+)", " ".join(heading or cell for heading, cell in firsts)))


def section(text: str, heading: str) -> str:
    """From a heading to the next."""
    return text.partition(f"\n### `{heading}")[2].partition("\n#")[0]


REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def test_the_reference_names_all_that_is_public() -> None:
    assert sorted(set(likewise.__all__) - names_in(REFERENCE)) == []


@pytest.mark.parametrize("name", ["serve", "connect"])
def test_the_reference_names_every_parameter(name: str) -> None:
    parameters = set(inspect.signature(getattr(likewise, name)).parameters)
    assert names_in(section(REFERENCE, f"{name}(")) == parameters


@pytest.mark.parametrize("cls", [likewise.Server, likewise.Connection])
def test_the_reference_names_members_that_exist(cls: type) -> None:
    named = names_in(section(REFERENCE, cls.__name__))
    assert len(named) > 5 and sorted(name for name in named if not hasattr(cls, name)) == []


def test_the_names_of_trace_records_are_those_that_the_source_has() -> None:
    traced = set()
    for module in Path(likewise.__file__).parent.rglob("*.py"):
        traced |= set(re.findall(r'\b(?:_trace|_?record)\(\s*"([\w.-]+)"', module.read_text(encoding="utf-8")))
    text = (ROOT / "docs" / "howto" / "logging.md").read_text(encoding="utf-8").partition("## Traces")[2]
    rows = " ".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))
    assert len(traced) > 5 and set(re.findall(r"`([\w.-]+)`", rows)) == traced
    assert set(re.findall(r"``([\w.-]+)``", likewise.Record.__doc__ or "")) - {"name", "detail"} == traced


def test_the_table_of_limits_is_true() -> None:
    text = (ROOT / "docs" / "topics" / "safety.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+|none) \| ([\d,]+) \|", text, re.MULTILINE)
    rows = [(name, usual.replace("none", "inf").replace(",", ""), public.replace(",", "")) for name, usual, public in rows]
    said = {name: (float(usual), float(public)) for name, usual, public in rows}
    usual, public = likewise.Limits(), likewise.Limits.public()
    fields = [field.name for field in dataclasses.fields(likewise.Limits)]
    assert said == {name: (getattr(usual, name), getattr(public, name)) for name in fields}


def test_the_front_page_says_what_it_is_shows_it_and_how_to_get_it() -> None:
    index = ROOT / "docs" / "index.md"
    text = index.read_text(encoding="utf-8")
    assert {"python", "text", "sh"} <= {block.language for block in blocks(index)}
    assert "pip install" in text and text.index("```python") < text.index("pip install") < text.index("howto/")


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = re.findall(r"\]\(([^)#]+\.md)\)", index.read_text(encoding="utf-8"))
    assert sorted([*((index.parent / each).resolve() for each in linked), index]) == sorted(pages())  # each once
