"""
A server for hostile peers to try: ``target.py [ROOTPORT [PORTALPORT [LOGFILE]]]``, on 127.0.0.1, by the asyncio API.

It prints one line, ``READY rootport portalport pid``, and serves until it is killed.

The root offers ``ping``, ``echo``, ``one``, ``thing``, ``pond``, ``canary``, ``kw``; what must stay out of reach is
``_private``, the attribute ``remote_attr`` and whatever lies behind a dunder. On the portal port ``alice`` logs in with
``sesame``, by MD5 as Twisted's clients do it. :mod:`tests.hostile.objects` has the classes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import likewise
from likewise.asyncio.connection import Connection

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.hostile import classes, foreign, objects, rich


def note_each_end() -> None:
    """Have the end of every connection noted: ``on_disconnect`` is told of those alone that were let in."""
    end = Connection._line_ended

    def line_ended(self: Connection, reason: BaseException | None) -> None:
        end(self, reason)
        objects.note_the_end(self.peer, self.reason)

    Connection._line_ended = line_ended  # type: ignore[method-assign]


def portal(avatar: Any) -> likewise.Login:
    """MD5 login as Twisted's clients do it: for ``alice``, password ``sesame``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is MD5
        return likewise.Login(lambda user, mind: avatar(), md5_for_twisted={"alice": likewise.Login.md5_record("sesame")})


class Another:
    """Further servers of the same root."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.servers: list[likewise.Server] = []

    async def open(self, address: str) -> int:
        self.servers.append(await likewise.serve(self.root, address, limits=objects.FEW, on_disconnect=told))
        return self.servers[-1].port

    async def close(self) -> None:
        await self.servers.pop(0).close(0.1)


def told(connection: Any) -> None:
    objects.counts["told"] += 1


async def main() -> None:
    objects.raise_open_files()
    note_each_end()
    ports = [int(text) for text in sys.argv[1:3]]
    root_port, portal_port = (ports + [0, 0])[:2]
    if len(sys.argv) > 3:
        logging.basicConfig(filename=sys.argv[3], format="%(asctime)s %(levelname)s %(name)s %(message)s")
    made = objects.make(likewise, asyncio.sleep)
    classes.add(likewise)
    rich.add(likewise)
    foreign.add()
    root = made.Root()
    root.another = Another(root)
    on_root = likewise.serve(root, f"tcp://127.0.0.1:{root_port}", limits=objects.LIMITS)
    on_portal = likewise.serve(
        None, f"tcp://127.0.0.1:{portal_port}", login=portal(made.Avatar), limits=objects.LIMITS
    )
    async with on_root as first, on_portal as second:
        print(f"READY {first.port} {second.port} {os.getpid()}", flush=True)
        objects.begin_to_watch(root)
        await first.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
