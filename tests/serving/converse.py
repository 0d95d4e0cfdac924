"""
One end of random conversations: ``converse.py asyncio|spread``.

It reads ``serve SEED`` and prints the port, or ``talk SEED PORT`` and prints what came of every call. Both ends draw the
same conversation from the seed: who calls what at the same time, with arguments and answers of which sizes, to which depth
the calls call back, and the ceilings of each end. The timers that would end a hang are out of reach: where no call of a
conversation settles for :data:`PATIENCE` seconds, it hangs.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

IS_SPREAD = sys.argv[1] == "spread"
if IS_SPREAD:
    from twisted.internet import asyncioreactor

    asyncioreactor.install(asyncio.new_event_loop())
    from twisted.internet import defer, reactor

    from likewise.spread import pb
    from likewise.spread.clock import the_reactor

import likewise  # noqa: E402  # a reactor is installed before anything asks for one
from likewise.limits import Limits  # noqa: E402

PATIENCE = 20.0
NEVER = 100_000.0
SIZES = (0, 1, 100, 5_000, 70_000, 600_000)


@dataclass
class Plan:
    """What one end asks of the other: ``(what, size, depth, milliseconds)``."""

    calls: list[tuple[str, int, int, int]]

    @classmethod
    def drawn(cls, chance: random.Random) -> Plan:
        kinds = ["echo", "echo", "give", "slow", "step", "note"]
        weights = [3, 3, 2, 2, 1, 1]  # of the sizes: many are small
        return cls(
            [
                (
                    chance.choice(kinds),
                    chance.choices(SIZES, weights)[0],
                    chance.randint(0, 3),
                    chance.choice((0, 0, 1, 3)),
                )
                for _ in range(chance.choice((3, 10, 40)))
            ]
        )


def drawn_limits(chance: random.Random) -> Limits:
    choose = chance.choice
    return Limits(
        running_calls=choose((1, 2, 5, 1_000)),
        waiting_calls=choose((1, 20, 100_000, 100_000)),
        argument_bytes=choose((1_000, 500_000, 128 << 20)),
        unread_answers=choose((1, 10_000, 1 << 20)),
        queued_output=1 << 30,
        stalled_seconds=NEVER,
        waiting_seconds=NEVER,
    )


def conversation(seed: int) -> tuple[Plan, Plan, Limits, Limits]:
    """What the client asks, what the server asks, the client's ceilings and the server's."""
    chance = random.Random(seed)
    return Plan.drawn(chance), Plan.drawn(chance), drawn_limits(chance), drawn_limits(chance)


def later(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a method of this driver returns for what takes its time."""
    return defer.Deferred.fromFuture(asyncio.ensure_future(coroutine)) if IS_SPREAD else coroutine


def asked(reference: Any, name: str, *args: Any) -> Awaitable[Any]:
    result = reference.callRemote(name, *args)
    return result.asFuture(asyncio.get_running_loop()) if IS_SPREAD else result  # type: ignore[no-any-return]


def told(reference: Any, name: str, *args: Any) -> None:
    if IS_SPREAD:
        reference.callRemote(name, *args, pbanswer=False)
    else:
        reference.callRemoteOnly(name, *args)


class End((pb if IS_SPREAD else likewise).Root):  # type: ignore[misc]
    """What each end serves, as its root or passed along."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def remote_echo(self, data: bytes) -> bytes:
        return data

    def remote_give(self, size: int) -> bytes:
        return bytes(size)

    def remote_note(self, data: bytes) -> None:
        pass

    def remote_slow(self, milliseconds: int, data: bytes) -> Any:
        return later(self.slow(milliseconds, data))

    async def slow(self, milliseconds: int, data: bytes) -> bytes:
        await asyncio.sleep(milliseconds / 1_000)
        return data

    def remote_step(self, peer: Any, depth: int, data: bytes) -> Any:
        return later(self.step(peer, depth, data))

    async def step(self, peer: Any, depth: int, data: bytes) -> int:
        await asyncio.sleep(0)
        return 1 + await asked(peer, "step", self, depth - 1, data) if depth else 1  # type: ignore[operator]

    def remote_converse(self, peer: Any) -> Any:
        return later(self.converse(peer))

    async def converse(self, peer: Any) -> dict[str, int]:
        return dict(await ask_all(peer, self, self.plan))


async def ask_all(peer: Any, this: End, plan: Plan) -> Counter[str]:
    outcomes: Counter[str] = Counter()

    async def ask(what: str, size: int, depth: int, milliseconds: int) -> None:
        data = bytes(size)
        try:
            if what == "note":
                told(peer, "note", data)
                good = True
            elif what == "give":
                good = await asked(peer, "give", size) == data
            elif what == "slow":
                good = await asked(peer, "slow", milliseconds, data) == data
            elif what == "step":
                good = await asked(peer, "step", this, depth, data) == depth + 1
            else:
                good = await asked(peer, "echo", data) == data
            outcomes["answered" if good else f"wrong answer of {what}"] += 1
        except Exception as error:
            outcomes["refused" if "was not run" in str(error) else f"{what}: {type(error).__name__}: {error}"[:200]] += 1

    await asyncio.gather(*(ask(*each) for each in plan.calls))
    return outcomes


# --- the two drivers


async def serve(seed: int) -> int:
    _, plan, _, limits = conversation(seed)
    if IS_SPREAD:
        factory = pb.PBServerFactory(End(plan))
        factory.protocol = type("Broker", (pb.Broker,), {"limits": limits})
        port: int = the_reactor().listenTCP(0, factory, interface="127.0.0.1").getHost().port
        return port
    server = await likewise.serve(End(plan), "tcp://127.0.0.1:0", limits=limits)
    return server.port


async def connected(port: int, limits: Limits) -> tuple[Any, Callable[[], Awaitable[object]]]:
    if IS_SPREAD:
        factory = pb.PBClientFactory()
        factory.protocol = type("Broker", (pb.Broker,), {"limits": limits})
        the_reactor().connectTCP("127.0.0.1", port, factory)
        root = await factory.getRootObject().asFuture(asyncio.get_running_loop())

        async def close() -> None:
            factory.disconnect()

        return root, close
    connection = await likewise.connect(f"tcp://127.0.0.1:{port}", limits=limits)
    return connection.root, connection.close


async def talk(seed: int, port: int) -> dict[str, int]:
    plan, _, limits, _ = conversation(seed)
    root, close = await connected(port, limits)
    this = End(plan)
    ours = asyncio.ensure_future(ask_all(root, this, plan))
    theirs = asyncio.ensure_future(asked(root, "converse", this))
    done, waiting = await asyncio.wait((ours, theirs), timeout=PATIENCE)
    outcomes: Counter[str] = Counter()
    if waiting:
        outcomes["HANGS"] = len(waiting)
    for each in done:
        if each.exception() is None:
            outcomes.update(each.result())
        else:
            text = str(each.exception())
            outcomes["refused" if "was not run" in text else f"{type(each.exception()).__name__}: {text}"[:200]] += 1
    await close()
    return dict(outcomes)


async def main() -> None:
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        if line[0] == "serve":
            print("listening on", await serve(int(line[1])), flush=True)
        else:
            print(await talk(int(line[1]), int(line[2])), flush=True)


if IS_SPREAD:
    defer.Deferred.fromFuture(asyncio.ensure_future(main(), loop=reactor._asyncioEventloop)).addBoth(  # type: ignore[attr-defined]
        lambda _: the_reactor().stop()
    )
    the_reactor().run()
else:
    asyncio.run(main())
