"""The command ``tests/login/guessers.py``, for a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from likewise.limits import Limits
from tests.login.guessers import most_guesses
from tests.programs import running

COMMAND = str(Path(__file__).with_name("guessers.py"))


@pytest.mark.parametrize("options", [("--api", "asyncio"), ("--api", "spread"), ("--way", "plain", "--addresses", "2")])
def test_the_owner_is_let_in_and_the_guessers_have_few_answers(options: tuple[str, ...]) -> None:
    if "spread" in options:
        pytest.importorskip("twisted")
    with running(COMMAND, "--minutes", "0.05", "--guessers", "12", *options) as program:
        code, lines, errors = program.end()
    assert code == 0 and "  holds" in lines, (lines, errors)


def test_the_bound_on_guesses_is_the_one_that_the_threat_model_states() -> None:
    assert most_guesses(Limits(), 1, 0.0) in (10, 11)
    assert most_guesses(Limits(), 50, 600.0) <= 1_600
