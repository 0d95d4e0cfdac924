"""What a type checker is to refuse: a line that ends in a comment `E: code`. It is checked, never run."""

import likewise
from likewise.testing import Pair, pair


async def a_forgotten_await(root: likewise.RemoteReference, observer: likewise.RemoteCacheObserver) -> None:
    root.callRemote("add", 1, 2)  # E: unused-awaitable
    root.remoteMethod("add")(1, 2)  # E: unused-awaitable
    print(root.callRemote("add", 1, 2) + 1)  # E: operator
    count: int = root.callRemote("count")  # E: assignment
    print(count, len(root.callRemote("lines")))  # E: arg-type
    text = root.callRemote("text")
    print(text.upper())  # E: attr-defined
    print(observer.callRemote("changed") + 1)  # E: operator
    for answer in likewise.Observers().callRemoteForAnswers("changed").values():
        print(answer + 1)  # E: operator


async def one_way(root: likewise.RemoteReference) -> None:
    await root.callRemoteOnly("note")  # E: func-returns-value, misc


def what_is_not_there(root: likewise.RemoteReference) -> None:
    root.add(1, 2)  # E: attr-defined
    root.callRemote()  # E: call-arg, unused-awaitable


async def pairs(root: likewise.Root) -> None:
    pair(root).client  # E: attr-defined
    print(Pair(root).client.root.callRemote("add") + 1)  # E: operator
