"""What must be given back of a message that was not used: found without building anything."""

import pytest

from likewise.jelly.salvage import Salvage
from tests import sexp
from tests.jellies import frame_of


def salvaged(jelly: str, not_before: int = 0) -> tuple[list[int], list[int]]:
    data = sexp.encode(sexp.parse(jelly))
    walked = Salvage(frame_of(data), 0, not_before).walk()
    assert walked.at_end
    return walked.references, walked.caches


@pytest.mark.parametrize(
    ("jelly", "references", "caches"),
    [
        ("(tuple (remote 5) (remote 6) (remote 5))", [5, 6, 5], []),
        ("(tuple (cached 5))", [], [5]),
        ("(tuple (far.Pond 7 (dictionary (a (remote 8)))))", [8], [7]),
        ("(far.Pond 7 (far.Pond 8 (None)))", [], [7, 8]),
        ("(dictionary ((remote 1) (remote 2)) (3 (far.Pond 4 (None))))", [1, 2], [4]),
        ("(remote 4294967296)", [4294967296], []),
        ("(copy.of.it (dictionary (a (list (set (remote 3))))))", [3], []),
        ("(reference 1 (tuple (remote 2)))", [2], []),
        # words that a number may follow, and which are no caches
        ("(tuple 1 2)", [], []),
        ("(list 1 2)", [], []),
        ("(set 1 2)", [], []),
        ("(frozenset 1 2)", [], []),
        ("(decimal 1 2)", [], []),
        ("(reference 1 2)", [], []),
        ("(dereference 1)", [], []),
        ("(dictionary (remote 1))", [], []),
        ("(dictionary (remote 1) (far.Pond 2))", [], []),
        # what is ours is not given back, nor what has no number
        ("(tuple (local 1) (lcache 2) (remote root) (cached a))", [], []),
        ("(remote -5)", [], []),
        ("(remote 1 2 3)", [], []),
        ("(far.Pond 1 2 3)", [], []),
        ('(unicode "remote")', [], []),
        ("(list remote 5)", [], []),
        ("()", [], []),
        ("5", [], []),
        ("((remote 1) 2)", [], []),
    ],
)
def test_ids_are_found_where_they_were_counted(jelly: str, references: list[int], caches: list[int]) -> None:
    assert salvaged(jelly) == (references, caches)


def test_what_lies_before_a_place_was_taken_already() -> None:
    jelly = "(tuple (remote 1) (remote 2) (far.Pond 3 (None)))"
    data = sexp.encode(sexp.parse(jelly))
    inside_second = data.index(b"\x02\x81") - 2
    assert salvaged(jelly, inside_second) == ([2], [3])
    assert salvaged(jelly, len(data)) == ([], [])


def test_large_strings_are_stepped_over() -> None:
    data = sexp.encode([b"tuple", b"x" * 70_000, [b"remote", 1], b"y" * 70_000])
    assert Salvage(frame_of(data), 0, 0).walk().references == [1]


def test_several_jellies_are_walked_to_the_end_of_the_frame() -> None:
    data = sexp.encode([b"answer", 5, [b"remote", 1]])
    frame = frame_of(data)
    assert Salvage(frame, frame.start + 2, 0).walk().references == [1]
