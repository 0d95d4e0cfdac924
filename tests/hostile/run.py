"""
The whole corpus against a server process: ``python -P tests/hostile/run.py [--target asyncio|spread] [-k WORD]``.

Each case gets a fresh process, so that peak memory is its own; the table shows what each cost.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.hostile import corpus, harness


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the hostile corpus against a server process.")
    parser.add_argument("--target", choices=sorted(harness.TARGETS), default="asyncio", help="which API serves")
    parser.add_argument("-k", default="", metavar="WORD", help="only cases with this in their name")
    parser.add_argument("--one-server", action="store_true", help="one process for all, as an attacker would find it")
    options = parser.parse_args()
    failed = 0
    shared = harness.Server(options.target) if options.one_server else None
    chosen = [case for case in corpus.CASES if options.k in case.name]
    print(f"{'seconds':>8} {'cpu':>6} {'MiB':>6} {'waited':>7} {'log':>6}  case")
    for case in chosen:
        server = shared or harness.Server(options.target)
        try:
            got = harness.hold(case, server)
            costs = f"{got.seconds:8.2f} {got.cpu:6.2f} {got.memory / harness.MIB:6.1f} {got.slowest:7.3f} {got.log:6}"
            print(f"{costs}  {case.name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED   {case.name}: {type(error).__name__}: {str(error)[:500]}", flush=True)
        if shared is None:
            server.stop()
    if shared is not None:
        shared.stop()
    print(f"{len(chosen) - failed} of {len(chosen)} cases hold, target {options.target}")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
