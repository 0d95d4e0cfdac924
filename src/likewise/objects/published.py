"""
Caches kept across runs: a :class:`Publishable` is asked for its state only if it has changed since it was seen last.

Its mirror arrives with the time of the last change. If the state of that time lies in a file here, it is used; if not
it is asked for, and kept. The file's name is a digest made here, so what a peer says can't lead out of the directory,
and what is read from it is admitted by the same registry as what comes from a connection.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from ..errors import InsecureJelly, LikewiseError, NotSendable
from ..jelly.decoder import Decoder
from ..jelly.encoder import Encoder
from ..jelly.expressions import to_frame
from ..jelly.plans import admit_state, wire_name
from ..jelly.registry import Registry, default_registry
from ..limits import Limits
from ..wire.tokens import LIKEWISE_1
from .by_cache import Cacheable, RemoteCache
from .by_reference import ViewPoint

LIMITS = Limits()
SENT = ("perspective", "publishedID", "remote", "service", "timestamp")  # what the state of a new mirror consists of


def file_name(*parts: object) -> str:
    """A name for a file about these parts: same parts, same name, and nothing in it that they say."""
    told_apart = b"".join(b"%d:%b" % (len(part), part) for part in (repr(each).encode() for each in parts))
    return hashlib.sha256(told_apart).hexdigest()[:40]


def path_in(directory: str | Path, name: str) -> Path:
    """
    The file of that name in the directory.

    Raises:
        ValueError: the name leads elsewhere.
    """
    if name != Path(name).name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is not the name of a file in {directory}")
    return Path(directory, name)


def load(path: Path, registry: Registry = default_registry, limits: Limits = LIMITS) -> dict[str, Any] | None:
    """The state in a file; ``None`` if there is none that can be read and that the registry admits."""
    try:
        data = path.read_bytes()
        state = Decoder(to_frame(data, limits), registry, None, limits).decode()
    except (OSError, LikewiseError):
        return None
    return state if isinstance(state, dict) else None


def store(path: Path, state: dict[str, Any], limits: Limits = LIMITS) -> bool:
    """Put a state into a file, whole or not at all; whether it could be, for references can't be kept."""
    encoder = Encoder(None, None, limits.depth - 4, LIKEWISE_1)
    try:
        encoder.encode(state)
    except NotSendable:
        return False
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_bytes(b"".join(encoder.written()))
    beside.replace(path)
    return True


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
    _listeners: list[Callable[[Any], object]]
    remote: Any
    service: Any
    perspective: Any
    publishedID: Any
    timestamp: Any

    def getFileName(self, ext: str = "pub") -> str:
        """The name of the file that keeps the state, without a directory."""
        return f"{file_name(wire_name(type(self)), self.service, self.perspective, self.publishedID)}.{ext}"

    def setCopyableState(self, state: Any) -> None:
        admitted = admit_state(type(self), state)
        if any(name not in admitted for name in SENT):
            raise InsecureJelly(f"the state of {wire_name(type(self))} must have {', '.join(SENT)}")
        for name in SENT:
            setattr(self, name, admitted[name])
        self._listeners = []
        kept = load(self._path(), self.registry)
        if kept is not None and kept.get("timestamp") == self.timestamp and isinstance(kept.get("state"), dict):
            self._wasCleanWhenLoaded = 1
            self._take(kept["state"])
        else:
            self._when_answered(self.remote.callRemote("getStateToPublish"))

    def activated(self) -> None:
        """The state is there. For subclasses."""

    def callWhenActivated(self, callback: Callable[[Any], object]) -> None:
        """Have ``callback(self)`` run when the state is there; at once if it is."""
        if self.isActivated:
            callback(self)
        else:
            self._listeners.append(callback)

    def _path(self) -> Path:
        return path_in(type(self).cacheDirectory, self.getFileName())

    def _when_answered(self, result: Any) -> None:
        """Have :meth:`_fetched` run with the answer, here for an asyncio Future."""

        def fetched(answer: Any) -> None:
            if not answer.cancelled() and answer.exception() is None:
                self._fetched(answer.result())

        result.add_done_callback(fetched)

    def _fetched(self, state: Any) -> None:
        self._take(state)
        store(self._path(), {"timestamp": self.timestamp, "state": state})

    def _take(self, state: Any) -> None:
        self.__dict__.update(admit_state(type(self), state))
        self.isActivated = 1
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(self)
        self.activated()


class Publishable(Publishing, Cacheable):
    """Derive from this, write :meth:`getStateToPublish`, and call :meth:`republish` whenever that changes."""


class RemotePublished(FollowingPublished, RemoteCache):
    """Derive from this to mirror a Publishable, and register it with :func:`likewise.setUnjellyableForClass`."""


__all__ = ("Publishable", "RemotePublished")
