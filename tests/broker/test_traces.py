"""What a session does not understand, and what does no honest peer credit, is noted where somebody traces."""

from __future__ import annotations

import pytest

import likewise
from likewise.broker.link import Link
from likewise.broker.states import Side
from likewise.errors import LocalProtocolError
from likewise.limits import Limits
from likewise.testing import Pair
from likewise.trace import Record
from likewise.wire.tokens import DIALECTS


def traced() -> tuple[Pair, list[Record]]:
    records: list[Record] = []
    return Pair(likewise.Root(), trace=records.append), records


def test_an_unknown_message_is_noted_by_its_word() -> None:
    pair, records = traced()
    pair.client.broker.outbox.send([b"gibberish", 1])
    pair.run()
    assert any(each.name == "fault" and "gibberish" in str(each.detail["error"]) for each in records)
    assert pair.client.is_open and pair.server.is_open


def test_an_unknown_message_with_a_name_beyond_the_ceiling_is_not_echoed() -> None:
    pair, records = traced()
    pair.client.broker.outbox.send([b"g" * (Limits().name_bytes + 1), 1])
    pair.run()
    (fault,) = [each for each in records if each.name == "fault"]
    assert len(str(fault.detail["error"])) < 500 and pair.server.is_open


def test_what_the_peer_has_not_understood_is_noted() -> None:
    pair, records = traced()
    pair.client.broker.outbox.send([b"didNotUnderstand", b"gibberish"])
    pair.run()
    assert [str(each.detail["word"]) for each in records if each.name == "not-understood"] == ["b'gibberish'"]


def test_what_no_honest_peer_sends_is_noted() -> None:
    pair, records = traced()
    pair.client.broker.outbox.send([b"decref", 9_999])
    pair.run()
    assert any(each.name == "fault" and "9999" in str(each.detail["error"]) for each in records)


def test_nothing_is_sent_once_a_session_is_over() -> None:
    pair, _ = traced()
    broker = pair.client.broker
    pair.cut()
    broker.outbox.send([b"decref", 1])
    assert broker.data_to_send() == []


def test_a_link_refuses_a_step_of_the_greeting_that_is_not_its_turn() -> None:
    link = Link(Side.SERVER, DIALECTS, Limits())
    link.start()
    with pytest.raises(LocalProtocolError, match="may not send"):
        link.start()
