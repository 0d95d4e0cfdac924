"""Requests for the root object settle, connection or not."""

from __future__ import annotations

import pytest

pytest.importorskip("twisted")

from tests.programs import ROOT, running


def test_a_request_after_a_refused_connection_settles_though_nobody_connects_again() -> None:
    with running("-m", "tests.spread.root_requests", cwd=ROOT) as program:
        code, lines, errors = program.end(60)
    assert (code, errors) == (0, "")
    assert lines[:3] == [f"{name} ConnectionRefusedError" for name in ("first", "second", "third")]
    assert lines[3:5] == ["fourth RemoteReference", "reconnecting False"]
