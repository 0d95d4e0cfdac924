"""What likewise is to reach, and whether a run shows that it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import settings
from .results import KINDS, Results, overlap, row, shown


@dataclass(frozen=True)
class Goal:
    """What likewise is to reach in one case: this share of what the other peer does, in it or ``beside`` it, or a number."""

    case: str
    ours: str
    other: str
    share: float = 1.0
    number: float = 0.0
    beside: str = ""  # another case


GOALS = [
    Goal("W1", "likewise-uv", "raw-uv", 0.75),
    Goal("W1", "likewise-uv", "mp.managers"),
    Goal("W2", "likewise-uv", "mini-uv", 0.75),
    Goal("W3", "likewise-pb-uv", "pycapnp"),
    Goal("W4", "likewise-uv", "mp.managers"),
    Goal("W5:1000", "likewise-uv", "raw-uv"),
    Goal("W6", "likewise-uv", "mp.managers"),
    Goal("W7", "likewise-uv", "", number=2.5),
    *[Goal(f"W8:{count}", "likewise-uv", other) for count in settings.STREAMS for other in ("grpc.aio", "pyro5")],
    Goal("W9", "likewise-uv", "likewise-uv", 0.8, beside="W4"),
]


@dataclass(frozen=True)
class CodecGoal:
    """The most microseconds that one message may take."""

    message: str
    direction: str
    most: float


CODEC_GOALS = [
    CodecGoal("add(2, 3)", "encode", 0.6),
    CodecGoal("add(2, 3)", "decode", 0.6),
    CodecGoal("an Order of 20 Lines", "encode", 10.0),
    CodecGoal("an Order of 20 Lines", "decode", 20.0),
]
CODECS_ASKED = ("likewise", "likewise, pb")

HEAD = ["", "unit", "likewise", "", "beside", "", "asked", "measured", "reached", "pure build", "Twisted"]
EXPLAINED = """\
*Measured* is how many times as good likewise is as what it is beside, by the medians of this run; where less is better,
that is the other's figure divided by ours. *Reached* says whether it is what was *asked* for, and `~` that the ranges
leave it open. Every answer was looked at, and in W5 each observer saw every change, once and in the order made: where one
is wrong, the case has failed and is named at the end.
"""


def verdict(reached: bool, undecided: bool = False) -> str:
    return ("yes" if reached else "**no**") + (" ~" if undecided else "")


def goal_row(results: Results, goal: Goal) -> list[str] | None:
    kind, ours = KINDS[goal.case[:2]], results.median(goal.case, goal.ours)
    beside, against = goal.beside or goal.case, goal.other or "a number"
    against = f"{against} in {goal.beside}" if goal.beside else against
    theirs = results.median(beside, goal.other) if goal.other else goal.number
    if not ours or not theirs:
        cells = [goal.case, kind.unit, goal.ours, shown(ours), against, shown(theirs), f"{goal.share:g}"]
        return [*cells, "-", "not measured", "-", "-"] if results.peers_of(goal.case) else None
    measured = theirs / ours if kind.lower_is_better else ours / theirs
    scale = goal.share if not kind.lower_is_better else 1 / goal.share
    bar = [each * scale for each in results.values(beside, goal.other, kind.key)]
    undecided = overlap(results.values(goal.case, goal.ours, kind.key), bar)
    pure = results.median(goal.case, goal.ours.replace("likewise", "likewise-pure", 1))
    cells = [goal.case, kind.unit, goal.ours, shown(ours), against, shown(theirs), f"{goal.share:g}"]
    cells += [f"{measured:.2f}", verdict(measured >= goal.share, undecided)]
    return [*cells, shown(pure), shown(results.median(goal.case, "twisted"))]


def codec_goal_row(rows: list[dict[str, Any]], goal: CodecGoal, codec: str) -> list[str] | None:
    found = {each["codec"]: each[f"{goal.direction}_us"] for each in rows if each["message"] == goal.message}
    if codec not in found:
        return None
    cells = [f"codec, {goal.direction} {goal.message}", "us", codec, shown(found[codec]), "a number", f"{goal.most:g}", "1"]
    cells += [f"{goal.most / found[codec]:.2f}", verdict(found[codec] <= goal.most)]
    return [*cells, shown(found.get(f"{codec} (pure build)")), shown(found.get("twisted"))]


def goals_table(results: Results, codec_rows: list[dict[str, Any]]) -> list[str]:
    found = [goal_row(results, goal) for goal in GOALS]
    found += [codec_goal_row(codec_rows, goal, codec) for codec in CODECS_ASKED for goal in CODEC_GOALS]
    rows = [cells for cells in found if cells is not None]
    if not rows:
        return []
    aligned = "|---|---|---|---:|---|---:|---:|---:|---|---:|---:|"
    return ["## Asked and reached", "", EXPLAINED, row(HEAD), aligned, *map(row, rows), ""]
