"""How much of each workload is run, and on which processors."""

from __future__ import annotations

import os

HOST = "127.0.0.1"

MEASURED_S, WARM_UP_S = float(os.environ.get("BENCH_CASE_SECONDS", "1.5")), 0.4  # W1 to W3
IN_FLIGHT = {"W2": 256, "W3": 64}
MOST_CALLS = 400_000  # of one case, where each is timed alone

BLOB_BYTES = 10_000_000
BLOB_S, MOST_BLOBS = MEASURED_S, 1_000  # W4

UPDATES, DELIVERIES = 200, 20_000  # W5: so many updates at least, and more where few watch: a run is not to be over at once
PUBLISHING_S = 2 * MEASURED_S  # W5 is cut short then; the table says how many updates were made
FAN_OUT = (10, 100, 1_000)

ENTRIES, TRANSFERS = 100_000, 3  # W6

ARRAY_BYTES = 100_000_000  # W9

STREAMS = (1, 64)  # W8, of one connection

IDLE_CLIENTS = 1_000  # W7
IDLE_BEFORE = 200  # connected before the memory is read the first time: they fill what the allocator keeps free
CONNECTING_AT_ONCE = 25

# scaling.py and latency.py
SIZED_S, FEWEST = 0.5, 1  # each size is passed for so long, and at least so often; once more before, which does not count
STATE_SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)  # objects
MESSAGE_SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)  # bytes
OBSERVERS = (10, 30, 100, 300, 1_000, 3_000, 10_000)
CHANGES_A_SECOND, CHANGING_S = 100, 4.0
LATE_S = 0.002  # a change made so much later than it was due counts from when it was due: the publisher could not keep up

# Two partners of a ping-pong that happen to share a core are twice as fast as two that do not: so each side has its own.
PROCESSORS = {"server": {0, 1}, "client": {2, 3}}


def can_pin() -> bool:
    """Whether this machine has the processors that :data:`PROCESSORS` names."""
    wanted = set().union(*PROCESSORS.values())
    return hasattr(os, "sched_getaffinity") and wanted <= os.sched_getaffinity(0)
