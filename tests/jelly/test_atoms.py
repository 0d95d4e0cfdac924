"""The words of the wire are Twisted's, and the numbers that stand for them in the code are theirs."""

import re

import pytest
from twisted.spread import jelly, pb

from likewise.jelly import atoms
from likewise.wire import tokens
from likewise.wire.tokens import VOCABULARY
from tests.test_layers import PACKAGE


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (atoms.NONE_CODE, jelly.None_atom),
        (atoms.CLASS_CODE, jelly.class_atom),
        (atoms.DEREFERENCE_CODE, jelly.dereference_atom),
        (atoms.REFERENCE_CODE, jelly.reference_atom),
        (atoms.DICTIONARY_CODE, jelly.dictionary_atom),
        (atoms.FUNCTION_CODE, jelly.function_atom),
        (atoms.INSTANCE_CODE, jelly.instance_atom),
        (atoms.LIST_CODE, jelly.list_atom),
        (atoms.MODULE_CODE, jelly.module_atom),
        (atoms.PERSISTENT_CODE, jelly.persistent_atom),
        (atoms.TUPLE_CODE, jelly.tuple_atom),
        (atoms.UNPERSISTABLE_CODE, jelly.unpersistable_atom),
        (atoms.SET_CODE, jelly.set_atom),
        (atoms.FROZENSET_CODE, jelly.frozenset_atom),
        (atoms.CACHED_CODE, b"cached"),
        (atoms.REMOTE_CODE, b"remote"),
        (atoms.LOCAL_CODE, b"local"),
        (atoms.LCACHE_CODE, b"lcache"),
    ],
)
def test_a_word_is_known_by_its_number(ours: int, theirs: bytes) -> None:
    assert atoms.CODES[theirs] == ours


def test_every_word_of_the_vocabulary_has_its_place_as_number() -> None:
    assert [atoms.CODES[word] for word in VOCABULARY[1:]] == list(range(1, 32))
    assert all(number >= 40 for word, number in atoms.CODES.items() if word not in VOCABULARY)


def test_the_messages_are_those_that_twisted_has_methods_for() -> None:
    theirs = {name.removeprefix("proto_").encode() for name in dir(pb.Broker) if name.startswith("proto_")}
    ours = {atoms.VERSION, atoms.MESSAGE, atoms.CACHEMESSAGE, atoms.ANSWER, atoms.ERROR}
    assert theirs == ours | {atoms.DECREF, atoms.DECACHE, atoms.UNCACHE, atoms.DID_NOT_UNDERSTAND}
    assert pb.Broker.version == atoms.PB_VERSION


NUMBERED = ("jelly/decoder.py", "jelly/leaves.py", "jelly/salvage.py", "wire/framer.py", "wire/reader.py")


@pytest.mark.parametrize("name", NUMBERED)
def test_the_names_beside_bare_numbers_are_those_of_the_numbers(name: str) -> None:
    compared = re.compile(r"(?:==|!=) (0x8[0-7])\b|\bcode (?:==|!=) (\d+)\b")
    for line in (PACKAGE / name).read_text(encoding="utf-8").splitlines():
        numbers = {int(kind, 16) if kind else int(code) for kind, code in compared.findall(line)}
        if numbers:
            said = re.findall(r"[A-Z]+", line.partition("#")[2])
            meant = {getattr(tokens, each, None) for each in said} | {getattr(atoms, f"{each}_CODE", None) for each in said}
            assert numbers <= meant, line.strip()
