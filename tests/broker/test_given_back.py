"""What a peer sends over and over is given back over and over, not all at once at the end."""

from __future__ import annotations

from typing import Any

import likewise
from likewise.broker.tables import SURPLUS
from likewise.testing import Pair
from tests import sexp
from tests.broker_objects import Root, Thing, answer


class Keeper(Root):
    """A server that sends one object again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.thing = Thing()

    def remote_again(self, count: int) -> list[Any]:
        return [self.thing] * count


def held_by_peer(joined: Any) -> int:
    return sum(entry.count for entry in joined.server.broker.tables.exported.values() if entry.key is not None)


def test_the_surplus_of_a_reference_is_released_while_it_lives() -> None:
    joined = Pair(Keeper())
    kept = answer(joined, "again", 1)
    for _ in range(12):
        kept += answer(joined, "again", SURPLUS // 2)
        joined.run()
        assert held_by_peer(joined) <= 2 * SURPLUS
    assert len(set(map(id, kept))) == 1
    assert answer(joined, "echo", kept[0]) is not None
    del kept
    joined.run()
    assert held_by_peer(joined) == 0 and joined.client.broker.tables.sizes()["references"] == 0


def test_many_counts_are_given_back_in_one_piece() -> None:
    joined = Pair(Keeper())
    kept = answer(joined, "again", SURPLUS - 1)
    del kept
    assert len(joined.client.broker.data_to_send()) == 1


def test_what_costs_too_much_is_given_back_whole() -> None:
    joined = Pair(Root(), limits=likewise.Limits(frame_items=400))
    items = [[b"remote", 5]] * 120
    call = [b"message", 1, b"root", b"echo", 1, [b"tuple", [b"list", *items]], [b"dictionary"]]
    joined.server.take(sexp.encode(call, "pb"))
    sent = b"".join(joined.server.broker.data_to_send())
    assert b"frame_items" in sent
    assert sent.count(sexp.encode([b"decref", 5], "pb")) == len(items)
