"""
Every word that jelly and the broker speak on the wire, once.

The words of the vocabulary travel as numbers in dialects ``likewise-1`` and ``pb``; the others as byte strings.
Source: Twisted 26.10 ``twisted.spread.jelly``, ``.banana`` and ``.pb``.
"""

from __future__ import annotations

from typing import Final

from ..wire.tokens import VOCABULARY

# Values. A number below 32 is the word's place in the vocabulary; the others are ours alone and never travel.
NONE: Final = 1
CLASS: Final = 2
DEREFERENCE: Final = 3
REFERENCE: Final = 4
DICTIONARY: Final = 5
FUNCTION: Final = 6
INSTANCE: Final = 7
LIST: Final = 8
MODULE: Final = 9
PERSISTENT: Final = 10
TUPLE: Final = 11
UNPERSISTABLE: Final = 12
CACHED: Final = 15
REMOTE: Final = 16
LOCAL: Final = 17
LCACHE: Final = 18
UNICODE: Final = 40
BOOLEAN: Final = 41
SET: Final = 42
FROZENSET: Final = 43
DECIMAL: Final = 44
DATETIME: Final = 45
DATE: Final = 46
TIME: Final = 47
TIMEDELTA: Final = 48
METHOD: Final = 49

CODES: Final[dict[bytes, int]] = {word: number for number, word in enumerate(VOCABULARY) if number} | {
    b"unicode": UNICODE,
    b"boolean": BOOLEAN,
    b"set": SET,
    b"frozenset": FROZENSET,
    b"decimal": DECIMAL,
    b"datetime": DATETIME,
    b"date": DATE,
    b"time": TIME,
    b"timedelta": TIMEDELTA,
    b"method": METHOD,
}
"""word -> the number by which the decoder knows it."""

REFUSED: Final = frozenset((CLASS, FUNCTION, INSTANCE, MODULE, PERSISTENT, METHOD))
"""Words that would have the receiver look something up by name: never honoured."""

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

CANCEL: Final = b"cancel"  # in likewise-1 alone
PB_VERSION: Final = 6

# What travels under Twisted's names, whatever the class is called here.
COPYABLE_FAILURE: Final = b"twisted.spread.pb.CopyableFailure"
