"""A connection on which nothing happens holds nothing that it may never need: servers have thousands of them."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.spread import pb
from likewise.spread.lazy import Lazy
from tests.spread.ends import Pair

SHARED_KEYS = 30  # attributes of an object up to which CPython keeps their names once for all objects of its class
LAZY = ("disconnects", "failures", "pageProducers", "_localCleanup")


class Root(pb.Root):
    def remote_thing(self) -> pb.Referenceable:
        return pb.Referenceable()


@pytest.fixture
def pair() -> Pair:
    pair = Pair(Root())
    got: list[Any] = []
    pair.root.callRemote("thing").addCallback(got.append)
    pair.carry()
    assert len(got) == 1
    return pair


def test_what_is_not_used_is_not_made(pair: Pair) -> None:
    for broker in (pair.server, pair.client):
        assert not set(LAZY) & vars(broker).keys()
        assert broker.calls.backlog is None and broker.calls.streams is None and broker.calls.unread is None
        assert broker._framer is None  # its core has one


def test_the_attributes_are_few_enough_for_their_names_to_be_shared(pair: Pair) -> None:
    assert len(vars(pair.server)) <= SHARED_KEYS - 8  # some are for the application's own


def test_the_ceilings_of_all_connections_are_the_same_objects(pair: Pair) -> None:
    other = Pair(Root())
    assert pair.server.core.limits is other.server.core.limits
    assert pair.server.incoming is other.server.incoming
    assert pair.server.core.tables.incoming is other.server.core.tables.incoming


def test_what_is_asked_for_first_is_there_and_stays() -> None:
    class Owner:
        things: Any = Lazy(list)

    owner = Owner()
    owner.things.append(1)
    assert owner.things == [1] and Owner().things == []
    owner.things = None
    assert owner.things is None


def test_a_ceiling_that_a_program_sets_holds_for_the_connections_made_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = pb.Broker().core.limits.references
    monkeypatch.setattr(pb, "MAX_BROKER_REFS", 7)
    assert (before, pb.Broker().core.limits.references) == (1024, 7)
