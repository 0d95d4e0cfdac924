"""
Every word that jelly and the broker speak on the wire, once.

The words of the vocabulary travel as numbers in dialects ``likewise-1`` and ``pb``; the others as byte strings.
Source: Twisted 26.10 ``twisted.spread.jelly``, ``.banana`` and ``.pb``.
"""

from __future__ import annotations

from typing import Final

from ..wire.tokens import VOCABULARY

# Values. A number below 32 is the word's place in the vocabulary; the other numbers are ours alone and never travel.
NONE_CODE: Final = 1
CLASS_CODE: Final = 2
DEREFERENCE_CODE: Final = 3
REFERENCE_CODE: Final = 4
DICTIONARY_CODE: Final = 5
FUNCTION_CODE: Final = 6
INSTANCE_CODE: Final = 7
LIST_CODE: Final = 8
MODULE_CODE: Final = 9
PERSISTENT_CODE: Final = 10
TUPLE_CODE: Final = 11
UNPERSISTABLE_CODE: Final = 12
CACHED_CODE: Final = 15
REMOTE_CODE: Final = 16
LOCAL_CODE: Final = 17
LCACHE_CODE: Final = 18
UNICODE_CODE: Final = 40
BOOLEAN_CODE: Final = 41
SET_CODE: Final = 42
FROZENSET_CODE: Final = 43
DECIMAL_CODE: Final = 44
DATETIME_CODE: Final = 45
DATE_CODE: Final = 46
TIME_CODE: Final = 47
TIMEDELTA_CODE: Final = 48
METHOD_CODE: Final = 49

CODES: Final[dict[bytes, int]] = {word: number for number, word in enumerate(VOCABULARY) if number} | {
    b"unicode": UNICODE_CODE,
    b"boolean": BOOLEAN_CODE,
    b"set": SET_CODE,
    b"frozenset": FROZENSET_CODE,
    b"decimal": DECIMAL_CODE,
    b"datetime": DATETIME_CODE,
    b"date": DATE_CODE,
    b"time": TIME_CODE,
    b"timedelta": TIMEDELTA_CODE,
    b"method": METHOD_CODE,
}
"""word -> the number by which the decoder knows it."""

# Whole atoms, as they lie on the wire in a dialect with a vocabulary.
NONE_ATOM: Final = b"\x01\x80\x01\x87"
TRUE_ATOM: Final = b"\x02\x80\x07\x82boolean\x04\x82true"
FALSE_ATOM: Final = b"\x02\x80\x07\x82boolean\x05\x82false"
UNICODE_WORD: Final = b"\x07\x82unicode"
UNICODE_HEAD: Final = b"\x02\x80" + UNICODE_WORD
EMPTY_DICTIONARY: Final = b"\x01\x80\x05\x87"
EMPTY_TUPLE: Final = b"\x01\x80\x0b\x87"

# Messages: the word is the first item of the top-level list. Source: twisted.spread.pb.Broker.proto_*.
VERSION: Final = b"version"
MESSAGE: Final = b"message"
CACHEMESSAGE: Final = b"cachemessage"
ANSWER: Final = b"answer"
ERROR: Final = b"error"
DECREF: Final = b"decref"
DECACHE: Final = b"decache"
UNCACHE: Final = b"uncache"
DID_NOT_UNDERSTAND: Final = b"didNotUnderstand"

# Messages in likewise-1 alone.
CANCEL: Final = b"cancel"
LIMITS: Final = b"limits"

PB_VERSION: Final = 6

# What travels under Twisted's names, whatever the class is called here.
COPYABLE_FAILURE: Final = b"twisted.spread.pb.CopyableFailure"
