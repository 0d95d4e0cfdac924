"""What the library asks of a class can't be answered by what a peer has put into the state of an instance."""

from __future__ import annotations

import pytest

import likewise
from likewise.testing import Pair
from tests import sexp
from tests.broker_objects import Pond, Root, registry


@pytest.mark.parametrize("flag", ["takes_expressions", "is_cache", "head", "failures", "because"])
def test_a_mirror_goes_on_hearing_whatever_its_state_says(flag: str) -> None:
    root = Root()
    pair = Pair(root, accept=registry())
    state = [b"dictionary", [flag.encode(), [b"boolean", b"true"]], [b"seen", [b"list"]]]
    mirror = [f"{Pond.__module__}.Pond".encode(), 7, state]
    pair.server.take(sexp.encode([b"message", 1, b"root", b"keep", 0, [b"tuple", mirror], [b"dictionary"]], "pb"))
    if root.kept is None:
        return  # refused, which is as good
    change = [b"cachemessage", 2, 7, b"see", 1, [b"tuple", [b"remote", 5]], [b"dictionary"]]
    pair.server.take(sexp.encode(change, "pb"))
    pair.run()
    assert isinstance(root.kept.seen[0], likewise.RemoteReference), "it reads its arguments as before"
    assert root.kept.failed_changes == 0 and root.kept.ended_because is None
    root.kept.seen.clear()
    pair.collect()
    assert pair.server.sizes["references"] == 0, "and what came with them is given back"
