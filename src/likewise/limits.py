"""
Every ceiling on what a peer can make this process hold, build or compute, each with its unit and reason.

A connection takes one :class:`Limits`; ``serve(..., limits=)`` and ``connect(..., limits=)`` set it.
What goes over a ceiling of the wire ends the connection with :class:`~likewise.errors.LimitExceeded`; what goes
over a ceiling of one value or call ends that call.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
LARGEST: Final = 2**53  # of a ceiling that is counted: the compiled build keeps it, and what is added to it, in 64 bits


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The ceilings of one connection. Defaults suit peers that mean well and may err; see :meth:`public`.

    Raises:
        ValueError: a ceiling below 1, one that is counted and no int or over 2**53, or ``depth`` over :data:`DEEPEST`.
    """

    prefix_digits: int = 64
    """Base-128 digits before a type byte. 64 is Twisted's own limit: no honest integer is longer (448 bits)."""

    string_bytes: int = 64 * MIB
    """Bytes of one byte string, once both ends speak ``likewise-1``; a Twisted peer sends 655,360 at the most."""

    list_items: int = 4_000_000
    """Items of one list, once both ends speak ``likewise-1``; a Twisted peer sends 655,360 at the most."""

    depth: int = 500
    """Lists open inside one another. Decoding is recursive: this is what bounds the stack. A copy within a copy takes three,
    four where it is shared: Twisted, which is recursive, too, takes 120 of them."""

    frame_items: int = 1_000_000
    """Tokens in one message. Each becomes an object of some 60 bytes, empty lists too. What costs more than it has tokens
    counts as several: see :data:`ITEMS`."""

    frame_bytes: int = 96 * MIB
    """Bytes of one message, buffered until it is whole."""

    greeting_bytes: int = 4 * KIB
    """Bytes of one message before a dialect is agreed: a list of dialect names is short."""

    hash_work: int = 1_000_000
    """Parts hashed, or compared where hashes are equal, for the dict keys and set members of one message. A tuple is hashed
    anew at each use, so tuples that share their parts cost 2**depth without this."""

    hash_probes: int = 1_500_000
    """Places of dicts and sets that are found taken while the keys of one message are put in; each costs 5 to 100 ns.
    Honest ints need next to none, 50,000 multiples of 1/256 (as floats) 1,300,000. Chosen keys cost n**2 without this."""

    unfolded_tuples: int = 10_000_000
    """Parts of the shared tuples and frozensets of one message, counted anew at each use. A method that hashes,
    compares or prints such an argument pays for each; 40 pairs, each of the one before, have 2**40."""

    rebuilt_bytes: int = 1 * MIB
    """Bytes of what one message means again, counted anew at each use, in the states of adopted types and of attrs, msgspec
    and pydantic classes: these look at each part wherever it occurs, and may make 200 bytes of one, in 0.15 s for 1 MiB. 40
    lists, each twice in the next, have 2**40."""

    equal_hashes: int = 64
    """Keys of one dict or set with the very same hash: honest keys do not collide, chosen ones cost n**2."""

    decimal_exponent: int = 6144
    """Largest exponent of a Decimal, either sign (IEEE 754 decimal128): ``int(Decimal("1E+4000000"))`` takes minutes."""

    name_bytes: int = 256
    """Bytes of a method, keyword, attribute or class name."""

    open_calls: int = 100_000
    """Our own calls without an answer yet: one more raises TooManyCalls. Cancelled ones count until answered."""

    running_calls: int = 1_000
    """Calls of the peer that run here at once (suspended coroutines); those that wait for the peer themselves do not
    count. Further calls wait to be started. From an address whose ended connections left ten times as many running, no
    new one is taken until some have ended."""

    waiting_calls: int = 100_000
    """Calls of the peer that wait to be started, besides ``running_calls``. One more is refused: it was not run. As many
    as ``open_calls``, which is what an honest peer of ours may have unanswered."""

    waiting_seconds: float = 60.0
    """Time that calls wait to be started while none of those that run ends. Then they are refused: they were not run."""

    argument_bytes: int = 128 * MIB
    """Bytes of memory that the arguments of calls hold: of those that run, and as much again of those that wait. A call
    has a weight of some 500 bytes besides while it waits, and of 2 KiB while it runs."""

    all_argument_bytes: int = 512 * MIB
    """The same of all connections of a server together. Past it, the connection whose calls hold most is dropped."""

    references: int = 65_536
    """Our objects that the peer holds by reference, and its objects that we hold: each counted alone."""

    caches: int = 65_536
    """Our Cacheables that the peer mirrors, and its Cacheables that we mirror: each counted alone."""

    queued_output: int = 64 * MIB
    """Bytes waiting for a peer that does not read. When more is queued on top, it is dropped as too slow."""

    unread_answers: int = MIB
    """Bytes of answers that a peer leaves unread before its further calls wait to be started."""

    stalled_seconds: float = 60.0
    """Time in which a peer reads nothing of the answers that it has left unread before it is dropped."""

    faults: int = 100
    """Messages that no honest peer sends (answers to nothing, releases of what is not held) before it is dropped."""

    handshake_seconds: float = 20.0
    """Time from connect until a dialect is agreed."""

    message_seconds: float = 900.0
    """Time that one message may take to arrive, once it has begun: who sends a byte now and then is dropped."""

    idle_seconds: float = math.inf
    """Time that a peer may send nothing at all. Infinite, because honest mirrors of what never changes are silent."""

    keepalive_seconds: float = 60.0
    """Time after which a peer that has vanished without a word is found out: by the keep-alive of TCP while nothing is on
    its way to it, otherwise (on Linux) by what it has not acknowledged. One that is there acknowledges without knowing, and
    is not dropped for being slow to read."""

    connections: int = 10_000
    """Connections that one server holds at once; one more is closed at once."""

    connections_per_address: int = 10_000
    """The same, from one IPv4 address, from one /64 of IPv6, or of one user of this machine over a UNIX socket; who stands
    behind a shared one counts together. One more takes the place of one that has yet to agree on a dialect, if there is
    any."""

    handshakes: int = 1_000
    """Connections of one server that have yet to agree on a dialect; with one more, the oldest of them is closed."""

    held_bytes: int = 512 * MIB
    """Bytes of unfinished messages, of all connections of a server together. Past it, the connection that has kept a
    large one unfinished for longest is dropped: many slow senders cost no more than a few."""

    unread_bytes: int = 512 * MIB
    """Bytes of output that peers leave unread, of all connections of a server together. Past it, the connection that has
    left a large part unread for longest is dropped."""

    paged_bytes: int = 256 * MIB
    """Bytes of all the pages that one collector gathers, as they lie in memory here, slots and empty containers too, and at
    least 64 each. One page more fails what waits for them."""

    streams: int = 1_000
    """Iterators of ours that the peer may read from at once; one more can't be sent to it."""

    stream_items: int = 1_000
    """Items of one stream that are asked for ahead of the reader here, a quarter of them in one call; and the most that
    one call of the peer is answered with, whatever it asks for."""

    stream_bytes: int = 256 * KIB
    """Bytes of the items that one call is answered with, as they lie on the wire; a single item may be larger."""

    published_files: int = 1_000
    """Files that keep the states of published objects in one directory; with one more the oldest goes."""

    published_bytes: int = 256 * MIB
    """Bytes of all these files together, on the disk. What is larger alone is not kept, and fetched anew each time."""

    log_lines: int = 200
    """Lines about peers that one endpoint logs in 10 seconds; the others are counted, and one line tells how many."""

    log_bytes: int = 256 * KIB
    """Bytes of what one endpoint logs about peers in 10 seconds, tracebacks and asyncio's reports included. One entry is at
    most some 20 KiB, so that much it may be more; what goes beyond is counted as with ``log_lines``."""

    login_attempts: int = 5
    """Logins that one connection may begin without one that succeeds; with one more it is dropped."""

    login_seconds: float = 30.0
    """Time from the greeting, or from the last logout, until somebody is logged in."""

    logins: int = 1_000
    """Users that are logged in at once over one connection; with one more the login fails. One is usual."""

    login_bytes: int = KIB
    """Bytes of a user name, a password, a token or a step of SCRAM. Until the login no message may be over 8 times this."""

    logins_waiting: int = 100
    """Logins of one server whose password waits to be hashed (tens of MiB and of milliseconds each); one more fails."""

    user_attempts: int = 5
    """Wrong passwords for one user before the next one has to wait: 1 s, then 2, 4, ... One is forgiven a minute. Each
    network (an IPv4 address, a /64 of IPv6) waits for its own; one from which nobody has guessed waits for those of the
    others, but 3 s at the most. So one network has 3,600 / ``user_pause_seconds`` guesses an hour and some 10 more, even if
    it begins many side by side."""

    user_pause_seconds: float = 30.0
    """The longest of these waits. Nobody is ever locked out, and who has not guessed never waits for longer than 3 s."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (type(value) is not int or value > LARGEST):
                raise ValueError(f"Limits.{field.name} must be a whole number (int), at most 2**53, not {value!r}")
            if not value > 0:
                raise ValueError(f"Limits.{field.name} must be positive, not {value}")
        if self.depth > DEEPEST:
            raise ValueError(f"Limits.depth is at most {DEEPEST}: deeper would overflow the stack")

    def before_login(self) -> Limits:
        """What holds for the messages of a stranger: enough to log in, not more."""
        small = {"frame_bytes": 8 * self.login_bytes, "string_bytes": 4 * self.login_bytes, "frame_items": 200}
        small |= {"list_items": 100, "depth": 16, "hash_work": 1_000, "hash_probes": 1_000}
        return dataclasses.replace(self, **_lower_of(self, small))

    @classmethod
    def trusted(cls, **changes: Any) -> Limits:
        """For a peer you run yourself: large messages pass, faults are still bounded."""
        generous = {"frame_items": 20_000_000, "list_items": 20_000_000, "frame_bytes": 1024 * MIB}
        more = {"string_bytes": 1023 * MIB, "queued_output": 1024 * MIB, "references": 1_000_000, "caches": 1_000_000}
        more |= {"rebuilt_bytes": 256 * MIB, "argument_bytes": 4 * 1024 * MIB, "all_argument_bytes": 16 * 1024 * MIB}
        more |= {"held_bytes": 8 * 1024 * MIB, "unread_bytes": 8 * 1024 * MIB, "paged_bytes": 8 * 1024 * MIB}
        return cls(**(generous | more | changes))

    @classmethod
    def public(cls, **changes: Any) -> Limits:
        """For strangers: one connection can hold a few MiB of this process, not more."""
        message = {"frame_items": 25_000, "frame_bytes": MIB, "string_bytes": 640 * KIB, "list_items": 25_000, "depth": 64}
        work = {"hash_work": 50_000, "hash_probes": 600_000, "unfolded_tuples": 500_000}
        work |= {"rebuilt_bytes": 64 * KIB}
        work |= {"running_calls": 32, "faults": 10, "log_lines": 50}
        work["log_bytes"] = 64 * KIB
        held = {"references": 1_024, "caches": 1_024, "queued_output": 4 * MIB, "unread_answers": 256 * KIB}
        held |= {"streams": 100, "stream_items": 500, "stream_bytes": 64 * KIB}
        held |= {"paged_bytes": 8 * MIB, "published_files": 100, "published_bytes": 16 * MIB}
        held |= {"argument_bytes": 4 * MIB, "waiting_calls": 8_000}
        seconds = {"handshake_seconds": 10.0, "stalled_seconds": 20.0, "message_seconds": 60.0, "idle_seconds": 3600.0}
        seconds["waiting_seconds"] = 20.0
        logins = {"login_attempts": 3, "login_seconds": 20.0, "logins": 100}
        together = {"connections": 2_000, "connections_per_address": 100, "handshakes": 200, "held_bytes": 6 * MIB}
        together |= {"unread_bytes": 32 * MIB, "all_argument_bytes": 64 * MIB}
        return cls(**(message | work | held | seconds | logins | together | changes))


def _lower_of(limits: Limits, ceilings: dict[str, int]) -> dict[str, Any]:
    return {name: min(value, getattr(limits, name)) for name, value in ceilings.items()}


ITEMS: Final = {
    "set": 5,  # 1.2 us, and 216 bytes: CPython gives each set room for eight members
    "instance": 4,  # 0.7 us for a copy; 1.3 us for a dataclass, whose fields are counted
    "reference": 1,  # 1.5 us, a proxy and a weak reference to it, for each of the at most 65,536 that are new
    "time": 3,  # 0.8 us for a date, 1.2 us for a datetime
    "decimal": 6,  # 1.0 us, 2.2 us with 134 digits
    "odd": 12,  # 2.7 us: a date with leading zeros or the like, read in Python
    "uuid": 2,  # 1.3 us beyond its tokens
    "fraction": 4,  # 1.0 us, 2.4 us with 448 bits above and below
    "member": 2,  # 0.4 us for each of the names of a Flag
    "named": 12,  # 3 us: what its fields are is looked at behind the whole message
    "exception": 60,  # 15 us, without what it takes along
    "digits": 16,  # so many digits to the base of 128 of an integer, beyond 8, count as one item: 0.3 us for 64 of them
}
"""
How many further items of ``frame_items`` a value counts as, by what it costs beyond its tokens.

Measured on the compiled build, on a machine that reads a million small integers in 16 ms. An item may then cost 0.25 us: the
costliest message at default limits takes 250 ms, and one of :meth:`Limits.public` 25 ms.
"""

TIME_HASH: Final = 4  # parts of ``hash_work`` that hashing a date, a time or a timedelta is worth
DECIMAL_HASH: Final = 12  # the same for a Decimal
FRACTION_HASH: Final = 12  # the same for a Fraction
UUID_HASH: Final = 4  # the same for a UUID
ENUM_HASH: Final = 4  # the same for a member of an Enum
INSTANCE_HASH: Final = 4  # the same for an instance, whose ``__hash__`` is Python

BYTES: Final = {"item": 64, "set": 104, "member": 64, "instance": 100, "reference": 400}
"""What a decoded message takes in memory, more or less: bytes for each token, and what comes on top."""

DEEPEST: Final = 500
"""The highest ``depth``. The compiled build takes it on a stack of 512 KiB. On the pure build the recursion limit of Python
may end it earlier, at some 300 lists or 120 to 200 copies: that is refused as it is at the ceiling."""

# What one exception may take along beside its class and text. What is over these stays behind, and the error says so.
ERROR_BYTES: Final = 256 * KIB  # bytes of its arguments, fields, notes and members together, as they are written
ERROR_PARTS: Final = 1_000  # parts of its arguments, each counted at each use, or 10 characters: printing them is cheap
ERROR_LISTS: Final = 64  # lists open inside one another in them
ERROR_NOTES: Final = 16  # notes of one exception
ERROR_NOTE: Final = 1_000  # characters of one note
ERROR_MEMBERS: Final = 100  # exceptions in one exception group, those of groups in it included
ERROR_DEPTH: Final = 6  # exception groups in one another

FRACTION_BITS: Final = 448  # of a numerator, and of a denominator: no integer on the wire has more, and gcd() costs n**2
NAN_DIGITS: Final = 134  # digits that a Decimal which is no number may bear, as many as one that is
ZONE_BYTES: Final = 64  # bytes of the name of a time zone
ZONES: Final = 1_000  # time zones whose data are kept once they were named, some KiB each; the IANA database has 600
FLAG_COMBINATIONS: Final = 10_000
"""Different combinations of the members of one Flag that peers may send in the lifetime of a process: Python keeps each of
them for good, some 500 bytes, and a Flag with 40 members has 2**40."""

STREAM_CALLS: Final = 16  # calls for items of one stream that may wait; one more is refused. A reader of ours makes 4

REWRITTEN: Final = 4  # times that a message, or 64 KiB, may be written anew for hooks of likewise.spread that change it

ALIAS_DEPTH: Final = 150
"""Levels of a value whose annotation leads back to itself, as ``type Tree = list[Tree] | int``: each takes four steps of the
stack, of which Python has 1,000. Deeper ones are refused."""
