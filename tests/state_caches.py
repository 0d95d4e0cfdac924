"""
State caches that hold lists and dicts of other state caches: the largest use of Cacheable that is known, as a program.

``State`` is what a server has, ``Mirror`` what each follower sees of it. :class:`Garden` changes them at random, the same
way each time: plain values are set, caches are put in, shared, moved, removed, and sent again. :func:`picture` is one text
for equal states, whatever they are made of: two that are shared in the same way have the same picture.
"""

from __future__ import annotations

import random
from typing import Any

STATES = 12  # of them in a garden, so that the same ones leave and come back


def classes(pb: Any) -> tuple[type, type]:
    """``State`` and ``Mirror``, made of the flavours in ``pb``: likewise, likewise.spread.pb or twisted.spread.pb."""

    class State(pb.Cacheable):  # type: ignore[misc]
        def __init__(self, name: str, tell: Any) -> None:
            self.name = name
            self.tell = tell  # (observers, name, *args): how this kind of observers is told
            self.values: dict[str, Any] = {}
            self.states: dict[str, Any] = {}
            self.line: list[Any] = []
            self.observers: list[Any] = []

        def getTypeToCopy(self) -> str:
            return "state_caches.State"

        def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
            self.observers.append(observer)
            return {"name": self.name, "values": dict(self.values), "states": dict(self.states), "line": list(self.line)}

        def stoppedObserving(self, perspective: Any, observer: Any) -> None:
            self.observers = [each for each in self.observers if each is not observer and not same(each, observer)]

        def set(self, key: str, value: Any) -> None:
            self.values[key] = value
            self.tell(self.observers, "set", key, value)

        def put(self, key: str, state: Any) -> None:
            self.states[key] = state
            self.tell(self.observers, "put", key, state)

        def drop(self, key: str) -> None:
            del self.states[key]
            self.tell(self.observers, "drop", key)

        def append(self, state: Any) -> None:
            self.line.append(state)
            self.tell(self.observers, "append", state)

        def pop(self) -> None:
            self.line.pop()
            self.tell(self.observers, "pop")

    class Mirror(pb.RemoteCache):  # type: ignore[misc]
        def setCopyableState(self, state: Any) -> None:
            self.name, self.values = state["name"], state["values"]
            self.states, self.line = state["states"], state["line"]

        def observe_set(self, key: str, value: Any) -> None:
            self.values[key] = value

        def observe_put(self, key: str, state: Any) -> None:
            self.states[key] = state

        def observe_drop(self, key: str) -> None:
            del self.states[key]

        def observe_append(self, state: Any) -> None:
            self.line.append(state)

        def observe_pop(self) -> None:
            self.line.pop()

    pb.setUnjellyableForClass("state_caches.State", Mirror)
    return State, Mirror


def same(one: Any, other: Any) -> bool:
    """Whether two observers of Twisted's are one: it makes another one for stoppedObserving, and compares badly."""
    return getattr(one, "broker", one) is getattr(other, "broker", other)


def picture(state: Any, seen: dict[int, int] | None = None) -> str:
    """What a state, or a mirror of it, looks like; one that was met before is named by its number."""
    seen = {} if seen is None else seen
    identity = id(state.__dict__)  # of a mirror of Twisted's several objects may stand for one
    if identity in seen:
        return f"#{seen[identity]}"
    seen[identity] = len(seen)
    values = ", ".join(f"{key}={state.values[key]!r}" for key in sorted(state.values))
    states = ", ".join(f"{key}: {picture(state.states[key], seen)}" for key in sorted(state.states))
    line = ", ".join(picture(each, seen) for each in state.line)
    return f"{state.name}({values}; {states}; {line})"


def alone(state: Any) -> str:
    """The same without what becomes of the states in it, which live on by themselves."""
    return f"{state.name}({state.values}; {sorted(state.states)}; {len(state.line)})"


class Garden:
    """Some states, of which the first leads to others, never back: Twisted has no mirror that leads to itself."""

    def __init__(self, make: type, tell: Any, seed: int = 7) -> None:
        self.dice = random.Random(seed)
        self.states = [make(f"s{i}", tell) for i in range(STATES)]

    @property
    def first(self) -> Any:
        return self.states[0]

    def change(self) -> None:
        """One change somewhere, whether anybody sees it or not."""
        dice = self.dice
        place = dice.randrange(STATES - 1)
        state = self.states[place]
        kind = dice.randrange(6)
        later = self.states[dice.randrange(place + 1, STATES)]
        if kind == 0:
            state.set(dice.choice("abc"), [dice.randrange(100), "text", {"n": dice.random()}])
        elif kind == 1:
            state.append(later)
        elif kind == 2 and state.line:
            state.pop()
        elif kind == 3 and state.states:
            state.drop(dice.choice(sorted(state.states)))
        else:
            state.put(dice.choice("pqr"), later)

    def followed(self) -> int:
        """How many observers there are in all."""
        return sum(len(state.observers) for state in self.states)
