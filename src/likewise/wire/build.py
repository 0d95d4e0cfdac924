"""Which of the two builds this is."""

from __future__ import annotations

import types

from .framer import Framer

# Asked of what was loaded, not of the files that lie about: a plain function is one that Python interprets.
_COMPILED = not isinstance(Framer.next_frame, types.FunctionType)


def is_compiled() -> bool:
    """
    Tell whether the codec and the core that run here are the compiled ones.

    A build compiles all of its modules or none, so one answer holds for all of them. Both builds do the same;
    the compiled one is several times as fast. ``LIKEWISE_COMPILED=require`` at installation insists on it.
    """
    return _COMPILED
