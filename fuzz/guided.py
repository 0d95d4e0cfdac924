"""
Coverage-guided fuzzing with Atheris: ``python -P fuzz/guided.py TARGET [--seconds N]``, on the pure build.

libFuzzer's own options may follow, as in ``-max_total_time=60 -runs=100000``. New inputs that reach new code go to
``fuzz/found/corpus-TARGET``; those worth keeping are moved to ``fuzz/corpus/TARGET`` by hand (``-merge=1`` makes them few).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["likewise"]):
    from fuzz.targets import TARGETS, Fault


def main() -> None:
    arguments = sys.argv[1:]
    name = arguments.pop(0)
    if "--seconds" in arguments:
        place = arguments.index("--seconds")
        arguments[place : place + 2] = [f"-max_total_time={arguments[place + 1]}"]
    target = TARGETS[name]
    found = ROOT / "fuzz" / "found" / f"corpus-{name}"
    found.mkdir(parents=True, exist_ok=True)

    def one(data: bytes) -> None:
        began = time.process_time()
        target(data)
        if len(data) <= 4_096 and time.process_time() - began > 0.5:  # instrumented code is some ten times slower
            raise Fault("over 50 ms")

    prefix = f"-artifact_prefix={ROOT / 'fuzz' / 'found'}/{name}-"
    atheris.Setup([sys.argv[0], str(found), str(ROOT / "fuzz" / "corpus" / name), "-max_len=4096", prefix, *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
