"""All cases, in the order of their numbers."""

from __future__ import annotations

import re

from tests.hostile import (
    arriving,
    calls,
    classes,
    foreign,
    framing,
    held,
    liveness,
    logins,
    own_forms,
    printing,
    raising,
    rich,
    streams,
    times,
    values,
    work,
)
from tests.hostile.harness import CASES as FOUND
from tests.hostile.harness import Case

MODULES = (framing, values, calls, times, logins, raising, printing, own_forms, work, held)
MODULES += (arriving, liveness, classes, streams, rich, foreign)


def _order(name: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", name.split()[0])))


__all__ = ("CASES", "Case")

CASES = sorted(FOUND, key=lambda case: _order(case.id))
