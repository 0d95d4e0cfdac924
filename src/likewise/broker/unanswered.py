"""Our calls that wait for their answers, by number."""

from __future__ import annotations

from typing import Any

from .tables import NOTHING


class Unanswered:
    """
    ``results`` are what the callers hold: number -> a result of the driver's making. ``next_number`` is that of the call
    to come.
    """

    __slots__ = ("next_number", "results")

    def __init__(self) -> None:
        self.next_number = 1
        self.results: dict[int, Any] = NOTHING

    def add(self, number: int, result: Any) -> None:
        """This call waits from now on."""
        if self.results is NOTHING:
            self.results = {}
        self.results[number] = result

    def take(self, number: int) -> Any:
        """The result of a call that is answered; ``None`` if no such call waits."""
        return self.results.pop(number, None)

    def take_all(self) -> list[Any]:
        """The results of all calls that wait: no answer will come."""
        results, self.results = self.results, NOTHING
        return list(results.values())


__all__ = ("Unanswered",)
