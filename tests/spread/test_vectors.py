"""
The conversations recorded from Twisted, on likewise.spread: each end ours in turn, whole and one byte at a time.

What goes out is what was recorded, byte for byte, but for the number and the order in the state of a failure, and for
what :data:`DIFFERS` names; the scripts hold that the outcome is the recorded one, too.
"""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("twisted")

from likewise.broker.states import Side
from likewise.spread import cred
from tests import sexp
from tests.replay import CONVERSATIONS, Event, Replay, in_dialect_none, recorded
from tests.spread.vec_app import End
from tests.spread.vec_scripts import SCRIPTS, nothing
from tests.test_vectors_conversations import ONLY

LOGIN = {name for name in CONVERSATIONS if name.startswith(("login-", "perspective-"))} | {"viewpoint"}
STRANGERS = {"login-anonymous", "perspective-no-such-method"}

DIFFERS = {
    ("error-bad-arguments", Side.SERVER): "Python names the class, which stands elsewhere",
    ("send-function", Side.CLIENT): "lenient: refused with another error",
}

LENIENT_BUT_SAME = {"copyable-cyclic", "send-function"}
CASES = [
    (name, ours)
    for name, one in CONVERSATIONS.items()
    for ours in Side
    if name not in ONLY[ours.other] and (not one["lenient"] or name in LENIENT_BUT_SAME)
]
cases = pytest.mark.parametrize(("name", "ours"), CASES, ids=[f"{name}-{ours.value}" for name, ours in CASES])


class Exact(Replay):
    """Nothing may come in another order, and texts are Twisted's."""

    def _match(self, wanted: list[Any]) -> None:
        while len(self.unmatched) < len(wanted):
            self._go_on(f"to send {sexp.text(wanted[len(self.unmatched)])}")
        got, self.unmatched = self.unmatched[: len(wanted)], self.unmatched[len(wanted) :]
        for ours, theirs in zip(got, wanted, strict=True):
            assert sexp.encode(comparable(ours)) == sexp.encode(comparable(theirs)), (
                f"\n  sent     {sexp.text(ours)}\n  recorded {sexp.text(theirs)}"
            )


def comparable(value: Any) -> Any:
    """A message without the number of a failure, its dictionaries sorted."""
    if not isinstance(value, list):
        return value
    value = [comparable(item) for item in value]
    if value and value[0] == b"dictionary":
        items = [[key, 0 if key == [b"unicode", b"count"] else item] for key, item in value[1:]]
        return [b"dictionary", *sorted(items, key=sexp.encode)]
    if len(value) == 2 and value[0] == b"unicode" and value[1].endswith(b"takes 1 positional argument but 3 were given"):
        return [b"unicode", value[1].rpartition(b".")[2]]
    return value


def replay(name: str, ours: Side, events: list[Event], *, one_by_one: bool) -> Replay:
    knows_only_none = events[0].value == [b"none"] if ours is Side.SERVER else events[1].value == b"none"
    dialects = (b"none",) if knows_only_none else (b"pb", b"none")
    end = End(ours, has_portal=name in LOGIN, dialects=dialects)
    if ours is Side.SERVER and name in STRANGERS:
        end.admit_strangers()
    script: Any = SCRIPTS.get((name, ours), nothing)(end)
    return Exact(events, end, script, one_by_one=one_by_one).run()  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def known_challenge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cred, "challenge", lambda: bytes(range(0x10, 0x20)))


def test_every_conversation_that_is_not_lenient_is_replayed() -> None:
    wanted = {name for name, one in CONVERSATIONS.items() if not one["lenient"]}
    assert len(CONVERSATIONS) == 84 and wanted == {name for name, _ in CASES} - LENIENT_BUT_SAME
    scripted = {key for key in CASES if key[1] is Side.CLIENT} - {("negotiate-pb", Side.CLIENT)}
    assert scripted <= SCRIPTS.keys(), "a client that does nothing proves nothing"
    assert SCRIPTS.keys() <= set(CASES)


@cases
@pytest.mark.parametrize("one_by_one", [False, True], ids=["whole", "byte by byte"])
def test_a_conversation_goes_as_recorded(name: str, ours: Side, one_by_one: bool) -> None:
    replayed = replay(name, ours, recorded(name), one_by_one=one_by_one)
    wanted = sexp.decode(bytes.fromhex(CONVERSATIONS[name]["c2s" if ours is Side.CLIENT else "s2c"]))
    sent = sexp.decode(replayed.sent)
    if (name, ours) not in DIFFERS:
        assert [sexp.encode(comparable(each)) for each in sent] == [sexp.encode(comparable(each)) for each in wanted]


NOT_IN_NONE = {name for name in CONVERSATIONS if name.startswith("negotiate-")} | {"non-minimal-integers"}


@pytest.mark.parametrize(
    ("name", "ours"),
    [case for case in CASES if case[0] not in NOT_IN_NONE],
    ids=[f"{name}-{ours.value}" for name, ours in CASES if name not in NOT_IN_NONE],
)
def test_a_conversation_goes_the_same_way_without_a_vocabulary(name: str, ours: Side) -> None:
    replay(name, ours, in_dialect_none(recorded(name)), one_by_one=False)
