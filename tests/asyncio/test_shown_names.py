"""What ``dir()`` shows of a connection is what the reference documents."""

import asyncio
import re
from typing import Any

import likewise
from tests.programs import ROOT


def documented() -> set[str]:
    """The names in the table of ``Connection`` in the reference."""
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    section = page.partition("### `Connection`")[2].partition("\n#")[0]
    firsts = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    return {re.split(r"\W", name.removeprefix("await "))[0] for first in firsts for name in re.findall(r"`([^`]+)`", first)}


def test_dir_of_a_connection_shows_what_users_call_and_nothing_else() -> None:
    async def main() -> tuple[Any, Any]:
        root = likewise.Root()
        async with likewise.serve(root, "tcp://127.0.0.1:0") as server, likewise.connect(server.address) as client:
            return dir(client), dir(server.connections[0])

    for names in asyncio.run(main()):
        assert {name for name in names if not name.startswith("_")} == documented()
