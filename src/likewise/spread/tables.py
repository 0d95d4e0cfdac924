"""The tables of a connection as Twisted's users know them: who is held by whom, under which number, how often."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..bounded import clip
from .references import RemoteReference


class Local:
    """An entry of a connection's tables: an object of ours and how often the peer holds it."""

    __module__ = "likewise.spread.pb"

    def __init__(self, object: Any, perspective: Any = None, refcount: int = 1) -> None:
        self.object = object
        self.perspective = perspective
        self.refcount = refcount

    def __repr__(self) -> str:
        return f"<pb.Local {clip(self.object)} ref:{self.refcount}>"


class Table(Mapping[Any, Any]):
    """One of the core's tables, to be looked at."""

    def __init__(self, entries: Mapping[Any, Any], show: Callable[[Any], Any]) -> None:
        self._entries = entries
        self._show = show

    def __getitem__(self, key: Any) -> Any:
        return self._show(self._entries[key])

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class WithTables:
    """What a Broker tells of the core's tables, and counts in them by hand."""

    core: Any
    line: Any
    serializingPerspective: Any

    @property
    def localObjects(self) -> Table:
        """Our objects that the peer may call: luid or name -> :class:`Local`."""
        return Table(self.core.tables.exported, lambda entry: Local(entry.target, None, entry.count))

    @property
    def luids(self) -> Table:
        """processUniqueID -> luid of the objects above."""
        return Table(self.core.tables.ids(), lambda luid: luid)

    @property
    def remotelyCachedObjects(self) -> Table:
        """Our Cacheables that the peer mirrors: luid -> :class:`Local`."""
        return Table(self.core.tables.observed, lambda entry: Local(entry.cacheable, entry.perspective, entry.count))

    @property
    def remotelyCachedLUIDs(self) -> Table:
        """processUniqueID -> luid of the objects above."""
        observed = self.core.tables.observed
        return Table({entry.key[0]: luid for luid, entry in observed.items()}, lambda luid: luid)

    @property
    def locallyCachedObjects(self) -> Table:
        """The mirrors here: luid -> mirror, ``None`` for one that has ended and the peer does not know yet."""
        mirrors = self.core.tables.mirrors.values()
        return Table({entry.luid: entry for entry in mirrors}, lambda entry: entry.living())

    def localObjectForID(self, luid: Any) -> Any:
        """Our object with this number or name; ``None`` if there is none."""
        entry = self.core.tables.exported.get(luid.encode() if isinstance(luid, str) else luid)
        return None if entry is None else entry.target

    def setNameForLocal(self, name: Any, object: Any) -> None:
        """Let the peer call an object under a name, for as long as the connection lasts."""
        assert object is not None
        self.core.tables.name(name.encode() if isinstance(name, str) else name, object)

    def remoteForName(self, name: Any) -> RemoteReference:
        """A reference to what the peer has under a name; costs no bytes, and whether it exists is not asked."""
        broker: Any = self
        return RemoteReference(None, broker, name.encode() if isinstance(name, str) else name, 0)

    def registerReference(self, object: Any) -> int:
        """The number under which an object of ours goes out, counted once more."""
        return self._counted(lambda tables: tables.export(object))

    def cacheRemotely(self, instance: Any) -> int:
        """The same for a Cacheable."""
        perspective = self.serializingPerspective
        return self._counted(lambda tables: tables.observe(instance, perspective)[0])

    def _counted(self, count: Callable[[Any], Any]) -> int:
        """Have something counted for the peer, outside of a message or as part of the one that is being written."""
        tables = self.core.tables
        is_outside = tables.journal is None and not self.line.depth
        luid: int = count(tables)
        if is_outside:
            tables.journal = None
        return luid

    def cachedRemotelyAs(self, instance: Any, incref: Any = 0) -> int | None:
        """The number under which the peer mirrors a Cacheable for who is served now, ``None`` if it does not."""
        luid: int | None = self.core.tables.observed_as(instance, self.serializingPerspective)
        if luid is not None and incref:
            self.cacheRemotely(instance)
        return luid

    def newLocalID(self) -> int:
        """A number that no object of ours has on this connection."""
        tables = self.core.tables
        tables.next_luid += 1
        return int(tables.next_luid - 1)

    def newRequestID(self) -> int:
        """The number of a call, used up."""
        return int(self.core.spend_request())

    def sendDecRef(self, objectID: Any) -> None:
        """Give one count of a reference back by hand; a reference that is dropped does so by itself."""
        self.core.outbox.send([b"decref", objectID])

    def decCacheRef(self, cacheID: Any) -> None:
        """The same for a mirror."""
        self.core.outbox.send([b"decache", cacheID])

    def remotelyCachedForLUID(self, luid: Any) -> Any:
        """The Cacheable that the peer mirrors under this number."""
        return self.core.tables.observed[luid].cacheable

    def cacheLocally(self, cid: Any, instance: Any) -> None:
        """Make a new mirror known, before it has its state."""
        self.core.tables.hold_mirror(cid, instance)

    def cachedLocallyAs(self, cid: Any) -> Any:
        """The mirror with this number."""
        return self.locallyCachedObjects[cid]


__all__ = ("Local", "Table", "WithTables")
