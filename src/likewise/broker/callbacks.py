"""Telling an application's hooks that something has ended: all of them, whatever one of them raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..errors import ENDS_THE_PROGRAM
from .events import Driver


def run_callbacks(driver: Driver, doing: str, hooks: Iterable[Callable[[], object]]) -> None:
    """
    Run each of them. What one raises is reported, and keeps none of the others from running.

    Raises:
        KeyboardInterrupt, SystemExit: one has raised it; the others have run all the same.
    """
    ends: BaseException | None = None
    for hook in hooks:
        try:
            hook()
        except ENDS_THE_PROGRAM as error:
            ends = ends or error
        except BaseException as error:  # GeneratorExit, a CancelledError: this hook's own affair
            driver.report(doing, error)
    if ends is not None:
        raise ends


__all__ = ("run_callbacks",)
