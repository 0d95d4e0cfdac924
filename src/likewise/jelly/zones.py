"""
Time zones: an offset from UTC, or a name of the IANA database.

A name from a peer never becomes a path. It is looked up among those that this system has, which are listed once, and the
data of each is read once: so a peer can have a few hundred files read in the lifetime of a process, all of them time zones.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from typing import Any, Final

from ..bounded import clip
from ..errors import NotSendable
from ..limits import ZONE_BYTES, ZONES
from ..wire.writer import bytes_token, int_token

MICROSECOND: Final = datetime.timedelta(microseconds=1)
NAME: Final = re.compile(rb"[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*")
UTC: Final = int_token(0)
LOCAL: Final = b"localtime"  # a file beside the zones on many systems, which is another zone on each of them

_names: set[bytes] = set()  # those that this system has, once one was asked for
_zones: dict[bytes, zoneinfo.ZoneInfo] = {}
_written: dict[str, bytes] = {}  # the tokens of names that went out


def zone_parts(zone: datetime.tzinfo) -> tuple[int | bytes, ...]:
    """
    What stands for a zone on the wire: its name; or its offset in microseconds, with a name of its own if it has one.

    Raises:
        NotSendable: it is of another class, or has no name, or one that is too long.
    """
    if type(zone) is zoneinfo.ZoneInfo:
        name = (zone.key or "").encode("utf-8", "replace")
        if len(name) > ZONE_BYTES or name == LOCAL or not NAME.fullmatch(name):
            raise NotSendable(
                f"a ZoneInfo with the key {clip(zone.key)}, which is no name of a time zone: send the time as UTC"
            )
        return (name,)
    if type(zone) is not datetime.timezone:
        raise NotSendable(
            f"a time zone of the class {type(zone).__module__}.{type(zone).__qualname__}: only datetime.timezone and "
            "zoneinfo.ZoneInfo cross; convert the time with .astimezone(datetime.timezone.utc)"
        )
    plain: Any = zone  # what it was made with, which pickle asks it for, is in no stub
    made_with: tuple[Any, ...] = plain.__getinitargs__()
    offset: int = made_with[0] // MICROSECOND
    if len(made_with) == 1:
        return (offset,)
    try:
        name = made_with[1].encode()
    except UnicodeEncodeError:
        raise NotSendable("a time zone with a name that UTF-8 can't spell") from None
    if len(name) > ZONE_BYTES:
        raise NotSendable(f"a time zone with a name of {len(name)} bytes: at most {ZONE_BYTES} cross")
    return (offset, name)


def tokens_of(zone: datetime.tzinfo) -> tuple[int, bytes]:
    """How many items stand for a zone, and these."""
    if zone is datetime.UTC:
        return 1, UTC
    key = zone.key if type(zone) is zoneinfo.ZoneInfo else None
    known = _written.get(key) if key is not None else None
    if known is not None:
        return 1, known
    parts = zone_parts(zone)
    tokens = b"".join([int_token(part) if isinstance(part, int) else bytes_token(part) for part in parts])
    if key is not None and len(_written) < ZONES:
        _written[key] = tokens
    return len(parts), tokens


def zone_of(parts: Any) -> datetime.tzinfo:
    """
    The zone that such parts mean.

    Raises:
        ValueError, OverflowError: there is none.
    """
    if len(parts) == 1 and type(parts[0]) is bytes:
        return _named(parts[0])
    if not 1 <= len(parts) <= 2 or type(parts[0]) is not int:
        raise ValueError("a time zone is a name, or an offset in microseconds")
    offset = datetime.timedelta(microseconds=parts[0])
    if len(parts) == 1:
        return datetime.timezone(offset)
    if type(parts[1]) is not bytes or len(parts[1]) > ZONE_BYTES:
        raise ValueError(f"the name of a time zone has at most {ZONE_BYTES} bytes")
    return datetime.timezone(offset, parts[1].decode())


def _named(name: bytes) -> zoneinfo.ZoneInfo:
    zone = _zones.get(name) if len(name) <= ZONE_BYTES else None
    if zone is not None:
        return zone
    if len(name) > ZONE_BYTES or name == LOCAL or not NAME.fullmatch(name):
        raise ValueError(f"{clip(name)} is no name of a time zone")
    if not _names:
        _names.update([each.encode() for each in zoneinfo.available_timezones()])
    if name not in _names:
        hint = "" if len(_names) > 1 else "; this system has none: install the package tzdata"
        raise ValueError(f"the receiver knows no time zone {clip(name)}{hint}")
    zone = zoneinfo.ZoneInfo(name.decode())
    if len(_zones) < ZONES:
        _zones[name] = zone
    return zone


__all__ = ("zone_parts", "tokens_of", "zone_of")
