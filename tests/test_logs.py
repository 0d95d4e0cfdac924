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


def with_causes(count: int) -> BaseException:
    error: BaseException = ValueError("the first")
    for number in range(count):
        later = KeyError(f"cause {number} {'x' * 400}")
        later.__cause__ = error
        error = later
    return error


def deep() -> BaseException:
    def there(n: int) -> None:
        back(n - 1)

    def back(n: int) -> None:
        if n < 0:
            raise ValueError("deep down")
        there(n - 1)

    try:
        there(700)
    except ValueError as error:
        return error
    raise AssertionError


def wide(depth: int = 3) -> BaseException:
    members = [wide(depth - 1) if depth else ValueError(str(n)) for n in range(30)]
    return ExceptionGroup("many", [each for each in members if isinstance(each, Exception)])


def noted() -> BaseException:
    error = ValueError("x")
    error.__notes__ = ["y" * 1_000] * 1_000
    return error


class Shouting(Exception):
    def __str__(self) -> str:
        return "z" * 10_000_000


@pytest.mark.parametrize("error", [with_causes(5_000), deep(), wide(), noted(), Shouting()], ids=lambda e: type(e).__name__)
def test_an_error_that_is_logged_is_bounded_whatever_it_consists_of(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    Throttle(logging.getLogger("likewise"), 3, 1e9).failure(never, "failures", error, "failed")
    text = "\n".join(written(caplog))
    assert len(text) < 20_000
    expected = {"KeyError": "cause 4999", "ValueError": "ValueError: ", "ExceptionGroup": "many", "Shouting": "zzz"}
    assert expected[type(error).__name__] in text
    assert caplog.records[0].exc_info is None or type(error) in (Shouting, ValueError)


@pytest.mark.parametrize("error", [deep(), with_causes(10), ExceptionGroup("two", [KeyError("a"), IndexError("b")])])
def test_an_error_is_logged_as_python_prints_it(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    Throttle(logging.getLogger("likewise"), 3, 1e9).failure(never, "failures", error, "failed")
    text = "\n".join(written(caplog))
    if isinstance(error, ExceptionGroup):
        assert "KeyError: 'a'" in text and "IndexError: b" in text and "ExceptionGroup: two (2 sub-exceptions)" in text
    elif isinstance(error, KeyError):
        assert text.count("The above exception was the direct cause of the following exception:") == 7
    else:
        assert text.count("in there") + text.count("in back") >= 16 and "frames not shown" in text and "in deep" in text


def test_the_log_has_a_ceiling_in_bytes_and_says_what_went_over_it(caplog: pytest.LogCaptureFixture) -> None:
    limits = likewise.Limits(log_bytes=30_000)
    throttle = Throttle(logging.getLogger("likewise"), limits.log_lines, limits.log_bytes)
    for _ in range(100):
        throttle.failure(never, "failures", deep(), "failed %s", "x" * 5_000)
    throttle.flush()
    assert sum(map(len, written(caplog))) < limits.log_bytes + 12_000
    assert caplog.records[-1].getMessage().startswith("not logged, over limits.log_bytes in 10 s: 9")


def test_values_of_a_line_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    throttle = Throttle(logging.getLogger("likewise"), 9, 1e9)
    for value in ("x" * 10_000_000, 1 << 4_000_000, [[1]] * 1_000_000, ValueError("y" * 10_000_000), b"z" * 10_000_000):
        throttle.warning(never, "warnings", "%s", value)
    assert all(len(line) < 3_000 for line in written(caplog)) and len(caplog.records) == 5
