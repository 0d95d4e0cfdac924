"""What is logged about peers: in bounds, and no text of a peer's looks like a line of ours."""

import logging
from collections.abc import Callable

import pytest

import likewise
from likewise.bounded import one_line
from likewise.logs import Seldom, Throttle

FORGED = "x\n2026-01-01 00:00:00 CRITICAL root forged\r\x1b[31m\u2028\u202e"


def never(seconds: float, run: Callable[[], None]) -> None:
    """Where a loop would run something later."""


def written(caplog: pytest.LogCaptureFixture) -> list[str]:
    formatter = logging.Formatter("%(levelname)s %(message)s")
    return "\n".join(formatter.format(record) for record in caplog.records).split("\n")


def test_one_line_is_one_whatever_the_text() -> None:
    assert one_line("ok, größer 5 €") == "ok, größer 5 €"
    assert one_line(FORGED) == r"x\n2026-01-01 00:00:00 CRITICAL root forged\r\x1b[31m\u2028\u202e"


@pytest.mark.parametrize("error", [ValueError(FORGED), ValueError(FORGED, ["x"] * 3_000)], ids=["small", "large"])
def test_what_an_exception_says_does_not_begin_a_line(error: ValueError, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise error
    except ValueError as caught:
        caught.add_note("more\nof it")
        Throttle(logging.getLogger("likewise"), 3, 100_000).failure(never, "failures", caught, "%s failed", FORGED)
    lines = written(caplog)
    assert lines[0].startswith("ERROR x\\n2026") and all(line.startswith("  ") for line in lines[1:]), lines
    assert all(line.isprintable() for line in lines)
    assert lines[1] == "  Traceback (most recent call last):" or "test_logs.py" in lines[1]
    assert caplog.records[0].funcName == "test_what_an_exception_says_does_not_begin_a_line"
    cheap = caplog.records[0].exc_info
    assert (cheap is not None and cheap[1] is error) == (len(error.args) == 1)


def test_what_a_warning_says_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    throttle = Throttle(logging.getLogger("likewise"), 3, 100_000)
    throttle.warning(never, "warnings", "%s: %d", likewise.CallError(FORGED), 5)
    throttle.note(never, "notes", "%s", FORGED)
    assert [line[:16] for line in written(caplog)] == ["WARNING x\\n2026-", "INFO x\\n2026-01-"]


def test_notes_count_with_the_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    throttle = Throttle(logging.getLogger("likewise"), 1, 100_000)
    for _ in range(5):
        throttle.note(never, "logins", "one")
    throttle.flush()
    assert [each.getMessage() for each in caplog.records] == [
        "one",
        "not logged, over limits.log_lines in 10 s: 4 logins",
    ]
    assert caplog.records[0].funcName == "test_notes_count_with_the_others"


def test_a_fault_of_the_set_up_is_told_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    times = [100.0]
    seldom = Seldom(logging.getLogger("likewise"), lambda: times[0])
    for at in (100.0, 100.1, 109.9, 110.0, 111.0):
        times[0] = at
        seldom.error("at %s", at)
    assert [each.getMessage() for each in caplog.records] == ["at 100.0", "at 110.0"]
