"""
The heads of messages: what stands before, or instead of, a jelly. Source: ``twisted.spread.pb.Broker.proto_*``.

::

    (message REQUEST LUID NAME ANSWER? args kw)      (answer REQUEST value)     (decref LUID)    (version 6)
    (cachemessage REQUEST LUID NAME ANSWER? args kw) (error REQUEST failure)    (decache LUID)   (didNotUnderstand WORD)
                                                                                (uncache LUID)
and in ``likewise-1``
    (cancel REQUEST)
"""

from __future__ import annotations

from typing import Final

from ..errors import NotSendable, RemoteProtocolError
from ..jelly import atoms
from ..jelly.context import Luid
from ..jelly.decoder import Decoder
from ..wire.tokens import Dialect
from ..wire.writer import bytes_token, encode, int_token

MESSAGE_HEAD: Final = b"\x07\x80" + bytes_token(atoms.MESSAGE)
CACHEMESSAGE_HEAD: Final = b"\x07\x80" + bytes_token(atoms.CACHEMESSAGE)
ANSWER_HEAD: Final = b"\x03\x80" + bytes_token(atoms.ANSWER)
ERROR_HEAD: Final = b"\x03\x80" + bytes_token(atoms.ERROR)
RELEASE_HEADS: Final = {
    word: b"\x02\x80" + bytes_token(word) for word in (atoms.DECREF, atoms.DECACHE, atoms.UNCACHE)
}
CANCEL_HEAD: Final = b"\x02\x80" + bytes_token(atoms.CANCEL)
NAME_TOKENS_KEPT: Final = 4_096

ROOT = bytes_token(b"root")

_names: dict[str | bytes, bytes] = {}  # method name -> its token; few in any program


def luid_token(luid: Luid) -> bytes:
    """The token of an id."""
    if isinstance(luid, int):
        return int_token(luid)
    return ROOT if luid == b"root" else bytes_token(luid)


def name_token(name: str | bytes, limit: int) -> bytes:
    """The token of a method's name. NotSendable if it is longer than any peer of ours accepts."""
    token = _names.get(name)
    if token is None:
        raw = name.encode() if isinstance(name, str) else name
        if len(raw) > limit:
            raise NotSendable(f"a method name of {len(raw)} bytes: at most {limit} are accepted (limits.name_bytes)")
        token = bytes_token(raw)
        if len(_names) < NAME_TOKENS_KEPT:
            _names[name] = token
    return token


def release(word: bytes, luid: Luid) -> bytes:
    """A whole ``decref``, ``decache`` or ``uncache``."""
    return RELEASE_HEADS[word] + luid_token(luid)


def cancel(request: int) -> bytes:
    """A whole ``cancel``: the caller has given up on this call."""
    return CANCEL_HEAD + int_token(request)


def version() -> bytes:
    """The whole ``(version 6)``."""
    return b"\x02\x80" + bytes_token(atoms.VERSION) + int_token(atoms.PB_VERSION)


def did_not_understand(word: bytes) -> bytes:
    """The whole answer to a message whose word is unknown."""
    return b"\x02\x80" + bytes_token(atoms.DID_NOT_UNDERSTAND) + bytes_token(word)


def offer(dialects: tuple[Dialect, ...]) -> bytes:
    """The server's first message; no dialect holds yet, so words are spelled."""
    return encode([dialect.name for dialect in dialects], NO_DIALECT)


def choice(dialect: Dialect) -> bytes:
    """The client's first message."""
    return encode(dialect.name, NO_DIALECT)


def best_offered(offer: object, dialects: tuple[Dialect, ...]) -> Dialect:
    """The first dialect of a server's offer that is spoken here, too."""
    known = {dialect.name: dialect for dialect in dialects}
    for name in offer if isinstance(offer, list) else ():
        if isinstance(name, bytes) and name in known:
            return known[name]
    raise RemoteProtocolError("the server offers no dialect that is spoken here: is it a PB server?")


def chosen(choice: object, dialects: tuple[Dialect, ...]) -> Dialect:
    """The dialect that a client has chosen."""
    for dialect in dialects:
        if choice == dialect.name:
            return dialect
    raise RemoteProtocolError("the client chose a dialect that was not offered: is it a PB client?")


NO_DIALECT: Final = Dialect(b"none", False, 1_024, 64)


def read_luid(decoder: Decoder) -> Luid:
    """An id: an int, or the bytes of a name."""
    luid = decoder.read_leaf()
    if isinstance(luid, float):
        raise RemoteProtocolError("an id must be a number or a name")
    return luid
