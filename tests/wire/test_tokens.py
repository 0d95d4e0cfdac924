"""The alphabet: numbers, words, dialects."""

from twisted.spread import banana

from likewise.wire.tokens import (
    DIALECTS,
    LARGEST_INT,
    LIKEWISE_1,
    NONE,
    PB,
    SIZE_LIMIT,
    VOCAB_TOKENS,
    VOCABULARY,
    base128,
    from_base128,
)

NUMBERS = [0, 1, 127, 128, 129, 16_383, 16_384, 2**31 - 1, 2**31, 2**64, LARGEST_INT]
for bits in range(105, 449):  # where digits are taken one by one, and where all at once
    NUMBERS += [2**bits - 1, LARGEST_INT // 3 >> 448 - bits, LARGEST_INT // 5 >> 448 - bits]


def test_the_digits_of_a_number_spell_it_again() -> None:
    for number in NUMBERS:
        digits = base128(number)
        assert from_base128(digits) == number
        assert all(digit < 0x80 for digit in digits)


def test_the_digits_are_those_that_twisted_writes() -> None:
    for number in NUMBERS:
        written: list[bytes] = []
        banana.int2b128(number, written.append)
        assert b"".join(written) == base128(number)


def test_no_digits_spell_zero_and_padding_changes_nothing() -> None:
    assert from_base128(b"") == 0
    for size in range(2, 70):
        assert from_base128(b"\x05" + bytes(size)) == 5
        assert from_base128(b"\x05" + bytes(size) + b"\x01") == 5 + (1 << 7 * (size + 1))


def test_the_largest_int_takes_as_many_digits_as_twisted_accepts() -> None:
    assert len(base128(LARGEST_INT)) == banana._PREFIX_LIMIT
    assert len(base128(LARGEST_INT + 1)) == 65


def test_the_vocabulary_is_twisteds() -> None:
    theirs = {word: number for word, number in banana.Banana.outgoingVocabulary.items()}
    assert {word: number for number, word in enumerate(VOCABULARY) if number} == theirs
    assert VOCAB_TOKENS[b"None"] == b"\x01\x87"
    assert b"" not in VOCAB_TOKENS


def test_dialects_differ_in_vocabulary_and_sizes() -> None:
    assert DIALECTS == (LIKEWISE_1, PB, NONE)
    assert PB.has_vocabulary and LIKEWISE_1.has_vocabulary and not NONE.has_vocabulary
    assert PB.string_bytes == PB.list_items == NONE.string_bytes == SIZE_LIMIT == banana.SIZE_LIMIT
    assert LIKEWISE_1.string_bytes > SIZE_LIMIT
