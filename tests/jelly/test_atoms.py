"""The words of the wire are Twisted's."""

import pytest
from twisted.spread import jelly, pb

from likewise.jelly import atoms
from likewise.wire.tokens import VOCABULARY


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (atoms.NONE, jelly.None_atom),
        (atoms.CLASS, jelly.class_atom),
        (atoms.DEREFERENCE, jelly.dereference_atom),
        (atoms.REFERENCE, jelly.reference_atom),
        (atoms.DICTIONARY, jelly.dictionary_atom),
        (atoms.FUNCTION, jelly.function_atom),
        (atoms.INSTANCE, jelly.instance_atom),
        (atoms.LIST, jelly.list_atom),
        (atoms.MODULE, jelly.module_atom),
        (atoms.PERSISTENT, jelly.persistent_atom),
        (atoms.TUPLE, jelly.tuple_atom),
        (atoms.UNPERSISTABLE, jelly.unpersistable_atom),
        (atoms.SET, jelly.set_atom),
        (atoms.FROZENSET, jelly.frozenset_atom),
        (atoms.CACHED, b"cached"),
        (atoms.REMOTE, b"remote"),
        (atoms.LOCAL, b"local"),
        (atoms.LCACHE, b"lcache"),
    ],
)
def test_a_word_is_known_by_its_number(ours: int, theirs: bytes) -> None:
    assert atoms.CODES[theirs] == ours


def test_every_word_of_the_vocabulary_has_its_place_as_number() -> None:
    assert [atoms.CODES[word] for word in VOCABULARY[1:]] == list(range(1, 32))
    assert all(number >= 40 for word, number in atoms.CODES.items() if word not in VOCABULARY)


def test_what_looks_things_up_by_name_is_refused() -> None:
    assert {word for word, number in atoms.CODES.items() if number in atoms.REFUSED} == {
        b"class", b"function", b"instance", b"module", b"persistent", b"method",
    }  # fmt: skip


def test_the_messages_are_those_that_twisted_has_methods_for() -> None:
    theirs = {name.removeprefix("proto_").encode() for name in dir(pb.Broker) if name.startswith("proto_")}
    ours = {atoms.VERSION, atoms.MESSAGE, atoms.CACHEMESSAGE, atoms.ANSWER, atoms.ERROR}
    assert theirs == ours | {atoms.DECREF, atoms.DECACHE, atoms.UNCACHE, atoms.DID_NOT_UNDERSTAND}
    assert pb.Broker.version == atoms.PB_VERSION
