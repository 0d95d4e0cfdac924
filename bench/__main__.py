"""``python -m bench``: run the workloads and write the tables. What needs to be installed, ``make bench`` installs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from . import codec, machine, settings
from .peers import PEERS, find
from .report import report
from .runner import BUILDS, CASES, Session

OUT = machine.ROOT / "bench" / "out"


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="likewise beside other libraries, in one run.")
    parser.add_argument("--peers", default="", help="names, with commas or spaces between; default: all that can run here")
    parser.add_argument("--work", default="", help="W1 to W9, W5:1000 for one size, codec; default: all")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default 3)")
    parser.add_argument("--seconds", type=float, default=3600, help="begin no case after this time (default 3600)")
    parser.add_argument("--case-seconds", type=float, default=settings.MEASURED_S, help="how long W1 to W4 are measured")
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait, in all, for a quiet machine")
    parser.add_argument("--realtime", action="store_true", help="before other processes (SCHED_FIFO; needs privileges)")
    parser.add_argument("--records", type=Path, help="where the runs are kept; those in it count, too")
    parser.add_argument("--output", type=Path, help="write the tables to this file, not to standard output")
    parser.add_argument("--list", action="store_true", help="name the peers, and what each of them can do")
    return parser


def missing(name: str) -> list[str]:
    """What keeps this peer from running here."""
    peer = find(name)
    return peer.missing() + ([f"a build named {peer.build}"] if peer.build and not BUILDS[peer.build].is_dir() else [])


def show_peers() -> None:
    for name, peer in PEERS.items():
        lacking = missing(name)
        note = f"  -- not here: {', '.join(lacking)}" if lacking else ""
        print(f"{name:24s} {peer.works:24s} {(peer.__doc__ or '').strip().splitlines()[0]}{note}")


def chosen_cases(text: str) -> list[str]:
    wanted = text.replace(",", " ").split()
    unknown = [each for each in wanted if each not in (*CASES, "W5", "W8", "codec")]
    if unknown:
        raise SystemExit(f"no such workload: {', '.join(unknown)}; there are {', '.join(CASES)} and codec")
    return [case for case in CASES if not wanted or case in wanted or case.partition(":")[0] in wanted]


def main() -> None:
    options = arguments().parse_args()
    if options.list:
        return show_peers()
    cases = chosen_cases(options.work)
    try:
        names = [find(name).name for name in options.peers.replace(",", " ").split()] or list(PEERS)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    left_out = {name: lacking for name in names if (lacking := missing(name))}
    if options.realtime:
        os.environ["BENCH_REALTIME"] = "1"
    os.environ["BENCH_CASE_SECONDS"] = str(options.case_seconds)  # for the children
    start, about = time.monotonic(), machine.describe()
    print(f"likewise {about['likewise']}, {about['build']} build, commit {about['commit']}", file=sys.stderr)
    records = options.records or OUT / "runs.json"
    if options.records is None:
        records.unlink(missing_ok=True)
    session = Session(records, options.seconds, options.patience, about)
    session.run([name for name in names if name not in left_out], cases, options.repeat)
    codec_rows = codec.rows(BUILDS["pure"]) if not options.work or "codec" in options.work else []
    about |= {"rounds": options.repeat, "case_s": options.case_seconds, "cut_short": session.cut_short}
    about["minutes"] = (time.monotonic() - start) / 60
    text = report({"about": about, "records": session.records, "codec": codec_rows}, left_out)
    if options.output:
        options.output.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
