"""Peers whose calls block: multiprocessing.managers, Pyro5."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from . import settings
from .child import Meter, Seen, emit, now, on_stdin, wait_for_runner, with_percentiles
from .data import blob
from .peer import TRANSFERS_S, Peer, Times, check_big, expected, transfer_times


class BlockingPeer(Peer):
    """
    Derive from this. Where the library sends several calls in one message, ``batch(conn, order, count)`` gives their
    answers; where it does not, W2 and W3 have one call under way. For W5: ``subscribe_many(address, count, seen)`` and
    ``pump(it, is_done)``. For W8: ``open_stream(conn)``, an iterator; several are read in turns.
    """

    batch: Callable[[Any, Any, int], list[int]] | None = None
    listen: Callable[..., Any]
    publish: Callable[[int], Any]
    connect: Callable[..., Any]
    add: Callable[..., Any]
    order: Callable[[], Any]
    put: Callable[..., Any]
    send_blob: Callable[..., Any]
    big: Callable[..., Any]
    state: Callable[..., Any]
    hold: Callable[..., Any]
    open_stream: Callable[..., Any]
    subscribe_many: Callable[..., Any]
    pump: Callable[..., Any]

    def serve(self, work: str) -> None:
        address = self.listen()
        on_stdin(lambda words: threading.Thread(target=self.told, args=(words,), daemon=True).start())
        emit("READY", address=address)
        threading.Event().wait()

    def told(self, words: list[str]) -> None:
        """As AsyncPeer.told()."""
        updates, start = int(words[1]), now()
        for number in range(1, updates + 1):
            is_last = number == updates or now() - start > settings.PUBLISHING_S
            self.publish(-number if is_last else number)
            if is_last:
                return emit("PUBLISHED", t0=start, updates=number)

    def client(self, work: str, count: int, address: Any, server: int) -> None:
        meter = Meter(server)
        if work == "W5":
            self.watch(count, address)
        elif work == "W7":
            self.stay_idle(count, address)
        elif work == "W4":
            emit("RESULT", **self.blobs(self.connect(address), meter))
        elif work == "W6":
            emit("RESULT", **self.transfers(self.connect(address)))
        elif work == "W8":
            emit("RESULT", **self.streams(self.connect(address), count, meter))
        elif work == "stream":
            self.stream(self.connect(address))
        elif work in ("bytes", "objects"):
            emit("RESULT", **self.sized(self.connect(address), work, count))
        else:
            emit("RESULT", **self.calls(self.connect(address), work, meter))
        sys.stdout.flush()
        os._exit(0)  # the library's threads are not waited for

    def calls(self, conn: Any, work: str, meter: Meter) -> dict[str, Any]:
        order = self.order() if work == "W3" else None
        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            latencies: list[float] = []
            meter.start()
            result = meter.stop(self._call_for(conn, work, order, seconds, latencies))
        return with_percentiles(result, latencies) if work == "W1" else result

    def _call_for(self, conn: Any, work: str, order: Any, seconds: float, latencies: list[float]) -> int:
        right, end, width = expected(work), now() + seconds, settings.IN_FLIGHT.get(work, 1)
        if width > 1 and self.batch is not None:
            answered = 0
            while now() < end:
                assert self.batch(conn, order, width) == [right] * width
                answered += width
            return answered
        while (start := now()) < end and len(latencies) < settings.MOST_CALLS:
            assert (self.add(conn, 2, 3) if order is None else self.put(conn, order)) == right
            latencies.append(now() - start)
        return len(latencies)

    def blobs(self, conn: Any, meter: Meter) -> dict[str, Any]:
        data = blob()
        assert self.send_blob(conn, data) == len(data)
        meter.start()
        sent, end = 0, now() + settings.BLOB_S
        while sent < settings.MOST_BLOBS and now() < end:
            assert self.send_blob(conn, data) == len(data)
            sent += 1
        result = meter.stop(sent)
        result["mb_s"] = result["rate"] * len(data) / 1e6
        return result

    def streams(self, conn: Any, count: int, meter: Meter) -> dict[str, Any]:
        for seconds in (settings.WARM_UP_S, settings.MEASURED_S):
            streams = [self.open_stream(conn) for _ in range(count)]
            meter.start()
            number, end = 0, now() + seconds
            while now() < end:
                for stream in streams:
                    assert next(stream) == number
                number += 1
            result = meter.stop(number * count)
            for stream in streams:
                stream.close()
        return result

    def stream(self, conn: Any) -> None:
        data = blob()
        self.send_blob(conn, data)
        emit("SENDING")
        while True:
            self.send_blob(conn, data)

    def transfers(self, conn: Any) -> dict[str, Any]:
        times: list[float] = []
        end = now() + TRANSFERS_S
        while len(times) < settings.TRANSFERS and now() < end:
            start = now()
            received = self.big(conn)
            times.append(now() - start)
            check_big(received)
            del received
        return transfer_times(times)

    def sized(self, conn: Any, work: str, size: int) -> dict[str, Any]:
        times, end = Times(), now() + settings.SIZED_S
        data = blob(size) if work == "bytes" else b""
        while times.want_more(end):
            start = now()
            received = self.send_blob(conn, data) if work == "bytes" else self.state(conn, size)
            times.add(now() - start)
            assert received == size if work == "bytes" else received[-1].key == size - 1
            del received
        return times.result()

    def watch(self, count: int, address: Any) -> None:
        ended: list[float] = []
        it = self.subscribe_many(address, count, Seen(count, ended.append))
        emit("SUBSCRIBED")
        limit = now() + 60
        self.pump(it, lambda: bool(ended) or now() > limit)
        emit("RESULT", t_end=ended[0], conns=count)

    def stay_idle(self, count: int, address: Any) -> None:
        held = []
        for number, word in ((self.idle[0], "WARM"), (count, "CONNECTED")):
            for _ in range(number):
                held.append(self.connect(address))
                self.hold(held[-1])
            emit(word)
            wait_for_runner()
        emit("RESULT", conns=len(held))
