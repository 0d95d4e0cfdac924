"""
Searches for costly messages: ``python -P fuzz/costly.py [--seconds N] [--limits default|public] [--target decoder|broker]``.

Recipes of messages (``recipes.py``) that use up all that the ceilings allow are changed at random; the costliest live on.
What counts is the CPU time of the longest step of a loop, the last: the least of several runs, as milliseconds of the
machine on which :data:`CALIBRATION` holds, for one that is slower, or busy, is no fault of the message. A message that is
refused counts like any other, for it blocks as long.

It prints the costliest and fails where one is over the bound (the compiled build; the pure one has none). ``--keep`` writes
the costliest into ``fuzz/corpus/costly/``, where each search begins; ``--check FILE ...`` measures kept ones alone.
"""

from __future__ import annotations

import argparse
import ast
import gc
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import likewise  # noqa: E402
from fuzz import recipes  # noqa: E402
from fuzz.targets import REGISTRY, End  # noqa: E402
from likewise.broker.core import Broker  # noqa: E402
from likewise.broker.events import CallReceived  # noqa: E402
from likewise.broker.states import Side  # noqa: E402
from likewise.errors import InsecureJelly, LikewiseError  # noqa: E402
from likewise.jelly.decoder import Decoder  # noqa: E402
from likewise.limits import Limits  # noqa: E402
from likewise.objects.flavours import ObjectFlavours  # noqa: E402
from likewise.trace import Record  # noqa: E402
from likewise.wire.framer import Framer  # noqa: E402
from likewise.wire.tokens import LIKEWISE_1  # noqa: E402

CORPUS = ROOT / "fuzz" / "corpus" / "costly"
LIMITS = {"default": Limits, "public": Limits.public}
BOUNDS = {"default": 250.0, "public": 25.0}  # milliseconds, compiled
CALIBRATION = 0.0078  # seconds that calibrate() takes on the machine whose milliseconds are meant, while it is quiet
CHUNK = 262_144  # bytes that a loop reads at once
POPULATION = 40


def calibrate() -> float:
    """Seconds of CPU time for some work that is nobody's fault: of the interpreter, the allocator and the caches."""
    began = time.process_time()
    for _ in range(4):
        made = [str(number) for number in range(12_000)]
        len({each: index for index, each in enumerate(made)})
    return time.process_time() - began


def decoded(data: bytes, limits: Limits) -> tuple[float, str]:
    """Frame and decode a message: seconds of the longest step, and what refused it."""
    clock = time.process_time
    framer = Framer(limits)
    framer.speak(LIKEWISE_1)
    frame = None
    for chunk in chunks(data):
        began = clock()
        framer.feed(chunk)
        frame = framer.next_frame()
    assert frame is not None
    note = ""
    decoder = Decoder(frame, REGISTRY, None, limits)
    try:
        decoder.decode()
    except InsecureJelly as error:
        note = str(error)
    decoder.let_go()
    return clock() - began, note


def chunks(data: bytes) -> Iterator[bytes]:
    """What comes in each turn of a loop."""
    for place in range(0, len(data), CHUNK):
        yield data[place : place + CHUNK]


class Server(End):
    """A server of the fuzz targets with other ceilings, in the dialect of today."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(Side.SERVER)
        self.refused = ""
        self.broker = Broker(
            Side.SERVER, self, ObjectFlavours(), REGISTRY, limits, root=self.root, owner=self, trace=self.note
        )
        self.broker.start()
        self.broker.data_to_send()
        self.receive(recipes.string(LIKEWISE_1.name))

    def run(self, call: CallReceived) -> None:
        """Take the arguments, and answer that they came."""
        self.broker.answer(call, None)

    def report(self, doing: str, error: BaseException) -> None:
        """A call that is refused is no fault."""
        self.refused = str(error)

    def note(self, record: Record) -> None:
        """What the core traces: why a call was refused."""
        if record.name == "call.refused":
            self.refused = str(record.detail["error"])


def called(data: bytes, limits: Limits) -> tuple[float, str]:
    """The same where a broker takes the message as the argument of a call, answers, and flushes."""
    clock = time.process_time
    server = Server(limits)
    call = b"\x07\x80\x1a\x87\x01\x81\x04\x82root\x03\x82one\x01\x81\x02\x80\x0b\x87" + data + b"\x01\x80\x05\x87"
    took = 0.0
    for chunk in chunks(call):
        began = clock()
        server.receive(chunk)
        took = max(took, clock() - began)
    return took, server.refused


TARGETS: dict[str, Any] = {"decoder": decoded, "broker": called}


class Search:
    """One search; ``best`` has what was measured, the costliest first."""

    def __init__(self, target: str, limits: str, seed: int) -> None:
        self.run = TARGETS[target]
        self.limits = LIMITS[limits]()
        self.pick = random.Random(seed)
        self.best: list[tuple[float, str, recipes.Recipe, float]] = []
        self.count = 0

    def message(self, recipe: recipes.Recipe, scale: float) -> bytes:
        limits = self.limits
        budget = int(min(limits.frame_items, limits.list_items) * 0.98) - 40
        gc.disable()
        try:
            return recipes.Renderer(budget, int(limits.frame_bytes * 0.9) - 1_000).message(recipe, scale)
        finally:
            gc.enable()

    def cost(self, data: bytes, times: int = 2) -> tuple[float, str]:
        """Milliseconds of the machine that is meant, and what refused the message."""
        best, note = 9e9, ""
        for _ in range(times):
            gc.collect()
            pace = min(calibrate(), calibrate())
            try:
                took, note = self.run(data, self.limits)
            except LikewiseError as error:
                return 0.0, f"the connection ends: {error}"
            pace = (pace + min(calibrate(), calibrate())) / 2
            best = min(best, took * CALIBRATION / pace)
        return best * 1_000, note

    def measure(self, recipe: recipes.Recipe, scale: float, enough: float) -> None:
        """Measure a recipe, more often where it is among the costliest."""
        data = self.message(recipe, scale)
        cost, note = self.cost(data, 1)
        if self.best and cost > enough * 0.7:
            cost = min(cost, self.cost(data, 4)[0])
        self.count += 1
        self.best.append((cost, note, recipe, scale))
        self.best.sort(key=lambda each: -each[0])
        del self.best[POPULATION:]

    def step(self, enough: float) -> None:
        """One more recipe."""
        pick = self.pick
        if pick.random() < 0.15:
            recipe, scale = recipes.recipe(pick), 1.0
        else:
            place = min(int(pick.expovariate(0.15)), len(self.best) - 1)
            _, _, recipe, scale = self.best[place]
            if pick.random() < 0.4:  # what is refused costs most just before it is
                scale = max(0.05, min(1.0, scale * pick.choice((0.5, 0.7, 0.85, 0.95, 1.1, 1.4))))
            else:
                recipe = recipes.changed(pick, recipe, pick.choice(self.best)[2])
        self.measure(recipe, scale, enough)


def shown(cost: float, note: str, recipe: recipes.Recipe, scale: float) -> str:
    return f"{cost:7.1f} ms  {scale:.2f} of {str(recipe)[:300]}" + (f"\n            refused: {note[:100]}" if note else "")


def main() -> int:
    parser = argparse.ArgumentParser(description="Search for costly messages.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--limits", choices=[*LIMITS], default="default")
    parser.add_argument("--target", choices=[*TARGETS], default="broker")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--bound", type=float, help="milliseconds over which it fails")
    parser.add_argument("--keep", action="store_true", help="write the costliest into fuzz/corpus/costly")
    parser.add_argument("--check", nargs="+", metavar="FILE", help="measure these recipes alone")
    options = parser.parse_args()
    search = Search(options.target, options.limits, options.seed)
    bound = options.bound or (BOUNDS[options.limits] if likewise.is_compiled() else float("inf"))
    ends = time.monotonic() + options.seconds
    known = [load(path) for path in (options.check or sorted(map(str, CORPUS.glob("*"))))]
    if not options.check:
        known += [(recipe, scale) for recipe in recipes.seeds() for scale in (1.0, 0.45)]
        search.pick.shuffle(known)
    for recipe, scale in known:
        if time.monotonic() < ends:
            search.measure(recipe, scale, search.best[0][0] if search.best else 0.0)
    while time.monotonic() < ends and not options.check:
        search.step(search.best[0][0])
    build = "compiled" if likewise.is_compiled() else "pure"
    for place, found in enumerate(search.best[:10]):
        if found[0] > 0.7 * bound:  # once more, with care
            search.best[place] = (min(found[0], search.cost(search.message(found[2], found[3]), 5)[0]), *found[1:])
    search.best.sort(key=lambda each: -each[0])
    for each in search.best[:8]:
        print(shown(*each), flush=True)
    worst = search.best[0][0]
    print(f"{options.target}, {options.limits} limits, {build}: {search.count} messages, seed {options.seed}, ", end="")
    print(f"the costliest {worst:.1f} ms" + (f" of {bound:g} ms" if bound < 1e9 else ""), flush=True)
    if options.keep:
        CORPUS.mkdir(exist_ok=True)
        for number, each in enumerate(search.best[:3]):
            Path(CORPUS, f"{options.limits}-{options.target}-{number + 1}").write_text(f"{each[3]!r}, {each[2]!r}\n")
    return 1 if worst > bound else 0


def load(path: str) -> tuple[recipes.Recipe, float]:
    """A recipe that was kept."""
    scale, recipe = ast.literal_eval(Path(path).read_text(encoding="utf-8"))
    return recipe, scale


if __name__ == "__main__":
    sys.exit(main())
