"""
Id <-> object, how often each side holds it, and who observes it. Implements what the codec asks for.

Both kinds of things that go out, references and caches, draw their ids from one sequence that starts at 1. The peer
releases each as often as it was sent. What came in is known weakly: when the application lets go of it, a finalizer
puts the id in a queue, and the loop sends the releases.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, cast

from ..bounded import clip
from ..errors import CallError, InsecureJelly, NotSendable
from ..jelly.context import Caller, Flavours, Luid, who
from ..limits import Limits
from ..wire.keys import keyed
from ..wire.tokens import LARGE_NUMBER
from .entries import Exported, Held, MirrorEntry, MirrorRef, Observed, Release, luid_key
from .events import Driver

RELEASED_KEPT = 32  # released objects remembered while calls of ours are unanswered
SURPLUS = 1_000  # counts of one reference or mirror, beyond one, that are given back while it lives
FEW_OBJECTS = 8  # objects: up to so many are looked through, which takes no memory

NOTHING: Any = {}  # stands for every table that has never held anything: most connections need one or two of them
NOTHING_DROPPED: Any = []  # the same for the queue of what ended here


class Tables:
    """The tables of one connection."""

    __slots__ = (
        "_named",
        "caller",
        "changes",
        "dropped",
        "driver",
        "ended",
        "exported",
        "just_released",
        "flavours",
        "incoming",
        "journal",
        "limits",
        "luid_of",
        "mirrors",
        "next_luid",
        "observed",
        "observed_ids",
        "references",
        "next_request",
        "released",
        "remotes",
        "results",
    )

    def __init__(self, caller: Caller, limits: Limits, flavours: Flavours, driver: Driver) -> None:
        self.caller = caller
        self.limits = limits
        self.incoming = limits  # for what comes in; a driver may have it other than for what goes out
        self.released: Callable[[object], None] | None = None  # told the key of each object that the peer let go of
        self.flavours = flavours
        self.driver = driver
        self.next_luid = 1
        self.next_request = 1  # the number of the call to come
        self.results: dict[int, Any] = NOTHING  # of our calls that wait for their answers, by number
        self.exported: dict[Luid, Exported] = {}
        self._named = 0  # how many of them have names
        self.luid_of: dict[object, int] | None = None  # by key, for exported; made when there are more than a FEW
        self.observed: dict[int, Observed] = NOTHING
        self.observed_ids: dict[object, int] = NOTHING  # by (key of the object, who asked): another sees it otherwise
        self.ended = 0  # counts of mirrors that were ended here; the peer may give them back before it hears of it
        self.references: dict[Luid, Held] = NOTHING  # these two are filled by the peer: by key_of(luid)
        self.mirrors: dict[int, MirrorEntry] = NOTHING
        self.just_released: dict[Luid, Any] | None = None
        self.dropped: list[Held | MirrorRef | Release] = NOTHING_DROPPED  # what finalizers append to, on any thread
        self.changes: dict[int, Any] = NOTHING  # our calls that tell a mirror of a change and wait: request -> its id
        self.remotes: dict[str, weakref.ref[Any]] = NOTHING
        self.journal: list[tuple[dict[int, Any], int]] | None = None  # what the message being written has counted

    # --- going out

    def export(self, target: Any) -> int:
        key = target.processUniqueID()
        luid = self._known_luid(key)
        if luid is not None:
            self.exported[luid].count += 1
        else:
            # A root is not counted, every further name is: as at a Twisted peer, whose ceiling means this.
            held = len(self.exported)
            if held > self.limits.references or (held == self.limits.references and self.unnamed() == held):
                raise self.flavours.refuse("references", self.limits.references)
            luid = self._new_luid()
            self.exported[luid] = Exported(target, key)
            if self.luid_of is not None:
                self.luid_of[key] = luid
        self._note(self.exported, luid)
        return luid

    def _known_luid(self, key: object) -> int | None:
        """The id of an object that the peer holds already."""
        if self.luid_of is None:
            if len(self.exported) <= FEW_OBJECTS:
                for luid, entry in self.exported.items():
                    if entry.key == key:
                        return cast(int, luid)
                return None
            self.luid_of = self.ids()
        return self.luid_of.get(key)

    def ids(self) -> dict[object, int]:
        """The ids of all objects that the peer holds, but those with names, by their keys."""
        return {entry.key: cast(int, luid) for luid, entry in self.exported.items() if entry.key is not None}

    def unnamed(self) -> int:
        """How many objects the peer holds that have no names."""
        return len(self.exported) - self._named

    def observe(self, cacheable: Any, perspective: Any) -> tuple[int, Any]:
        key = cacheable.processUniqueID(), who(perspective)
        luid = self.observed_ids.get(key)
        if luid is not None:
            self.observed[luid].count += 1
            self._note(self.observed, luid)
            return luid, None
        if len(self.observed) >= self.limits.caches:
            raise self.flavours.refuse("caches", self.limits.caches)
        if self.observed is NOTHING:
            self.observed, self.observed_ids = {}, {}
        luid = self._new_luid()
        observer = self.flavours.make_observer(self.caller, luid, cacheable, perspective)
        self.observed[luid] = Observed(cacheable, key, perspective, observer)
        self.observed_ids[key] = luid
        self._note(self.observed, luid)
        return luid, observer

    def home_luid(self, reference: Any) -> Luid:
        if reference._caller is not self.caller:
            raise NotSendable("a RemoteReference of another connection: it means nothing to this peer")
        luid: Luid = reference.luid
        return luid

    def home_cache(self, mirror: Any) -> int:
        entry = getattr(mirror, "_mirror", None)
        if entry is None or entry.tables is not self:
            raise NotSendable("a RemoteCache of another connection, or one that has ended: it means nothing to this peer")
        luid: int = entry.luid
        return luid

    def name(self, name: bytes, target: Any) -> None:
        """Make an object known under a name, for as long as the connection lasts."""
        if name not in self.exported:
            self._named += 1
        self.exported[name] = target if type(target) is Exported else Exported(target, None)

    def release(self, luid: Luid) -> bool:
        """The peer gives back one count of a reference; whether it held it."""
        entry = self.exported.get(luid)
        if entry is None or entry.key is None:
            return False
        entry.count -= 1
        if not entry.count:
            del self.exported[luid]
            if self.luid_of is not None:
                del self.luid_of[entry.key]
            self._remember(luid, entry.target)
            if self.released is not None:
                self.released(entry.key)
        return True

    def release_cache(self, luid: Luid) -> Observed | bool | None:
        """The peer gives back one count of a cache: the entry if that was the last, else whether it held one."""
        entry = self.observed.get(luid) if type(luid) is int else None
        if entry is None:
            if not self.ended:
                return False
            self.ended -= 1
            return True
        entry.count -= 1
        if entry.count:
            return True
        assert type(luid) is int
        del self.observed[luid]
        del self.observed_ids[entry.key]
        self._remember(luid, entry.cacheable)
        return entry

    def observed_as(self, cacheable: Any, perspective: Any) -> int | None:
        """The id of the mirror that the peer has of a Cacheable for this perspective."""
        return self.observed_ids.get((cacheable.processUniqueID(), who(perspective)))

    def change_sent(self, request: int, luid: Any) -> None:
        """A mirror at the peer was told of a change, and asked for an answer."""
        if self.changes is NOTHING:
            self.changes = {}
        self.changes[request] = luid

    def change_answered(self, request: int, is_error: bool) -> None:
        """A call of ours is answered: if it told a mirror of a change and failed, its observer counts that."""
        entry = self.observed.get(self.changes.pop(request, 0))
        if entry is not None and is_error:
            entry.observer.failures += 1

    def end_observing(self, luid: int) -> Observed | None:
        """A mirror at the peer is to be followed no longer: its entry. What the peer gives back of it is still counted."""
        entry = self.observed.pop(luid, None)
        if entry is not None:
            del self.observed_ids[entry.key]
            self.ended += entry.count
        return entry

    def _remember(self, luid: Luid, target: Any) -> None:
        """
        Remember for a little while what the peer has released.

        A Twisted peer that returns the last reference it holds sends the release first and the answer that names the
        object after it.
        """
        if self.just_released is None:
            self.just_released = {}
        if len(self.just_released) >= RELEASED_KEPT:
            del self.just_released[next(iter(self.just_released))]
        self.just_released[luid] = target

    def undo(self) -> list[Observed]:
        """The message could not be written: take back its counts; the observers that it began, to be stopped."""
        stopped = []
        # What the peer never heard of must not be remembered for it.
        just_released = dict(self.just_released) if self.just_released is not None else None
        for table, luid in reversed(self.journal or ()):
            if table is self.exported:
                self.release(luid)
            else:
                entry = self.release_cache(luid)
                if isinstance(entry, Observed):
                    stopped.append(entry)
        self.just_released = just_released
        return stopped

    def _new_luid(self) -> int:
        self.next_luid += 1
        return self.next_luid - 1

    def _note(self, table: Any, luid: int) -> None:
        if self.journal is None:
            self.journal = []
        self.journal.append((table, luid))

    # --- coming in

    def reference(self, luid: Luid, perspective: Any) -> Any:
        if not self._may_be_held(luid):
            raise InsecureJelly(f"{clip(luid)} can't be an id: they are small numbers, or short names")
        key = luid_key(luid)
        held = self.references.get(key)
        reference = held() if held is not None else None
        if held is not None and reference is not None:
            held.count += 1
            if held.count > SURPLUS:
                self._give_back(False, luid)
                held.count -= SURPLUS
            return reference
        if len(self.references) >= self.incoming.references:
            raise InsecureJelly(f"references: over {self.incoming.references} of your objects are held here")
        reference = self.flavours.make_reference(self.caller, luid, perspective)
        held = Held(reference, self.has_ended)
        held.luid = luid
        held.count = 1
        if self.references is NOTHING:
            self.references = {}
            self._queue_releases()
        self.references[key] = held
        return reference

    def _give_back(self, is_cache: bool, luid: Luid) -> None:
        """Release the surplus of what the peer has sent over and over, not all of it at once when it ends here."""
        self.dropped.append((is_cache, luid, SURPLUS))
        self.driver.release_ready()

    def remote(self, name: str) -> Any:
        """The one reference to what the peer has under a name; it is not counted."""
        known = self.remotes.get(name)
        reference = known() if known is not None else None
        if reference is None:
            reference = self.flavours.make_reference(self.caller, name.encode(), None)
            if self.remotes is NOTHING:
                self.remotes = {}
            self.remotes[name] = weakref.ref(reference)
        return reference

    def local(self, luid: Luid) -> Any:
        entry = self.exported.get(luid)
        if entry is not None:
            return entry.target
        if self.just_released is not None and luid in self.just_released:
            return self.just_released[luid]
        raise InsecureJelly(f"no object of ours has the id {clip(luid)}")

    def original(self, luid: Luid) -> Any:
        entry = self.observed.get(luid) if type(luid) is int else None
        if entry is not None:
            return entry.cacheable
        if self.just_released is not None and luid in self.just_released:
            return self.just_released[luid]
        raise InsecureJelly(f"no Cacheable of ours has the id {clip(luid)}, or not any more: its mirror was ended here")

    def mirror(self, luid: Luid) -> Any:
        entry = self._mirror_entry(luid)
        mirror = entry.living()
        if mirror is None:
            mirror = entry.revived()
            entry.attach(mirror)
        entry.count += 1
        if entry.count > SURPLUS:
            self._give_back(True, luid)
            entry.count -= SURPLUS
        return mirror

    def mirror_to_change(self, luid: Luid) -> Any:
        """The mirror that a change is for; one that has ended is revived for as long as that takes."""
        entry = self._mirror_entry(luid)
        mirror = entry.living()
        return mirror if mirror is not None else entry.revived()

    def change_refused(self, mirror: Any, error: BaseException | None) -> None:
        """A mirror here could not take a change. ``error`` is what the peer is told; drivers log what is no CallError."""
        entry = getattr(mirror, "_mirror", None)
        if entry is not None:
            entry.failures += 1
        if isinstance(error, CallError):
            self.driver.report("keeping a mirror up to date", error)

    def mirror_called(self, luid: Luid) -> Any:
        """The mirror with this id, if it lives."""
        return self._mirror_entry(luid).living() if self.has_mirror(luid) else None

    def hold_mirror(self, luid: Luid, mirror: Any, is_filled: bool = True) -> None:
        if type(luid) is not int or not self._may_be_held(luid):
            raise InsecureJelly(f"{clip(luid)} can't be the id of a cache: they are small numbers")
        key = keyed(luid)
        if key in self.mirrors:
            raise InsecureJelly(f"the cache {clip(luid)} is here already")
        if len(self.mirrors) >= self.incoming.caches:
            raise InsecureJelly(f"caches: over {self.incoming.caches} of your objects are mirrored here")
        if self.mirrors is NOTHING:
            self.mirrors = {}
            self._queue_releases()
        self.mirrors[key] = MirrorEntry(self, luid, mirror, is_filled)

    def mirror_filled(self, mirror: Any) -> None:
        mirror._mirror.is_filled = True

    def _may_be_held(self, luid: Luid) -> bool:
        """Whether an id of the peer's choice may become a key: large ints can be made to collide, large names cost."""
        if isinstance(luid, int):
            return -LARGE_NUMBER < luid < LARGE_NUMBER
        return len(luid) <= self.incoming.name_bytes

    def uncache(self, luid: Luid, because: str) -> MirrorEntry | None:
        """The peer has stopped keeping a mirror up to date: its entry; ``None`` if there was none."""
        if not self.has_mirror(luid):
            return None
        entry = self.mirrors.pop(cast(int, luid_key(luid)))
        entry.end(because)
        return entry

    def _mirror_entry(self, luid: Luid) -> MirrorEntry:
        if type(luid) is int and -LARGE_NUMBER < luid < LARGE_NUMBER:  # as has_mirror(), with one look: each change comes by
            entry = self.mirrors.get(keyed(luid))
            if entry is not None:
                return entry
        raise InsecureJelly(f"no cache {clip(luid)} is here")

    def has_mirror(self, luid: Luid) -> bool:
        """Whether a mirror with this id is here, or its end was not told yet."""
        return type(luid) is int and -LARGE_NUMBER < luid < LARGE_NUMBER and keyed(luid) in self.mirrors

    # --- finalizers: they only queue

    def _queue_releases(self) -> None:
        """The first thing of the peer's is held: nothing ever replaces the queue, for finalizers run on any thread."""
        if self.dropped is NOTHING_DROPPED:
            self.dropped = []

    def has_ended(self, ref: Held | MirrorRef) -> None:
        self.dropped.append(ref)
        self.driver.release_ready()

    def take_releases(self) -> list[tuple[bool, Luid, int]]:
        """What ended here since this was last asked: (is it a cache, its id, how often it was counted) of each."""
        count = len(self.dropped)
        ended = self.dropped[:count]
        del self.dropped[:count]
        releases: list[tuple[bool, Luid, int]] = []
        for ref in ended:
            if isinstance(ref, tuple):
                releases.append(ref)
                continue
            if isinstance(ref, Held):
                key = luid_key(ref.luid)
                if self.references.get(key) is ref:
                    del self.references[key]
                releases.append((False, ref.luid, ref.count))
                continue
            entry = ref.entry
            if entry.ref is ref and entry.tables is not None:
                releases.append((True, entry.luid, entry.count))
                entry.count, entry.ref = 0, None
        return releases

    def clear(self, because: str) -> list[Observed | MirrorEntry]:
        """The connection is gone: forget everything; the observers and the mirrors, to be stopped."""
        stopped: list[Observed | MirrorEntry] = [*self.observed.values(), *self.mirrors.values()]
        for entry in self.mirrors.values():
            entry.end(because)
        self.luid_of = None
        self._named = 0
        for table in (self.exported, self.observed, self.observed_ids, self.references, self.mirrors, self.changes):
            table.clear()
        self.just_released = None
        self.dropped.clear()
        return stopped

    # --- our calls

    def add_result(self, request: int, result: Any) -> None:
        """A call waits from now on; ``result`` is what its caller holds, of the driver's making."""
        if self.results is NOTHING:
            self.results = {}
        self.results[request] = result

    def take_result(self, request: int) -> Any:
        """The result of one that is answered; ``None`` if no such call waits."""
        return self.results.pop(request, None)

    def take_results(self) -> list[Any]:
        """The results of all calls that wait: no answer will come."""
        results, self.results = self.results, NOTHING
        return list(results.values())

    def sizes(self) -> dict[str, int]:
        """How many entries each table has, for tests, metrics and the curious."""
        ours = {"exported": self.unnamed(), "observed": len(self.observed)}
        return ours | {"references": len(self.references), "mirrors": len(self.mirrors)}
