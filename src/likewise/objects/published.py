"""
Caches kept across runs: a :class:`Publishable` is asked for its state only if it has changed since it was seen last.

Its mirror arrives with the time of the last change. If the state of that time lies in a file here, see
:mod:`~likewise.objects.kept`, it is used; if not it is asked for, and kept. The files are read and written on another
thread, where the driver has one, not while a message is decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from ..bounded import clip
from ..errors import Error, InsecureJelly
from ..jelly.plans import admit_state, wire_name
from ..jelly.registry import Registry, default_registry
from . import kept
from .by_cache import Cacheable, RemoteCache
from .by_reference import RemoteReference, ViewPoint

SENT: Final = ("perspective", "publishedID", "remote", "service", "timestamp")  # what the state of a new mirror consists of
OTHERS: Final = ("isActivated", "_wasCleanWhenLoaded", "_failed", "_listeners", "_mirror", "cacheDirectory", "registry")
READ_HERE: Final = frozenset((*SENT, *OTHERS))  # no state from the wire has them


class Publishing:
    """What makes a Cacheable one whose state is fetched only when it is new; ``publishedID`` names it for good."""

    make_view: ClassVar[Any] = ViewPoint
    publishedID: Any
    timestamp: float

    def __init__(self, publishedID: Any) -> None:
        self.republish()
        self.publishedID = publishedID

    def republish(self) -> None:
        """The state is new: who asks from now on fetches it."""
        self.timestamp = time.time()

    def view_getStateToPublish(self, perspective: Any) -> Any:
        return self.getStateToPublishFor(perspective)

    def getStateToPublishFor(self, perspective: Any) -> Any:
        """The state for this perspective, a dict: by default :meth:`getStateToPublish`."""
        return self.getStateToPublish()

    def getStateToPublish(self) -> Any:
        """The state, a dict. Override this, or the one above."""
        raise NotImplementedError(f"{type(self)}.getStateToPublish")

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> Any:
        """What a new mirror gets: when the state changed last, and whom to ask for it."""
        return {
            "remote": self.make_view(perspective, self),
            "publishedID": self.publishedID,
            "perspective": perspective.perspectiveName if perspective else "None",
            "service": perspective.getService().serviceName if perspective else "None",
            "timestamp": self.timestamp,
        }


class FollowingPublished:
    """
    What makes a mirror one that keeps its state in a file.

    The state arrives later than the mirror: :meth:`callWhenActivated`. ``cacheDirectory`` is where the files lie.
    """

    cacheDirectory: ClassVar[str | Path] = "."
    registry: ClassVar[Registry] = default_registry
    isActivated: Any = 0
    _wasCleanWhenLoaded: Any = 0
    _listeners: list[tuple[Callable[[Any], object], Callable[[BaseException], object] | None]]
    _failed: BaseException | None = None
    remote: Any
    service: Any
    perspective: Any
    publishedID: Any
    timestamp: Any

    def getFileName(self, ext: str = "pub") -> str:
        """The name of the file that keeps the state, without a directory."""
        return f"{kept.file_name(wire_name(type(self)), self.service, self.perspective, self.publishedID)}.{ext}"

    def setCopyableState(self, state: Any) -> None:
        admitted = admit_state(type(self), state)
        if any(name not in admitted for name in SENT):
            raise InsecureJelly(f"the state of {wire_name(type(self))} must have {', '.join(SENT)}")
        if not isinstance(admitted["remote"], RemoteReference):
            raise InsecureJelly(f"{wire_name(type(self))} is fetched from a reference, not from {clip(admitted['remote'])}")
        if type(admitted["timestamp"]) not in (float, int):
            raise InsecureJelly(f"the timestamp of {wire_name(type(self))} is a number, not {clip(admitted['timestamp'])}")
        for name in SENT:
            setattr(self, name, admitted[name])
        self._listeners = []
        path, caller = self._path(), self.remote._caller
        caller.driver.run_on_file_thread(lambda: kept.read_file(path, caller.limits), self._read)

    def activated(self) -> None:
        """The state is there. For subclasses."""

    def callWhenActivated(
        self, callback: Callable[[Any], object], failed: Callable[[BaseException], object] | None = None
    ) -> None:
        """
        Have ``callback(self)`` run when the state is there; at once if it is. If it can't be had, ``failed(error)`` runs.
        """
        if self.isActivated:
            callback(self)
        elif self._failed is None:
            self._listeners.append((callback, failed))
        elif failed is not None:
            failed(self._failed)

    def _path(self) -> Path:
        return kept.path_in(type(self).cacheDirectory, self.getFileName())

    def _read(self, data: bytes | None) -> None:
        """The file has been read, if there is one: use it if it is up to date and the class still admits what it holds."""
        found = kept.state_from_bytes(data, self.registry, self.remote._caller.limits)
        if found is not None and found.get("timestamp") == self.timestamp:
            try:
                state = self._admitted(found.get("state"))
            except InsecureJelly:  # of an older version of the class
                pass
            else:
                self._wasCleanWhenLoaded = 1
                self._take(state)
                return
        try:
            result = self.remote.callRemote("getStateToPublish")
        except Exception as error:
            self._not_fetched(error)
        else:
            self._when_answered(result)

    def _when_answered(self, result: Any) -> None:
        """Have :meth:`_fetched` or :meth:`_not_fetched` run with the answer, here for an asyncio Future."""

        def answered(answer: Any) -> None:
            error = Error("the call was cancelled") if answer.cancelled() else answer.exception()
            if error is None:
                self._fetched(answer.result())
            else:
                self._not_fetched(error)

        result.add_done_callback(answered)

    def _fetched(self, answer: Any) -> None:
        try:
            state = self._admitted(answer)
            data = kept.state_as_bytes({"timestamp": self.timestamp, "state": answer})
        except Exception as error:
            self._not_fetched(error)
            return
        self._take(state)
        if data is not None:
            whole, path, caller = data, self._path(), self.remote._caller

            def written(error: OSError | None) -> None:
                if error is not None:
                    caller.driver.report("keeping the state of a RemotePublished", error)

            caller.driver.run_on_file_thread(lambda: kept.write_file(path, whole, caller.limits), written)

    def _not_fetched(self, error: BaseException) -> None:
        self._failed = error
        self._report("fetching the state of a RemotePublished", error)
        listeners, self._listeners = self._listeners, []
        for _, failed in listeners:
            if failed is not None:
                self._guarded(failed, error)

    def _admitted(self, state: Any) -> dict[str, Any]:
        """A state as attributes, none of which are those that are read here."""
        if type(state) is not dict:
            raise InsecureJelly(f"the state of {wire_name(type(self))} must be a dictionary, not {clip(state)}")
        admitted = admit_state(type(self), state)
        for name in admitted:
            if name in READ_HERE:
                raise InsecureJelly(f"{name} of {wire_name(type(self))} is no part of what is published")
        return admitted

    def _take(self, admitted: dict[str, Any]) -> None:
        self.__dict__.update(admitted)
        self.isActivated = 1
        listeners, self._listeners = self._listeners, []
        for callback, _ in listeners:
            self._guarded(callback, self)
        self._guarded(type(self).activated, self)

    def _guarded(self, callback: Callable[[Any], object], what: Any) -> None:
        try:
            callback(what)
        except Exception as error:  # the others are told all the same
            self._report("telling who waits for a RemotePublished", error)

    def _report(self, doing: str, error: BaseException) -> None:
        self.remote._caller.driver.report(doing, error)


class Publishable(Publishing, Cacheable):
    """Derive from this, write :meth:`getStateToPublish`, and call :meth:`republish` whenever that changes."""


class RemotePublished(FollowingPublished, RemoteCache):
    """Derive from this to mirror a Publishable, and register it with :func:`likewise.setUnjellyableForClass`."""


__all__ = ("Publishable", "RemotePublished")
