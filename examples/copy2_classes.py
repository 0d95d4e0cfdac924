"""By copy, with a state of its own making: the classes of both sides, and what ties them."""

from typing import Any

import likewise


class FrogPond:
    def __init__(self, numFrogs: int, numToads: int) -> None:
        self.numFrogs = numFrogs
        self.numToads = numToads

    def count(self) -> int:
        return self.numFrogs + self.numToads


class SenderPond(FrogPond, likewise.Copyable):
    def getStateToCopy(self) -> dict[str, Any]:
        d = self.__dict__.copy()
        d["frogsAndToads"] = d["numFrogs"] + d["numToads"]
        del d["numFrogs"]
        del d["numToads"]
        return d


class ReceiverPond(likewise.RemoteCopy):
    frogsAndToads: int

    def setCopyableState(self, state: dict[str, Any]) -> None:
        self.__dict__ = state

    def count(self) -> int:
        return self.frogsAndToads


likewise.setUnjellyableForClass(SenderPond, ReceiverPond)
