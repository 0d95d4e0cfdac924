"""The page of a run: what was aimed at, every workload, the codec alone, likewise.spread beside Twisted."""

from __future__ import annotations

import statistics
from typing import Any

from .goals import goals_table
from .peers import PEERS
from .results import KINDS, Results, overlap, row, shown, times_better
from .runner import CASES

COUNTED = {"W5": "observer", "W8": "stream"}


def counted(work: str, count: int) -> str:
    """What there are so many of in a case."""
    return COUNTED[work] + "s" * (count != 1)


def case_title(case: str) -> str:
    work, _, count = case.partition(":")
    return f"{work}: {KINDS[work].title}{f', {int(count):,} {counted(work, int(count))}' if count else ''}"


def case_table(results: Results, case: str) -> list[str]:
    work = case[:2]
    kind = KINDS[work]
    head = ["peer", kind.unit, "min..max", "against Twisted", f"of {kind.floor}", *(name for name, _ in kind.more), "runs"]
    lines = [f"### {case_title(case)}", "", row(head), "|" + "---|" + "---:|" * (len(head) - 1)]
    twisted = results.values(case, "twisted", kind.key)
    for peer in results.peers_of(case):
        found = results.values(case, peer, kind.key)
        against, of_floor = times_better(results, case, peer, "twisted"), times_better(results, case, peer, kind.floor)
        tag = PEERS[peer].tags.get(work)
        name = f"*{peer}*" if PEERS[peer].is_floor else f"**{peer}**" if peer.startswith("likewise") else peer
        mark = " ~" if peer != "twisted" and overlap(found, twisted) else ""
        cells = [f"{name} ({tag})" if tag else name, shown(statistics.median(found))]
        cells += [f"{shown(min(found))}..{shown(max(found))}"]
        cells += [f"{shown(against)}x{mark}" if against else "-", f"{shown(of_floor * 100)} %" if of_floor else "-"]
        cells += [shown(results.median(case, peer, key)) for _, key in kind.more]
        lines.append(row([*cells, str(len(found))]))
    return [*lines, ""]


BEFORE = ("likewise-uv", "likewise", "likewise-pb-uv", "likewise-pb", "spread")
VARIANTS = ("likewise", "likewise-pb-uv", "likewise-pb", "likewise-pure-uv", "likewise-pure-pb-uv")


def variants_table(results: Results) -> list[str]:
    """What uvloop, the dialect and the build make of it."""
    cases = [case for case in CASES if results.median(case, "likewise-uv")]
    if not cases:
        return []
    lines = ["## Loop, dialect and build", ""]
    lines += ["How many times as good each is as `likewise-uv`, which is compiled, on uvloop and in our own dialect.", ""]
    lines += [row(["case", "unit", "likewise-uv", *VARIANTS]), "|---|---|" + "---:|" * (len(VARIANTS) + 1)]
    for case in cases:
        ratios = [times_better(results, case, peer, "likewise-uv") for peer in VARIANTS]
        cells = [case, KINDS[case[:2]].unit, shown(results.median(case, "likewise-uv"))]
        lines.append(row(cells + [f"{each:.2f}" if each else "-" for each in ratios]))
    return [*lines, ""]


def before_table(results: Results) -> list[str]:
    """Each peer of ours beside the same one at an earlier commit (`make bench-before`)."""
    pairs = [(peer, peer.replace("likewise", "likewise-before").replace("spread", "spread-before")) for peer in BEFORE]
    rows = [(case, ours, before) for case in CASES for ours, before in pairs if times_better(results, case, ours, before)]
    if not rows:
        return []
    head = ["case", "unit", "peer", "before", "min..max", "now", "min..max", "as good"]
    lines = ["## Beside the commit before", "", row(head), "|---|---|---|" + "---:|" * (len(head) - 3)]
    for case, ours, before in rows:
        kind = KINDS[case[:2]]
        found = [results.values(case, peer, kind.key) for peer in (before, ours)]
        ranges = [t for each in found for t in (shown(statistics.median(each)), f"{shown(min(each))}..{shown(max(each))}")]
        mark = " ~" if overlap(*found) else ""
        lines.append(row([case, kind.unit, ours, *ranges, f"{times_better(results, case, ours, before):.2f}x{mark}"]))
    return [*lines, ""]


def drop_in_table(results: Results) -> list[str]:
    """likewise.spread beside Twisted: the same program, its imports changed."""
    cases = [case for case in CASES if results.median(case, "spread") and results.median(case, "twisted")]
    if not cases:
        return []
    lines = ["## likewise.spread beside Twisted", ""]
    lines += ["One program, written for Twisted's PB, on its default reactor (`-uv`: on uvloop); the imports differ.", ""]
    head = ["case", "unit", "twisted", "min..max", "spread", "min..max", "as good", "spread-uv to twisted-uv", "spread-pure"]
    lines += [row(head), "|---|---|" + "---:|" * (len(head) - 2)]
    for case in cases:
        kind = KINDS[case[:2]]
        cells = [case, kind.unit]
        for peer in ("twisted", "spread"):
            found = results.values(case, peer, kind.key)
            cells += [shown(statistics.median(found)), f"{shown(min(found))}..{shown(max(found))}"]
        mark = " ~" if overlap(results.values(case, "spread", kind.key), results.values(case, "twisted", kind.key)) else ""
        pairs = (("spread", "twisted", mark), ("spread-uv", "twisted-uv", ""), ("spread-pure", "twisted", ""))
        ratios = [(times_better(results, case, ours, theirs), mark) for ours, theirs, mark in pairs]
        lines.append(row(cells + [f"{shown(ratio)}x{mark}" if ratio else "-" for ratio, mark in ratios]))
    return [*lines, ""]


def codec_table(rows: list[dict[str, Any]]) -> list[str]:
    """Each codec's median microseconds, and how many times as long as msgspec's it takes."""
    if not rows:
        return []
    lines = ["## The codec alone, in one process", ""]
    lines += ["Microseconds for one message, by pyperf; then, encoding / decoding, how many times as long as msgspec with"]
    lines += ["its Structs it takes, and how many times as fast as Twisted's jelly and banana it is.", ""]
    lines += [row(["message", "codec", "bytes", "encode us", "decode us", "to msgspec", "against Twisted"])]
    lines += ["|---|---|" + "---:|" * 5]
    by_name = {(each["message"], each["codec"]): each for each in rows}
    for each in rows:
        message = each["message"]
        name = f"**{each['codec']}**" if each["codec"].startswith("likewise") else each["codec"]
        cells = [message, name, f"{each['bytes']:,}", shown(each["encode_us"]), shown(each["decode_us"])]
        for base, upside_down in (("msgspec", False), ("twisted", True)):
            ratios = [each[key] / by_name[message, base][key] for key in ("encode_us", "decode_us")]
            cells.append(" / ".join(f"{shown(1 / ratio if upside_down else ratio)}x" for ratio in ratios))
        lines.append(row(cells))
    return [*lines, ""]


def preamble(about: dict[str, Any], results: Results, left_out: dict[str, list[str]]) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    changed = ", with changes that are not committed" if about["changed"] else ""
    others = sorted(results.others) or [0.0]
    busy = f"{statistics.median(others):.2f} in the median, {others[int(len(others) * 0.9)]:.2f} at the 90th percentile, "
    busy += f"{others[-1]:.2f} at most"
    length = f"{about['rounds']} rounds, {about['case_s']:g} s measured in a case of W1 to W4"
    lines = [
        "# Measured", "",
        "Made by `make bench`; do not edit. [What the numbers mean](../docs/topics/performance.md) is said elsewhere.", "",
        f"- likewise {about['likewise']}, commit {about['commit']}{changed}, {about['build']} build; peers named",
        "  `likewise-pure` run the pure one. `-uv` is uvloop, `-pb` the dialect of Twisted, without it ours.",
        f"- {about['date']}; {about['machine']}; {about['python']}; {versions}.",
        f"- Loopback TCP; {about['places']}; {length}; {about['minutes']:.0f} minutes in all.",
        "- Medians of the rounds, every peer once in each, beginning with another one each time. `~`: the ranges overlap,",
        "  so no difference is shown. *Floors* hold no objects; brackets say where a case departs from the workload.",
        f"- Others kept this many processors busy while a case ran: {busy}.",
    ]  # fmt: skip
    if left_out:
        missing = "; ".join(f"{name} ({', '.join(what)} is missing)" for name, what in left_out.items())
        lines.append(f"- Left out: {missing}.")
    if about["cut_short"]:
        lines.append(f"- **Not whole**: {about['cut_short']}.")
    return [*lines, ""]


def report(session: dict[str, Any], left_out: dict[str, list[str]]) -> str:
    """The whole page."""
    results, codec_rows = Results(session["records"]), session.get("codec", [])
    lines = preamble(session["about"], results, left_out) + goals_table(results, codec_rows) + variants_table(results)
    lines += ["## The workloads", ""]
    for case in CASES:
        if results.peers_of(case):
            lines += case_table(results, case)
    lines += codec_table(codec_rows) + drop_in_table(results) + before_table(results)
    if results.errors:
        lines += ["## Failed", ""]
        lines += [f"- {peer}, {case}: `{error}`" for (case, peer), error in results.errors.items()] + [""]
    return "\n".join(lines)
