"""
Trace records: what a person who looks for a fault wants to know, and near free while nobody listens.

A tracer is any callable that takes a :class:`Record`. ``serve(..., trace=)`` and ``connect(..., trace=)`` take one.
It runs on the hot path of its connection: it must not raise and should only note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Record:
    """
    One thing that happened on one connection.

    ``name`` is one of ``opened``, ``closed``, ``call.refused``, ``fault``, ``not-understood``, ``login``,
    ``login.refused``; ``detail`` holds bounded, printable values only.
    """

    name: str
    peer: str
    detail: Mapping[str, object] = field(default_factory=dict)


Tracer = Callable[[Record], None]
Recorder = Callable[..., None]
"""``recorder(name, **detail)``: what :func:`recorder` makes."""


def recorder(trace: Tracer, peer: str) -> Recorder:
    """What writes the records of one connection: ``recorder(name, **detail)``."""

    def record(name: str, **detail: object) -> None:
        trace(Record(name, peer, detail))

    return record


__all__ = ("Record", "Recorder", "Tracer", "recorder")
