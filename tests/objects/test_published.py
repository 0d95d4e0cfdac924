"""A published object: fetched once, kept in a file of ours, and not fetched again while it has not changed."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.objects import kept as files
from likewise.objects.published import Publishable, RemotePublished
from tests.test_bounded_means import flatbomb


class Shelf(Publishable):
    def __init__(self, published_id: str) -> None:
        super().__init__(published_id)
        self.asked = 0
        self.state: Any = {"books": ["one", "two"]}
        self.sent: dict[str, Any] = {}

    def getStateToPublishFor(self, perspective: Any) -> Any:
        self.asked += 1
        return self.state

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        return super().getStateToCacheAndObserveFor(perspective, observer) | self.sent


class ShelfCopy(RemotePublished):
    books: list[str]


class LaterShelfCopy(RemotePublished):
    """The same class in a later version: what was an attribute is worked out now."""

    @property
    def books(self) -> list[str]:
        return [*self.volumes, "three"]

    volumes: list[str]


class Root(likewise.Root):
    def __init__(self) -> None:
        self.shelf = Shelf("shelf")

    def remote_shelf(self) -> Shelf:
        return self.shelf


def fetch_once(root: Root, directory: Path, cls: type[RemotePublished] = ShelfCopy) -> list[str]:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Shelf, cls)
    cls.cacheDirectory = str(directory)

    async def main() -> list[str]:
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address, accept=registry) as connection,
        ):
            shelf = await connection.root.callRemote("shelf")
            active: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            shelf.callWhenActivated(active.set_result, active.set_exception)
            await asyncio.wait_for(active, 10)
            return list(shelf.books)

    return asyncio.run(main())


def kept(directory: Path, count: int = 1) -> list[Path]:
    """The files there, once as many are whole: they are written on another thread."""
    for _ in range(1_000):
        files = [each for each in directory.iterdir() if each.suffix == ".pub"]
        if len(files) >= count:
            break
        time.sleep(0.01)
    return files


def test_it_is_fetched_once_and_read_from_its_file_after_that(tmp_path: Path) -> None:
    root = Root()
    assert fetch_once(root, tmp_path) == ["one", "two"]
    assert root.shelf.asked == 1
    assert len(kept(tmp_path)) == 1
    assert fetch_once(root, tmp_path) == ["one", "two"]
    assert root.shelf.asked == 1


def test_files_are_read_and_written_on_another_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    for name in ("read_file", "write_file"):
        used = getattr(files, name)
        monkeypatch.setattr(files, name, lambda *args, used=used: (threads.append(threading.get_ident()), used(*args))[1])
    root = Root()
    fetch_once(root, tmp_path)
    kept(tmp_path)
    assert len(threads) == 2 and threading.get_ident() not in threads


def test_a_file_that_the_class_does_not_admit_any_more_is_fetched_anew(tmp_path: Path) -> None:
    root = Root()
    fetch_once(root, tmp_path)
    (before,) = kept(tmp_path)
    LaterShelfCopy.__module__, LaterShelfCopy.__name__ = ShelfCopy.__module__, ShelfCopy.__name__  # the same file
    root.shelf.state = {"volumes": ["one"]}
    assert fetch_once(root, tmp_path, LaterShelfCopy) == ["one", "three"] and root.shelf.asked == 2
    assert kept(tmp_path) == [before]


@pytest.mark.parametrize(
    "state",
    [
        {"_listeners": 5},
        {"isActivated": 0},
        {"_wasCleanWhenLoaded": 0, "books": []},
        {"remote": None},
        {"timestamp": 1.0},
        {"_failed": None},
        {"callWhenActivated": None},
        [],
        None,
        {"books": flatbomb(), "_mirror": 1},
    ],
)
def test_a_state_that_is_none_is_refused_and_who_waits_is_told(
    state: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = Root()
    root.shelf.state = state
    with pytest.raises(likewise.InsecureJelly):
        fetch_once(root, tmp_path)
    assert "fetching the state of a RemotePublished" in caplog.text and list(tmp_path.iterdir()) == []


def test_a_fetch_that_fails_is_logged_and_who_waits_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = Root()
    del root.shelf.state
    with pytest.raises(likewise.RemoteError, match="AttributeError"):
        fetch_once(root, tmp_path)
    assert "fetching the state of a RemotePublished" in caplog.text


@pytest.mark.parametrize(
    "sent",
    [
        {"publishedID": flatbomb()},
        {"service": flatbomb()},
        {"perspective": [flatbomb(10)]},
        {"publishedID": Root()},
        {"remote": 5},
        {"remote": None},
        {"timestamp": flatbomb()},
        {"timestamp": None},
    ],
)
def test_a_mirror_that_names_no_file_is_refused(sent: dict[str, Any], tmp_path: Path) -> None:
    root = Root()
    root.shelf.sent = sent
    with pytest.raises(likewise.InsecureJelly):
        fetch_once(root, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_one_peer_publishes_fills_no_disk(tmp_path: Path) -> None:
    class Many(likewise.Root):
        def remote_shelves(self) -> list[Shelf]:
            return [Shelf(f"shelf {number}") for number in range(200)]

    registry = likewise.Registry()
    registry.setUnjellyableForClass(Shelf, ShelfCopy)
    ShelfCopy.cacheDirectory = tmp_path

    async def main() -> None:
        limits = likewise.Limits(published_files=20)
        async with (
            likewise.serve(Many(), "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address, accept=registry, limits=limits) as connection,
        ):
            shelves = await connection.root.callRemote("shelves")
            for shelf in shelves:
                active: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                shelf.callWhenActivated(active.set_result)
                await asyncio.wait_for(active, 10)

    asyncio.run(main())
    assert len(kept(tmp_path, 20)) == 20
