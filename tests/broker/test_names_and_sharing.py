"""Names that no honest program uses are refused by name; what can't be shared among observers is written for each."""

from __future__ import annotations

from typing import Any

import pytest

import likewise
from likewise.broker import names
from likewise.broker.ceilings import ceilings_for
from likewise.broker.fanout import write_change
from likewise.broker.messages import name_token
from likewise.errors import InsecureJelly, LocalProtocolError, NotSendable
from likewise.jelly.encoder import Encoder
from likewise.testing import Pair
from likewise.wire.tokens import LIKEWISE_1


def test_a_method_name_over_the_ceiling_is_refused_at_both_ends() -> None:
    with pytest.raises(InsecureJelly, match="name_bytes: a method name of 9 bytes, over the ceiling of 8"):
        names.method_name(b"too_long_", 8)
    with pytest.raises(NotSendable, match=r"a method name of 9 bytes: .*limits.name_bytes"):
        name_token("too_long_", 8)


def test_a_method_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(InsecureJelly, match="is not UTF-8"):
        names.method_name(b"\xff\xfe", 8)


def test_a_peer_can_not_make_the_kept_names_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "METHOD_NAMES_KEPT", 0)
    assert names.method_name(b"never_kept", 64) == "never_kept"
    assert b"never_kept" not in names._method_names


@pytest.mark.parametrize("kwargs", [{b"\xff": 1}, {3: 1}, {"_private": 1}, {"twice": 1, b"twice": 2}])
def test_what_can_not_name_a_keyword_argument_is_refused(kwargs: dict[Any, Any]) -> None:
    with pytest.raises(InsecureJelly, match="can't be the name of a keyword argument, or comes twice"):
        names.check_keywords(kwargs, 64)


def test_keywords_are_text_and_have_a_longest() -> None:
    assert names.check_keywords({b"old": 1, "new": 2}, 3) == {"old": 1, "new": 2}
    with pytest.raises(InsecureJelly, match="of 4 characters, over 3"):
        names.check_keywords({"long": 1}, 3)


def test_what_belongs_to_one_connection_is_not_shared_by_its_observers() -> None:
    ceilings = ceilings_for(LIKEWISE_1, Encoder)
    alone = write_change(ceilings, "change", (likewise.Referenceable(),), {}, None)
    assert alone.tail is None and alone.error is None
    together = write_change(ceilings, "change", (1,), {"by": 2}, None)
    assert together.tail is not None and b"change" in together.tail and not together.is_for_one


def test_nothing_is_called_before_a_dialect_is_agreed() -> None:
    pair = Pair(likewise.Root(), greet=False)
    with pytest.raises(LocalProtocolError, match="no dialect is agreed yet"):
        pair.client.root.callRemote("anything")
    assert pair.client.broker.unanswered == 0


def test_what_has_a_name_is_not_counted_among_what_the_peer_holds() -> None:
    tables = Pair(likewise.Root()).server.broker.tables
    tables.name(b"root", likewise.Root())  # another one under a name that there is
    tables.name(b"pond", likewise.Referenceable())
    held = [likewise.Referenceable() for _ in range(12)]
    luids = [tables.export(each) for each in held]
    assert tables.unnamed() == len(tables.ids()) == 12 and tables.sizes()["exported"] == 12
    assert tables.release(luids[0]) and not tables.release(b"pond")
    assert tables.unnamed() == len(tables.ids()) == 11
    tables.clear("over")
    assert tables.unnamed() == 0
