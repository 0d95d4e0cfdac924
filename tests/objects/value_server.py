"""
A server in a process of its own that says what values it was given: ``value_server.py``.

It prints ``listening on PORT`` and serves until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import likewise

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.jelly import rich


class Root(likewise.Root):
    def __init__(self) -> None:
        self.held: dict[str, Any] = {}

    def remote_echo(self, value: Any) -> Any:
        return value

    def remote_pair(self, value: Any) -> Any:
        """The same object twice, if it came as one."""
        one, other = value
        return one is other, [one, one]

    def remote_says(self, value: Any) -> str:
        return said_of(value)

    def remote_failed(self) -> Any:
        """What went wrong, as a value, twice."""
        fault = rich.Fault("no seed", 7)
        fault.add_note("try again tomorrow")
        return [fault, fault, ValueError("not known there")]


def said_of(value: Any) -> str:
    """A value in words: what it is, and all that it says."""
    if isinstance(value, (rich.Colour, rich.Level, rich.Word)):
        return f"{type(value).__qualname__}.{value.name}"
    return f"{type(value).__module__}.{type(value).__qualname__} {value!r}"


async def main() -> None:
    async with likewise.serve(Root(), "tcp://127.0.0.1:0", accept=rich.registry) as server:
        print(f"listening on {server.port}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
