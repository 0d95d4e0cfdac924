"""Sphinx: `make docs` builds these pages as HTML into build/docs. They read as well where they lie."""

import re
from typing import Any

project = "likewise"
author = "The likewise authors"
extensions = ["myst_parser"]
myst_heading_anchors = 3  # links to headings, as they work on the pages themselves
html_theme = "furo"
html_title = "likewise"
suppress_warnings = ["misc.highlighting_failure"]  # languages of our own: wire, jelly, conversation


def adapt(app: Any, name: str, source: list[str]) -> None:
    """What Sphinx needs otherwise than a reader of the files: index.md as a tree; no links to what lies outside."""
    source[0] = re.sub(r"\[([^\]]*)\]\((?:\.\./)+(?:README\.md|examples/|bench/)[^)]*\)", r"\1", source[0])
    if name == "index":
        pages = re.findall(r"\]\(([\w/-]+)\.md\)", source[0])
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"


def setup(app: Any) -> None:
    app.connect("source-read", adapt)
