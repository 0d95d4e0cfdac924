"""
An application as the chapter on Cacheable has it, with a thousand observers that come and go in any order.

    python many_observers.py likewise.spread | twisted.spread

Everything runs in this process, over transports in memory. It prints, as JSON, how often the publisher was raised at,
how many mirrors missed a change, how often an observer that left could not be taken off the list, and how many stay there
for nobody.
"""

from __future__ import annotations

import gc
import importlib
import json
import random
import sys
from typing import Any

from twisted.internet import main
from twisted.python import log
from twisted.python.failure import Failure

pb: Any = importlib.import_module(sys.argv[1] + ".pb")
OBSERVERS = 1_000
ROUNDS = 60
LEAVING = 40


class MasterDuckPond(pb.Cacheable):  # type: ignore[misc]
    """The chapter's class, its lines that matter unchanged."""

    def __init__(self, ducks: list[str]) -> None:
        self.observers: list[Any] = []
        self.ducks = ducks

    def addDuck(self, duck: str) -> None:
        self.ducks.append(duck)
        for o in self.observers:
            o.callRemote("addDuck", duck)

    def removeDuck(self, duck: str) -> None:
        self.ducks.remove(duck)
        for o in self.observers:
            o.callRemote("removeDuck", duck)

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        self.observers.append(observer)
        return self.ducks

    def stoppedObserving(self, perspective: Any, observer: Any) -> None:
        self.observers.remove(observer)


class SlaveDuckPond(pb.RemoteCache):  # type: ignore[misc]
    def setCopyableState(self, state: Any) -> None:
        self.cacheducks = state

    def observe_addDuck(self, newDuck: str) -> None:
        self.cacheducks.append(newDuck)

    def observe_removeDuck(self, deadDuck: str) -> None:
        self.cacheducks.remove(deadDuck)


pb.setUnjellyableForClass(MasterDuckPond, SlaveDuckPond)


class Root(pb.Root):  # type: ignore[misc]
    def __init__(self, pond: MasterDuckPond) -> None:
        self.pond = pond

    def remote_pond(self) -> MasterDuckPond:
        return self.pond


class Transport:
    """Keeps what is written until it is carried over."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def loseConnection(self) -> None:
        pass


class Client:
    """One connection, both ends, and the mirror at its client."""

    def __init__(self, server: Any) -> None:
        factory = pb.PBClientFactory()
        self.ends = [factory.buildProtocol(None), server.buildProtocol(None)]
        for end in self.ends:
            end.makeConnection(Transport())
        self.mirror: Any = None
        self.carry()
        got: list[Any] = []
        factory.getRootObject().addCallback(lambda root: root.callRemote("pond").addCallbacks(got.append, log.err))
        self.carry()
        self.mirror = got.pop()

    def carry(self) -> None:
        """Deliver until nothing is under way."""
        moved = True
        while moved:
            moved = False
            for sender, receiver in (self.ends, self.ends[::-1]):
                written, sender.transport.written = b"".join(sender.transport.written), []
                if written:
                    moved = True
                    receiver.dataReceived(written)

    def drop(self) -> None:
        """Let go of the mirror; the connection stays."""
        self.mirror = None
        gc.collect(0)
        self.carry()

    def disconnect(self) -> None:
        self.mirror = None
        for end in self.ends:
            end.connectionLost(Failure(main.CONNECTION_DONE))


def run() -> dict[str, int]:
    raised = lost = could_not_leave = 0
    logged: list[Any] = []
    log.startLoggingWithObserver(lambda event: logged.append(event) if event.get("isError") else None, setStdout=False)
    dice = random.Random(5)
    pond = MasterDuckPond(["one duck"])
    server = pb.PBServerFactory(Root(pond))
    clients = [Client(server) for _ in range(OBSERVERS)]
    idle: list[Client] = []
    for number in range(ROUNDS):
        for _ in range(LEAVING):
            leaving = clients.pop(dice.randrange(len(clients)))
            if dice.random() < 0.5:
                leaving.drop()
                idle.append(leaving)  # connected still
            else:
                leaving.disconnect()
        clients += [Client(server) for _ in range(dice.randrange(2 * LEAVING))]
        try:
            pond.addDuck(f"duck {number}")
            if number % 3 == 2:
                pond.removeDuck(f"duck {number - 1}")
        except Exception:
            raised += 1
        for client in clients:
            client.carry()
        lost += sum(client.mirror.cacheducks != pond.ducks for client in clients)
    could_not_leave = sum("remove" in (event["failure"].getTraceback() if event.get("failure") else "") for event in logged)
    return {
        "raised": raised,
        "missed": lost,
        "could not leave": could_not_leave,
        "left over": len(pond.observers) - len(clients),
        "observing": len(clients),
    }


if __name__ == "__main__":
    print(json.dumps(run()))
