"""A published object: fetched once, kept in a file of ours, and not fetched again while it has not changed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import likewise
from likewise.objects.published import Publishable, RemotePublished


class Shelf(Publishable):
    def __init__(self, published_id: str) -> None:
        super().__init__(published_id)
        self.asked = 0

    def getStateToPublishFor(self, perspective: Any) -> Any:
        self.asked += 1
        return {"books": ["one", "two"]}


class ShelfCopy(RemotePublished):
    books: list[str]


class Root(likewise.Root):
    def __init__(self) -> None:
        self.shelf = Shelf("shelf")

    def remote_shelf(self) -> Shelf:
        return self.shelf


def fetch_once(root: Root, directory: Path) -> list[str]:
    registry = likewise.Registry()
    registry.setUnjellyableForClass(Shelf, ShelfCopy)
    ShelfCopy.cacheDirectory = str(directory)

    async def main() -> list[str]:
        async with (
            likewise.serve(root, "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address, accept=registry) as connection,
        ):
            shelf = await connection.root.callRemote("shelf")
            active: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            shelf.callWhenActivated(active.set_result)
            await asyncio.wait_for(active, 10)
            return list(shelf.books)

    return asyncio.run(main())


def test_it_is_fetched_once_and_read_from_its_file_after_that(tmp_path: Path) -> None:
    root = Root()
    assert fetch_once(root, tmp_path) == ["one", "two"]
    assert root.shelf.asked == 1 and len(list(tmp_path.iterdir())) == 1
    assert fetch_once(root, tmp_path) == ["one", "two"]
    assert root.shelf.asked == 1
