"""Two ends in memory that send one value there and back: for tests of what crosses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import likewise
from likewise.jelly import foreign
from likewise.jelly.registry import default_registry
from likewise.testing import Pair


class Echo(likewise.Root):
    def __init__(self) -> None:
        self.got: Any = None

    def remote_echo(self, value: Any) -> Any:
        self.got = value
        return value


def asked(pair: Pair, value: Any) -> Any:
    """What comes back of a value; raises what the call fails with."""
    result = pair.client.root.callRemote("echo", value)
    pair.run()
    if result.error is not None:
        raise result.error
    return result.value


def echoed(value: Any, **options: Any) -> Any:
    """The same over a connection of its own."""
    return asked(Pair(Echo(), **options), value)


def refused(value: Any, **options: Any) -> str:
    """The text of the error that a call with this value fails with."""
    try:
        got = echoed(value, **options)
    except likewise.InsecureJelly as error:
        return str(error)
    raise AssertionError(f"it crossed, and came back as {got!r}")


@contextmanager
def restored() -> Iterator[None]:
    """What is adopted process-wide within is forgotten behind: other tests are of the same process."""
    tables: list[dict[Any, Any]] = [
        default_registry.incoming,
        default_registry.adoptions,
        default_registry._claims,
        foreign.ADOPTED,
    ]
    before = [dict(table) for table in tables]
    try:
        yield
    finally:
        for table, items in zip(tables, before, strict=True):
            table.clear()
            table.update(items)
