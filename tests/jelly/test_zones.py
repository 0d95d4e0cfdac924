"""Time zones: known names only, each read once; no other name reaches the file system."""

from __future__ import annotations

import datetime
import sys
import zoneinfo
from pathlib import Path
from typing import Any

import pytest

from likewise.errors import InsecureJelly, NotSendable
from likewise.jelly import zones
from likewise.limits import ZONE_BYTES
from likewise.wire.tokens import LIKEWISE_1
from tests.jellies import read, written

NOON = "2026 7 1 12 0 0 0"
HOSTILE = [
    "../../../etc/passwd",
    "/etc/passwd",
    "Europe/../Europe/Berlin",
    "Europe//Berlin",
    "Europe/Berlin/",
    "./UTC",
    "..",
    "",
    "Europe/Berlin\0",
    "Europe\\Berlin",
    "C:/Windows",
    "file://x",
    "Europe/Berlin\n",
    "Éire",
    "localtime",
    "posixrules",
    "Mars/Olympus",
    "europe/berlin",
    "tzdata.zi",
    "A" * (ZONE_BYTES + 1),
    "A/" * 200_000,
]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name[:30]))
def test_a_name_that_is_none_opens_no_file(name: str) -> None:
    read([b"datetime", NOON.encode(), b"Europe/Berlin"])  # which has the names listed
    opened: list[Any] = []
    watching = [True]

    def hook(event: str, args: Any) -> None:
        if watching and event in ("open", "import", "os.listdir", "os.scandir"):
            opened.append((event, args))

    sys.addaudithook(hook)
    try:
        for jelly in (
            [b"datetime", NOON.encode(), name.encode()],
            [b"time", b"12 0 0 0", name.encode()],
            [b"likewise.timezone", [b"tuple", name.encode()]],
        ):
            with pytest.raises(InsecureJelly) as caught:
                read(jelly)
            assert "time zone" in str(caught.value) and len(str(caught.value)) < 400
    finally:
        watching.clear()
    assert not opened


def test_each_zone_is_read_once_and_kept_to_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    really = zoneinfo.ZoneInfo

    class Counting(zoneinfo.ZoneInfo):
        def __new__(cls, key: str) -> Any:
            made.append(key)
            return really(key)

    monkeypatch.setattr(zones, "_zones", {})
    monkeypatch.setattr(zones, "ZONES", 3)
    monkeypatch.setattr(zones.zoneinfo, "ZoneInfo", Counting)
    some = ["Asia/Tokyo", "Asia/Seoul", "Asia/Dubai", "Asia/Tokyo", "Asia/Seoul"]
    for name in some:
        zone = zones.zone_of([name.encode()])
        assert str(zone) == name
    assert made == some[:3]
    zones.zone_of([b"Asia/Kabul"])
    assert len(zones._zones) == 3


def test_a_system_without_zones_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zones, "_zones", {})
    monkeypatch.setattr(zones, "_names", set())
    monkeypatch.setattr(zones.zoneinfo, "available_timezones", set)
    with pytest.raises(
        InsecureJelly, match="knows no time zone b'Europe/Berlin'; this system has none: install the package tzdata"
    ):
        read([b"datetime", NOON.encode(), b"Europe/Berlin"])


@pytest.mark.parametrize(
    "behind",
    [
        [86_400_000_000],
        [-86_400_000_000],
        [1 << 400],
        [-(1 << 400)],
        [0, b"x" * (ZONE_BYTES + 1)],
        [0, b"\xff"],
        [0, 1],
        [0, b"UTC", 1],
        [1.5],
        [b"UTC", 0],
        [[b"tuple", 0]],
        [[b"None"]],
    ],
    ids=lambda parts: ascii(parts)[:30],
)
def test_an_offset_that_is_none_is_refused(behind: list[Any]) -> None:
    for jelly in ([b"datetime", NOON.encode(), *behind], [b"time", b"12 0 0 0", *behind]):
        with pytest.raises(InsecureJelly, match=f"a malformed {jelly[0].decode()}"):  # type: ignore[union-attr]
            read(jelly)


@pytest.mark.parametrize("text", ["", "2026 1", "a b c", "2026 1 1 0 0 0 0 2", "1 " * 1_000])
def test_nor_is_a_time_with_a_zone_that_is_no_time(text: str) -> None:
    with pytest.raises(InsecureJelly, match="a malformed datetime"):
        read([b"datetime", text.encode(), 0])


def test_a_zone_of_another_class_is_refused_with_a_remedy() -> None:
    class Mine(datetime.tzinfo):
        def utcoffset(self, when: Any) -> datetime.timedelta:
            return datetime.timedelta(0)

    with pytest.raises(
        NotSendable, match=r"only datetime\.timezone and zoneinfo\.ZoneInfo cross; convert the time with \.astimezone"
    ):
        written(datetime.datetime(2026, 7, 1, tzinfo=Mine()), dialect=LIKEWISE_1)


def test_a_zone_without_a_name_is_refused() -> None:
    path = next(Path(each, "Europe/Berlin") for each in zoneinfo.TZPATH if Path(each, "Europe/Berlin").exists())
    for key in (None, "/etc/localtime", "localtime", "a" * 100):
        with path.open("rb") as file:
            zone = zoneinfo.ZoneInfo.from_file(file, key)
        with pytest.raises(NotSendable, match="which is no name of a time zone: send the time as UTC"):
            written(datetime.datetime(2026, 7, 1, tzinfo=zone), dialect=LIKEWISE_1)


def test_the_name_of_an_offset_has_a_ceiling() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=1), "é" * 32)
    assert read(written(zone, dialect=LIKEWISE_1)).tzname(None) == "é" * 32
    for name in ("é" * 33, "\ud800"):
        with pytest.raises(NotSendable, match="a time zone with a name"):
            written(datetime.timezone(datetime.timedelta(0), name), dialect=LIKEWISE_1)
