"""
Follows state caches, see ``tests/state_caches.py``: a client of Perspective Broker, on Twisted's or on ours.

    python state_caches_client.py twisted.spread|likewise.spread PORT STEPS

After each step of its own it compares its mirror with what the server says that it looks like. It prints "FOLLOWED n", and
what became of a mirror that its owner has ended. Anything else is a fault.
"""

from __future__ import annotations

import gc
import importlib
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from state_caches import alone, classes, picture
from twisted.internet import defer, reactor
from twisted.python import log

pb: Any = importlib.import_module(sys.argv[1] + ".pb")
PORT, STEPS = map(int, sys.argv[2:])
classes(pb)


async def follow() -> None:
    factory = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", PORT, factory)  # type: ignore[attr-defined]
    root = await factory.getRootObject()
    mirror = await root.callRemote("first")
    for step in range(STEPS):
        shown = await root.callRemote("step")
        assert picture(mirror) == shown, f"step {step}: {picture(mirror)} is not {shown}"
        if step % 10 == 9:  # let go of everything, and have it sent again
            mirror = None
            gc.collect()
            mirror = await root.callRemote("first")
            shown = await root.callRemote("picture")
            assert picture(mirror) == shown, f"sent again after step {step}"
    await root.callRemote("end_mine")
    before = alone(mirror)
    for _ in range(5):
        await root.callRemote("step")
    assert mirror.broker is None and alone(mirror) == before, "the mirror that was ended has changed"
    again = await root.callRemote("first")
    shown = await root.callRemote("step")
    assert again is not mirror and picture(again) == shown, f"{picture(again)} is not {shown}"
    del mirror
    gc.collect()
    shown = await root.callRemote("step")
    assert picture(again) == shown, "the new mirror ended with the old one"
    print("FOLLOWED", STEPS, flush=True)
    root.broker.transport.loseConnection()


def main() -> None:
    faults: list[Any] = []
    log.startLoggingWithObserver(lambda event: faults.append(event) if event.get("isError") else None, setStdout=False)
    failed: list[Any] = []
    done = defer.ensureDeferred(follow())
    done.addErrback(failed.append)
    done.addBoth(lambda _: reactor.callLater(0.1, reactor.stop))  # type: ignore[attr-defined]
    reactor.callLater(60, reactor.stop)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]
    for each in failed:
        each.printTraceback(file=sys.stderr)
    for event in faults:
        print(log.textFromEventDict(event), file=sys.stderr)
    sys.exit(bool(failed or faults))


if __name__ == "__main__":
    main()
