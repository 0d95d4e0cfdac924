"""By cache: the classes of both sides, and what ties them."""

from typing import Any

import likewise


class MasterDuckPond(likewise.Cacheable):
    def __init__(self, ducks: list[str]) -> None:
        self.observers: list[likewise.RemoteCacheObserver] = []
        self.ducks = ducks

    def count(self) -> None:
        print(f"I have [{len(self.ducks)}] ducks")

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        for o in self.observers:
            o.callRemote("addDuck", duck)

    def removeDuck(self, duck: str) -> None:
        self.ducks.remove(duck)
        for o in self.observers:
            o.callRemote("removeDuck", duck)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> list[str]:
        self.observers.append(observer)
        return self.ducks  # all that a mirror needs; self.observers is nobody's business but ours

    def stoppedObserving(self, perspective: Any, observer: likewise.RemoteCacheObserver) -> None:
        self.observers.remove(observer)  # the very object that was appended above


class SlaveDuckPond(likewise.RemoteCache):
    cacheducks: list[str]  # the mirror of MasterDuckPond.ducks

    def count(self) -> int:
        return len(self.cacheducks)

    def getDucks(self) -> list[str]:
        return self.cacheducks

    def setCopyableState(self, state: list[str]) -> None:
        print(" cache - sitting, er, setting ducks")
        self.cacheducks = state

    def observe_addDuck(self, newDuck: str) -> None:
        print(" cache - addDuck")
        self.cacheducks.append(newDuck)

    def observe_removeDuck(self, deadDuck: str) -> None:
        print(" cache - removeDuck")
        self.cacheducks.remove(deadDuck)


likewise.setUnjellyableForClass(MasterDuckPond, SlaveDuckPond)
