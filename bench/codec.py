"""The codec alone: microseconds to encode and decode one call, an Order of 21 instances, and a large dict."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import likewise
from likewise.jelly.decoder import Decoder
from likewise.jelly.encoder import Encoder
from likewise.jelly.registry import default_registry
from likewise.limits import Limits
from likewise.wire.framer import Framer
from likewise.wire.tokens import LIKEWISE_1

LIMITS = Limits()
LINE = dict(sku="SKU-000123", qty=3, price=19.99, title="Widget, large, blue", taxed=False)
ORDER = dict(
    id=123456, customer="Jane Q. Public", email="jane@example.com", total=1234.56, paid=True, currency="EUR",
    status="open", created=1700000000, weight=12.5, note="leave at the door",
)  # fmt: skip


class Line(likewise.Copyable, likewise.RemoteCopy):
    pass


class Order(likewise.Copyable, likewise.RemoteCopy):
    pass


for cls in (Line, Order):
    likewise.setUnjellyableForClass(cls, cls)


def order() -> Order:
    result = Order()
    lines = []
    for i in range(20):
        line = Line()
        line.__dict__.update(LINE, sku=f"SKU-{i:06d}", qty=i)
        lines.append(line)
    result.__dict__.update(ORDER, lines=lines)
    return result


def encode(value: object) -> bytes:
    pieces: list[bytes] = [b"\x07\x80\x1a\x87\x4d\x81\x04\x82root\x03\x82add\x01\x81"]
    encoder = Encoder(pieces, None, None, 250, LIKEWISE_1)
    encoder.encode_arguments(value if isinstance(value, tuple) else (value,))
    encoder.encode_keywords({})
    return b"".join(pieces)


def decode(data: bytes) -> object:
    framer = Framer(LIMITS)
    framer.speak(LIKEWISE_1)
    framer.feed(data)
    frame = framer.next_frame()
    assert frame is not None
    decoder = Decoder(frame, default_registry, None, LIMITS)
    decoder.read_list()
    for _ in range(5):
        decoder.read_leaf()
    return decoder.decode(), decoder.decode()


def best_of(run: Callable[[], object], seconds: float = 1.0) -> float:
    """Median microseconds of one run."""
    times, end = [], time.perf_counter() + seconds
    count = 1
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        for _ in range(count):
            run()
        spent = time.perf_counter() - start
        if spent < 0.01:
            count *= 2
            times.clear()
            continue
        times.append(spent / count)
    return sorted(times)[len(times) // 2] * 1e6


def main() -> None:
    big = {f"key-{i:06d}": i for i in range(100_000)}
    for name, value in (("call add(2,3)", (2, 3)), ("Order", order()), ("dict of 100,000", big)):
        data = encode(value)
        coded = best_of(lambda value=value: encode(value))  # type: ignore[misc]  # bound now, for the loop goes on
        decoded = best_of(lambda data=data: decode(data))  # type: ignore[misc]  # as above
        print(f"{name:16s} {len(data):9,d} bytes   encode {coded:10.2f} us   decode {decoded:10.2f} us")


if __name__ == "__main__":
    sys.exit(main())
