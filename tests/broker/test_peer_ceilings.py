"""What one sends is bounded by what the peer takes; what one receives, by one's own limits."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import likewise
from likewise.broker import ceilings
from likewise.broker.ceilings import LEAST, LIMITS_SENT, OF_PB, ceilings_for, limits_of, numbers_of
from likewise.jelly.encoder import Encoder
from likewise.limits import DEEPEST
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1, NONE, PB
from tests import sexp


class Root(likewise.Root):
    def __init__(self, value: Any = None) -> None:
        self.value = value

    def remote_value(self) -> Any:
        return self.value

    def remote_take(self, value: Any) -> int:
        return len(value)


def ask(pair: Pair, name: str, *args: Any) -> Any:
    result = pair.client.root.callRemote(name, *args)
    pair.run()
    assert result.is_settled
    if result.error is not None:
        raise result.error
    return result.value


@pytest.mark.parametrize("dialect", [LIKEWISE_1, PB, NONE])
def test_a_server_with_public_limits_sends_what_its_clients_take(dialect: Any) -> None:
    log = [("ada", f"line {i}", i) for i in range(10_000)]  # more than 25,000 items
    pair = Pair(Root(log), limits=likewise.Limits.public(), client_limits=likewise.Limits(), dialects=(dialect,))
    assert ask(pair, "value") == log
    if dialect is LIKEWISE_1:
        with pytest.raises(likewise.NotSendable, match=r"over 25,000 .frame_items of the Limits of the peer"):
            ask(pair, "take", log)
    assert ask(pair, "take", log[:50]) == 50 and pair.server.is_open


def test_a_client_that_takes_little_gets_an_error_and_keeps_its_connection() -> None:
    value = [[0] * 9 for _ in range(5_000)]
    pair = Pair(Root(value), client_limits=likewise.Limits.public(), limits=likewise.Limits())
    with pytest.raises(likewise.InsecureJelly, match=r"answer: .*frame_items of the Limits of the peer"):
        ask(pair, "value")
    assert ask(pair, "take", value) == 5_000, "the other way it is the server's limits that count"


def test_what_both_ends_take_more_than_by_default_is_sent() -> None:
    trusted = likewise.Limits.trusted()
    value = [0] * 1_100_000
    assert len(ask(Pair(Root(value), limits=trusted), "value")) == len(value)
    with pytest.raises(likewise.InsecureJelly, match="frame_items"):
        ask(Pair(Root(value), limits=trusted, client_limits=likewise.Limits()), "value")


def test_between_two_ends_with_default_limits_nothing_is_said_of_them() -> None:
    pair = Pair(Root(), greet=False)
    pair.flush()
    pair.deliver(pair.client)
    assert b"limits" not in pair.server.incoming
    for dialects, says in (((LIKEWISE_1,), True), ((PB,), False)):
        pair = Pair(Root(), client_limits=likewise.Limits.public(), limits=likewise.Limits(), dialects=dialects, greet=False)
        pair.flush()
        pair.deliver(pair.client)
        assert (b"limits" in pair.server.incoming) is says


def test_what_a_peer_says_is_kept_within_what_anybody_is_sent() -> None:
    assert numbers_of(limits_of([1] * len(LIMITS_SENT))) == LEAST
    assert numbers_of(limits_of([1 << 400] * len(LIMITS_SENT))) == numbers_of(OF_PB)
    assert ceilings_for(LIKEWISE_1, Encoder, limits_of([1 << 400] * len(LIMITS_SENT))).depth < DEEPEST
    again = likewise.Limits.public(depth=40)
    assert numbers_of(limits_of(list(numbers_of(again)))) == numbers_of(again)
    assert {field.name for field in dataclasses.fields(likewise.Limits)} > set(LIMITS_SENT)


def test_with_the_least_ceilings_an_error_still_reaches_the_caller() -> None:
    pair = Pair(Root(["x" * 100] * 1_000), limits=likewise.Limits())
    pair.server.take(sexp.encode([b"limits", *[1] * len(LIMITS_SENT)], "pb"))
    with pytest.raises(likewise.InsecureJelly, match="answer"):
        ask(pair, "value")
    assert pair.client.is_open


@pytest.mark.parametrize("wrong", [[b"limits"], [b"limits", 1, 2], [b"limits", *[b"x"] * 6], [b"limits", *[[b"l"]] * 6]])
def test_limits_that_are_none_end_the_connection(wrong: list[Any]) -> None:
    pair = Pair(Root())
    pair.server.take(sexp.encode(wrong, "pb"))
    pair.run()
    assert not pair.server.is_open
    pair = Pair(Root(), dialects=(PB,))
    pair.server.take(sexp.encode([b"limits", *[1] * 6], "pb"))
    assert ask(pair, "take", [0] * 300) == 300, "pb does not know the word"


def test_a_peer_says_its_limits_once_and_to_say_them_again_is_a_fault() -> None:
    pair = Pair(Root([0] * 300), limits=likewise.Limits(faults=20))
    for i in range(20):
        pair.server.take(sexp.encode([b"limits", 10_000 + i, 10_000, 10_000, 10_000, 100, 100, b"and more"], "pb"))
    assert ask(pair, "value") == [0] * 300
    assert pair.server.broker.outbox.ceilings.limits.frame_bytes == 10_000
    for _ in range(2):
        pair.server.take(sexp.encode([b"limits", *[10_000] * 6], "pb"))
    pair.run()
    assert not pair.server.is_open


def test_connections_to_peers_that_take_the_same_have_the_same_ceilings() -> None:
    pairs = [Pair(Root(), client_limits=likewise.Limits.public(), limits=likewise.Limits()) for _ in range(2)]
    assert pairs[0].server.broker.outbox.ceilings is pairs[1].server.broker.outbox.ceilings
    assert pairs[0].server.broker.outbox.ceilings is not pairs[0].client.broker.outbox.ceilings


def test_peers_that_tell_ever_other_limits_take_nothing_from_those_that_tell_none() -> None:
    class OwnEncoder(Encoder):
        """Nobody has asked for what its peers take yet."""

    before = len(ceilings._known)
    for i in range(2 * ceilings.CEILINGS_KEPT):
        ceilings_for(LIKEWISE_1, Encoder, limits_of([5_000 + i] * len(LIMITS_SENT)))
    assert len(ceilings._known) <= max(before, ceilings.CEILINGS_KEPT)
    for dialect in (LIKEWISE_1, PB, NONE):
        assert ceilings_for(dialect, OwnEncoder) is ceilings_for(dialect, OwnEncoder)
