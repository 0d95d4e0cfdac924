"""
What a page of the documentation holds that can be checked: its fenced blocks, and the comments that say how to run them.

A page is run as it stands, except that ports 8800 to 8899 become ones that are free:

- ```` ```python ```` whose first line is ``# name.py`` is a file; any other is a fragment. The fragments of a page are run
  in turn, in one namespace, with ``await`` at their top level.
- ```` ```text ```` right behind a fragment is all that it prints. Elsewhere it is a drawing.
- ```` ```console ```` are commands behind ``$`` and what they print, run where the page's files are, before the fragments.
- ```` ```sh ```` is for people.
- Languages in :data:`CHECKED_ELSEWHERE` are checked by tests of their own.

``<!-- python ... -->`` is a fragment that readers do not see. A comment before a block changes how that is run: a command
behind ``<!-- background -->`` goes on while the rest of the page is run, a fragment behind ``<!-- compiled only: why -->``
is never run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.programs import ROOT

CHECKED_ELSEWHERE = {"wire", "jelly", "conversation"}
KNOWN = {"python", "text", "console", "sh"} | CHECKED_ELSEWHERE

BLOCK = re.compile(
    r"^```(?P<language>\S*)[ \t]*(?P<info>[^\n]*)\n(?P<fenced>.*?)^```[ \t]*$|^<!-- ?(?P<comment>.*?)-->[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Block:
    """One fenced block, or a comment (whose language is ``hidden`` if it is code, else ``note``)."""

    page: Path
    line: int  # of its first line of content, from 1
    language: str
    info: str
    content: str
    follows: bool = False  # whether nothing but blank lines lies between it and the block before
    note: str = ""  # the comment right before it

    @property
    def file(self) -> str:
        """The name of the file that it is, or ``""``."""
        found = re.match(r"# ([\w/]+\.py)\n", self.content) if self.language == "python" else None
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that there is."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in order, comments among them only where they are code."""
    text = page.read_text(encoding="utf-8")
    end = 0
    note = ""
    for found in BLOCK.finditer(text):
        follows = not text[end : found.start()].strip()
        end = found.end()
        line = text.count("\n", 0, found.start()) + 2
        if found["comment"] is None:
            note = note if follows else ""
            yield Block(page, line, found["language"], found["info"].strip(), found["fenced"], follows, note)
            note = ""
        elif found["comment"].startswith("python\n"):
            yield Block(page, line, "hidden", "", found["comment"].partition("\n")[2], follows)
        else:
            note = found["comment"].strip()
