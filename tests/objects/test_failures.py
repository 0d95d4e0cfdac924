"""What of an exception crosses: its text cut, its traceback only where that is switched on."""

from __future__ import annotations

from typing import Any

import likewise
from likewise.testing import Pair


class Root(likewise.Root):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def remote_fail(self) -> None:
        raise self.error


def failure(error: Exception, *, tracebacks: bool = False) -> Any:
    pair = Pair(Root(error), tracebacks=tracebacks)
    result = pair.client.root.callRemote("fail")
    pair.run()
    return result.error


def test_the_traceback_stays_home_unless_it_is_asked_for() -> None:
    kept = failure(ValueError("as asked"))
    assert isinstance(kept, likewise.RemoteError) and kept.type == "builtins.ValueError"
    assert kept.traceback == "" and kept.text == "as asked" and kept.id > 0


def test_the_traceback_crosses_where_it_is_switched_on() -> None:
    shown = failure(ValueError("as asked"), tracebacks=True)
    assert "remote_fail" in shown.traceback and "ValueError: as asked" in shown.traceback


def test_the_traceback_of_an_error_that_holds_much_is_an_outline() -> None:
    large = failure(ValueError(["x" * 1_000] * 1_000), tracebacks=True)
    assert "ValueError" in large.traceback and len(large.traceback) <= 60_000
    assert len(large.text) <= 10_010


def test_a_relayed_text_is_cut_too() -> None:
    relayed = failure(likewise.RemoteError("other.Type", "x" * 20_000))
    assert relayed.type == "other.Type" and len(relayed.text) <= 10_010
