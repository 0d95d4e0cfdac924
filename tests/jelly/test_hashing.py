"""What keys cost: the probes that are counted are those of CPython, and honest keys need few."""

import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fuzz.recipes import chain
from likewise.errors import InsecureJelly
from likewise.jelly.hashing import Keys
from likewise.limits import Limits
from likewise.wire.keys import keyed
from tests import sexp
from tests.jellies import read

FEW, PRIME = 1_024, 2**61 - 1
pick = random.Random(1)


def probes(keys: Iterable[Any], is_set: bool = False) -> int:
    counted = Keys(is_set)
    held: set[Any] = set()
    found = 0
    for key in keys:
        found += counted.probes(hash(key), len(held), 1 << 60)
        held.add(key)
    return found


def encoded(kind: bytes, keys: Iterable[Any]) -> bytes:
    return sexp.encode([kind, *([key, 1] if kind == b"dictionary" else key for key in keys)])


def chosen(count: int, is_set: bool = False) -> list[int]:
    return list(itertools.islice(chain(count, 0.8 if is_set else 0.5, is_set), count))


# --- honest keys pass

HONEST: dict[str, Callable[[int], list[Any]]] = {
    "ids": lambda n: list(range(n)),
    "ids from a database": lambda n: list(range(10**9, 10**9 + 3 * n, 3)),
    "negative ids": lambda n: list(range(-n, 0)),
    "addresses of pages": lambda n: [4_096 * i for i in range(n)],
    "multiples of 2**20": lambda n: [i << 20 for i in range(n)],
    "multiples of 2**40": lambda n: [i << 40 for i in range(n)],
    "times": lambda n: [1.7e9 + i / 4 for i in range(n)],
    "floats": lambda n: [i / 10 for i in range(n)],
    "multiples of 1/256": lambda n: [i / 256 for i in range(n)],
    "random floats": lambda n: [pick.random() for _ in range(n)],
    "random ints": lambda n: [pick.getrandbits(59) for _ in range(n)],
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("kind", [b"dictionary", b"set", b"frozenset"])
def test_honest_keys_pass_at_both_limits(name: str, kind: bytes) -> None:
    for limits, count in ((Limits(), 40_000), (Limits.public(), 8_000)):
        keys = HONEST[name](count)
        value = read(encoded(kind, keys), limits=limits)
        assert len(value) == count and list(value)[:1] == keys[:1] if kind == b"dictionary" else len(value) == count


def test_honest_tuples_pass_at_both_limits() -> None:
    for limits, count in ((Limits(), 40_000), (Limits.public(), 4_000)):
        pairs = [[b"tuple", i // 100, i % 100] for i in range(count)]
        assert len(read(sexp.encode([b"set", *pairs]), limits=limits)) == count


# --- chosen keys do not


@pytest.mark.parametrize("kind", [b"dictionary", b"set", b"frozenset"])
def test_ints_that_look_in_the_same_places_are_refused(kind: bytes) -> None:
    keys = chosen(4_800, kind != b"dictionary")
    assert len(set(map(hash, keys))) == len(keys), "no two share a hash"
    with pytest.raises(InsecureJelly, match="hash_probes: over 50000 places"):
        read(encoded(kind, keys), limits=Limits(hash_probes=50_000))


def test_chosen_keys_are_refused_at_default_limits_before_they_are_put_in() -> None:
    with pytest.raises(InsecureJelly, match="hash_probes"):
        read(encoded(b"dictionary", chosen(12_000)))


def test_floats_and_tuples_that_look_in_the_same_places_are_refused() -> None:
    keys: list[Any] = [float(key) for key in chosen(20_000)]
    with pytest.raises(InsecureJelly, match="hash_probes"):
        read(encoded(b"dictionary", keys), limits=Limits(hash_probes=50_000))
    low: dict[int, list[int]] = {}
    for number in range(200_000):  # among so many, some look in the same place first
        low.setdefault(hash((number,)) & 0x3FF, []).append(number)
    alike = [number for place in itertools.islice(low, 8) for number in low[place]]
    with pytest.raises(InsecureJelly, match="hash_probes"):
        read(sexp.encode([b"set", *([b"tuple", number] for number in alike)]), limits=Limits(hash_probes=len(alike) // 2))


def test_keys_that_come_again_do_not_count_as_room_in_the_table() -> None:
    """Or a table of few keys would be taken for a large one, where chosen keys are far apart."""
    again = [7] * 60_000
    keys = [*chosen(3_000)[:2_700], *again[:1], *([chosen(3_000)[2_699]] * 3_000)]
    with pytest.raises(InsecureJelly, match="hash_probes"):
        read(encoded(b"dictionary", [*again, *keys]), limits=Limits(hash_probes=100_000))


def test_keys_that_are_put_in_when_the_message_is_read_are_counted_too() -> None:
    def late(number: int) -> Any:  # a tuple that leads back to the one around it
        return [b"tuple", [b"dereference", 1], number]

    inner = [b"dictionary", *([key, 1] for key in chosen(2_000)), *([late(key), 1] for key in range(100))]
    around = [b"reference", 1, [b"tuple", [b"list", inner]]]
    with pytest.raises(InsecureJelly, match=r"can't be a dict key|hash_probes"):
        read(sexp.encode(around), limits=Limits(hash_probes=50_000))


# --- what is counted is what CPython does


def test_sequences_are_never_looked_for_twice() -> None:
    assert probes(range(50_000)) == probes(range(50_000), True) == 0


def test_a_container_of_few_keys_is_not_counted_at_all() -> None:
    keys = chosen(64)
    assert len(read(encoded(b"dictionary", keys), limits=Limits(hash_probes=1))) == 64


def test_chosen_keys_need_as_many_probes_as_there_are_pairs_of_them() -> None:
    assert probes(chosen(4_000)) > 4_000 * 4_000 / 10
    assert probes(range(4_000)) == 0


# --- tables of ours


def test_numbers_of_a_peer_are_keys_that_it_can_not_know() -> None:
    numbers = [0, 1, -1, FEW - 1, FEW, -FEW, 2**31, -(2**31), 2**59, 2**60 - 1, -(2**60) + 1, *chosen(3_000)]
    numbers = sorted(set(numbers))
    keys = [keyed(number) for number in numbers]
    assert len(set(keys)) == len(numbers), "a different one for each"
    assert [keyed(number) for number in numbers] == keys, "always the same"
    assert all(keyed(number) == number for number in range(1 - FEW, FEW))
    assert all(-FEW - PRIME < key <= -FEW for number, key in zip(numbers, keys, strict=True) if abs(number) >= FEW)
    large = [number for number in numbers if number >= FEW]
    assert probes(map(keyed, large)) < 20 * len(large) < probes(chosen(3_000))


def test_numbers_of_references_that_look_in_the_same_places_cost_nothing() -> None:
    numbers = chosen(5_000)
    value = [b"list", *([b"reference", number, [b"list"]] for number in numbers), [b"dereference", numbers[-1]]]
    read_back = read(sexp.encode(value))
    assert read_back[-1] is read_back[-2]
