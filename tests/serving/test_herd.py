"""The command ``herd.py``, for a moment and with a bound that any machine and build keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.programs import running

COMMAND = str(Path(__file__).with_name("herd.py"))
FEW = ("--limits", "public", "--connections", "20", "--seconds", "1", "--bound", "10")


@pytest.mark.parametrize("api", ["asyncio", "spread"])
def test_a_herd_that_sends_costly_messages_has_a_bystander_served(api: str) -> None:
    if api == "spread":
        pytest.importorskip("twisted")
    with running(COMMAND, "--api", api, *FEW) as program:
        code, lines, errors = program.end(120)
    assert code == 0 and lines[-1] == "  holds", (lines, errors)
