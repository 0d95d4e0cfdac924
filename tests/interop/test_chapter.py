"""
The chapter's programs, ours with Twisted's in both roles, as pairs of real processes: every pair prints the chapter's
lines. Twisted with Twisted is there too, to show that the lines are the chapter's own and not ours alone.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.programs import EXAMPLES, running, without_addresses
from tests.test_examples import CONVERSATIONS

CHAPTER = Path(__file__).resolve().parent / "chapter"
KINDS = {"likewise": EXAMPLES, "twisted": CHAPTER}


@pytest.mark.parametrize("receiver_kind", KINDS)
@pytest.mark.parametrize("sender_kind", KINDS)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_pair_of_programs_prints_the_chapter_s_lines(name: str, sender_kind: str, receiver_kind: str) -> None:
    said_by_sender, said_by_receiver = CONVERSATIONS[name]
    with running(str(KINDS[receiver_kind] / f"{name}_receiver.py"), "--port", "0") as receiver:
        port = receiver.port()
        with running(str(KINDS[sender_kind] / f"{name}_sender.py"), "--port", port) as sender:
            assert sender.end() == (0, said_by_sender, "")
        while len(receiver.seen) < len(said_by_receiver):
            receiver.line()
        if name != "cache":  # that sender calls `shutdown`; the others leave their receiver running
            receiver.process.send_signal(signal.SIGINT)
        code, lines, errors = receiver.end()
        assert (without_addresses(lines), errors) == (said_by_receiver, "")
        assert code == 0 or receiver_kind == "twisted"
