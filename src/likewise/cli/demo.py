"""
``likewise demo``: the example programs in conversation, as real processes.

Every line that a program prints is shown as it comes, with who said it, and compared with what it should say. The
programs are those in ``examples/``, which a wheel carries as ``share/likewise/examples``.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from ..asyncio.client import connect

CONVERSATION_SECONDS: Final = 30.0  # for one conversation; a second is enough where nothing else runs
OBJECT: Final = re.compile(r"<[\w.]*\.(\w+) object at 0x[0-9A-Fa-f]+>")
LISTENING: Final = re.compile(r"listening on (\d+)$")
WIDTH: Final = 20  # of a label


@dataclass(frozen=True)
class DemoPart:
    """One program of a conversation: how it is labelled, and the lines that it has to print."""

    label: str
    program: str
    lines: tuple[str, ...]
    stops_by_itself: bool = True


@dataclass(frozen=True)
class Conversation:
    """A sender, and the receivers that it is given the ports of, in this order."""

    title: str
    sender: DemoPart
    receivers: tuple[DemoPart, ...]


FOLLOWED: Final = (
    "listening on PORT",
    " cache - sitting, er, setting ducks",
    "got pond: <SlaveDuckPond>",
    "[2] ducks:  ['one duck', 'two duck']",
    " cache - addDuck",
    "[3] ducks:  ['one duck', 'two duck', 'ugly duckling']",
)
FOLLOWED_ON: Final = (*FOLLOWED, " cache - removeDuck", "[2] ducks:  ['two duck', 'ugly duckling']")
END: Final = "Main loop terminated."

CONVERSATIONS: Final = (
    Conversation(
        "By copy: an object arrives as another one, with the same contents.",
        DemoPart("sender", "copy_sender", ("7 frogs", "copy_sender.CopyPond", "pond arrived safe and sound", END)),
        (
            DemoPart(
                "receiver",
                "copy_receiver",
                ("listening on PORT", " got pond: <ReceiverPond>", "7 frogs"),
                stops_by_itself=False,
            ),
        ),
    ),
    Conversation(
        "By copy, with a state of its own making: the sender chooses what crosses.",
        DemoPart("sender", "copy2_sender", ("count 7", "pond arrived safe and sound", END)),
        (
            DemoPart(
                "receiver",
                "copy2_receiver",
                ("listening on PORT", " got pond: <ReceiverPond>", " count 7"),
                stops_by_itself=False,
            ),
        ),
    ),
    Conversation(
        "By cache: a mirror that follows the original, until it is dropped.",
        DemoPart("sender", "cache_sender", ("I have [2] ducks", "I have [3] ducks", "I have [2] ducks", END)),
        (DemoPart("receiver", "cache_receiver", (*FOLLOWED_ON, "dropping pond")),),
    ),
    Conversation(
        "Two receivers follow one pond. One of them leaves, the other keeps following.",
        DemoPart("sender", "cache2_sender", ("I have [2] ducks", "observers: 2", "observers: 1", "I have [2] ducks", END)),
        (
            DemoPart("receiver that stays", "cache_receiver", FOLLOWED_ON),
            DemoPart("receiver that goes", "cache_receiver", FOLLOWED),
        ),
    ),
)


def examples() -> Path:
    """
    Where the example programs lie: in the checkout that this runs from, else where the wheel put them.

    Raises:
        FileNotFoundError: in neither place.
    """
    beside = Path(__file__).resolve().parents[3] / "examples"  # of src/likewise/cli/demo.py
    if (beside / "copy_sender.py").is_file():
        return beside
    try:
        installed = metadata.files("likewise") or []
    except metadata.PackageNotFoundError:
        installed = []
    for file in installed:
        found = Path(str(file.locate()))
        if file.parts[-4:] == ("share", "likewise", "examples", "copy_sender.py") and found.is_file():
            return found.resolve().parent
    raise FileNotFoundError("the example programs are not here: install likewise from its wheel, or run in a checkout")


class Actor:
    """A part while it is played: the process, and what it has said."""

    def __init__(self, part: DemoPart, process: Process) -> None:
        self.part = part
        self.said: list[str] = []
        self.complaints: list[str] = []
        self.port: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process = process
        streams = ((process.stdout, self.said), (process.stderr, self.complaints))
        self._readers = asyncio.gather(*(self._listen(stream, kept) for stream, kept in streams))

    async def _listen(self, stream: asyncio.StreamReader | None, kept: list[str]) -> None:
        assert stream is not None
        try:
            while raw := await stream.readline():
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                print(f"  {self.part.label:{WIDTH}}| {line}", flush=True)
                if (found := LISTENING.match(line)) and not self.port.done():
                    self.port.set_result(found[1])
                kept.append(LISTENING.sub("listening on PORT", OBJECT.sub(r"<\1>", line)))
        finally:
            if kept is self.said and not self.port.done():
                self.port.set_exception(EOFError(f"{self.part.program}.py ended before it listened"))
                self.port.exception()  # a sender never listens: nobody need ask

    async def end(self) -> int:
        """Wait until it has ended, and said all; its exit code."""
        await self._readers
        return await self._process.wait()

    def faults(self) -> list[str]:
        """What went otherwise than it should, in a line each."""
        program, lines = f"{self.part.label} ({self.part.program}.py)", list(self.part.lines)
        found = [f"{program}: {line}" for line in self.complaints]
        if self._process.returncode:
            found.append(f"{program} ended with code {self._process.returncode}")
        if self.said != lines:
            at = next((i for i, (is_, should) in enumerate(zip(self.said, lines, strict=False)) if is_ != should), None)
            at = min(len(self.said), len(lines)) if at is None else at
            is_, should = (repr(each[at]) if at < len(each) else "nothing" for each in (self.said, lines))
            found.append(f"{program} said {is_} as line {at + 1}, where it should say {should}")
        return found

    async def kill(self) -> None:
        """End it if it still runs, and see that nothing of it is left."""
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.gather(self._readers, self._process.wait(), return_exceptions=True)


async def start_part(part: DemoPart, place: Path, *options: str) -> Actor:
    command = [sys.executable, str(place / f"{part.program}.py"), *options]
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment())
    return Actor(part, process)


def environment() -> dict[str, str]:
    """For the programs: they import the modules beside them, and this very likewise."""
    found = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"} | {"PYTHONUTF8": "1"}
    home = Path(__file__).resolve().parents[2]
    if home.name == "src":  # not installed: run from the checkout
        found["PYTHONPATH"] = os.pathsep.join([str(home), *filter(None, [os.environ.get("PYTHONPATH")])])
    return found


async def play(conversation: Conversation, place: Path) -> list[str]:
    """Play one conversation; what went wrong."""
    print(f"\n{conversation.title}", flush=True)
    actors: list[Actor] = []
    try:
        async with asyncio.timeout(CONVERSATION_SECONDS):
            for part in conversation.receivers:
                actors.append(await start_part(part, place, "--port", "0"))
            ports = [await actor.port for actor in actors]
            names = ("--port", "--other-port")
            options = [text for pair in zip(names, ports, strict=False) for text in pair]
            sender = await start_part(conversation.sender, place, *options)
            actors.append(sender)
            if await sender.end():  # then nobody stops the receivers
                return [fault for actor in actors for fault in actor.faults()]
            for actor, port in zip(actors, ports, strict=False):
                if not actor.part.stops_by_itself:
                    async with connect(f"tcp://127.0.0.1:{port}") as connection:
                        await connection.root.callRemote("shutdown")
                await actor.end()
    except TimeoutError:
        return [
            f"it was not over after {CONVERSATION_SECONDS:g} s",
            *(fault for actor in actors for fault in actor.faults()),
        ]
    except (EOFError, OSError) as error:
        return [str(error), *(fault for actor in actors for fault in actor.faults())]
    finally:
        for actor in actors:
            await actor.kill()
    return [fault for actor in actors for fault in actor.faults()]


async def play_all(place: Path) -> int:
    """How many conversations failed."""
    failed = 0
    for conversation in CONVERSATIONS:
        faults = await play(conversation, place)
        failed += bool(faults)
        for fault in faults:
            print(f"  not as expected: {fault}", file=sys.stderr, flush=True)
    return failed


def run_demo() -> int:
    """Play all conversations; 0 if every line came as expected, else 1."""
    place = examples()
    print(f"Each program below is a process of its own; they lie in {place}.", flush=True)
    failed = asyncio.run(play_all(place))
    if failed:
        print(f"likewise: {failed} of {len(CONVERSATIONS)} conversations did not go as expected", file=sys.stderr)
        return 1
    print(f"\nAll {len(CONVERSATIONS)} conversations went as expected.")
    return 0
