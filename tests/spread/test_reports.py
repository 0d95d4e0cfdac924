"""What likewise.spread logs of calls that came to nothing, and of errors that nobody looked at: in bounds, line by line."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from twisted.python.failure import Failure

from likewise.spread import pb

from .ends import Logged, Pair

FORGED = "x\n2026-01-01 00:00:00 CRITICAL root forged\r\x1b[31m\u2028\u202e"


class Told(pb.Copyable, pb.RemoteCopy, pb.Error):
    """An exception that crosses as itself."""

    what = ""

    def __str__(self) -> str:
        return f"told: {self.what}"


pb.setUnjellyableForClass(Told, Told)


class Root(pb.Root):
    def __repr__(self) -> str:
        raise AssertionError("printed, with all that peers have put into it")

    def remote_told(self) -> None:
        error = Told()
        error.what = FORGED
        raise error

    def remote_break(self) -> None:
        raise ValueError(FORGED)

    def remote_refuse(self) -> None:
        raise pb.Error("not you")

    def remote_one(self, value: Any) -> None:
        pass


def told(logged: Logged) -> list[str]:
    """The lines of a log."""
    return "\n".join([*logged.lines, *(each.getTraceback() for each in logged.errors)]).split("\n")


@pytest.mark.parametrize("name", ["told", "break"])
def test_what_nobody_looks_at_is_printed_in_lines_of_ours(name: str) -> None:
    pair = Pair(Root())
    with Logged() as logged:
        dropped = pair.root.callRemote(name)
        pair.carry()
        del dropped
        gc.collect()
    lines = [line for line in told(logged) if "forged" in line]
    assert lines and all(line.isprintable() and not line.startswith("2026") for line in told(logged)), told(logged)


@pytest.mark.parametrize("name", ["told", "break"])
def test_who_looks_has_the_text_as_it_was_sent(name: str) -> None:
    failed = Pair(Root()).ask(name)
    assert isinstance(failed, Failure) and failed.getErrorMessage().endswith(FORGED)
    if name == "told":
        assert failed.check(Told) and failed.value.what == FORGED and "\n" not in repr(failed)


def test_a_method_called_with_other_arguments_prints_no_object_of_ours() -> None:
    with Logged() as logged:
        Pair(Root()).ask("one")
    assert any("Root.remote_one didn't accept () and {}" in line for line in logged.lines)


def test_one_way_calls_that_fail_are_logged_where_they_fail_and_counted() -> None:
    pair = Pair(Root())
    with Logged() as logged:
        for name in ("refuse", "noSuch", "one", "break"):
            pair.root.callRemoteOnly(name)
        pair.client.remoteForName("nobody").callRemoteOnly("any")
        pair.carry()
    lines = told(logged)
    for text in ("'refuse' failed: Error: not you", "remote_noSuch", "didn't accept", "CRITICAL", "Invalid Object ID"):
        assert any(text in line for line in lines), (text, lines)
    assert pair.server.one_way_failures == 5 and pair.client.one_way_failures == 0
