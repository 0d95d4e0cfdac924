"""The first inputs, from the recorded vectors: ``python -P fuzz/seeds.py`` writes ``fuzz/corpus/``."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.sexp import decode_available, encode  # noqa: E402

MOST = 3_000  # bytes: inputs are small


def seeds() -> Iterator[tuple[str, bytes]]:
    """Target and input: streams for the framer, arguments and answers for the decoder, conversations for the broker."""
    stored = json.loads((ROOT / "tests" / "vectors" / "vectors.json").read_text(encoding="utf-8"))
    for case in stored["banana"]:
        data = bytes.fromhex(case.get("hex", ""))
        yield "framer", bytes((1 if case.get("dialect") == "none" else 2,)) + data
    for case in stored["vectors"]:
        for who, first in (("client", 3), ("server", 2)):
            said = b"".join(
                bytes.fromhex(event["hex"]) for event in case["events"] if event.get("from") == who and "hex" in event
            )
            yield "framer", b"\x00" + said
            messages, _ = decode_available(said)
            calls = [each for each in messages if isinstance(each, list) and each and isinstance(each[0], bytes)]
            after = [each for each in calls if each[0] not in (b"pb", b"none", b"version")]
            if after:
                yield "broker", bytes((first,)) + b"".join(map(encode, after))
            for each in after:
                for part in each[3:] if each[0] in (b"message", b"cachemessage") else each[2:3]:
                    if isinstance(part, list):
                        yield "decoder", encode(part)


def features(data: bytes) -> set[object]:
    """What is in an input, roughly: its runs of three type bytes, and its words."""
    kinds = [byte for byte in data if byte >= 0x80]
    return set(zip(kinds, kinds[1:], kinds[2:], strict=False)) | set(data.split(b"\x82"))


def main() -> None:
    kept: dict[str, int] = {}
    seen: dict[str, set[object]] = {}
    for target, data in sorted(seeds(), key=lambda seed: len(seed[1])):
        known = seen.setdefault(target, set())
        if not 1 < len(data) <= MOST or len(features(data) - known) < 3:  # nothing new in it
            continue
        known |= features(data)
        path = ROOT / "fuzz" / "corpus" / target / hashlib.sha1(data, usedforsecurity=False).hexdigest()[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        kept[target] = kept.get(target, 0) + 1
    print(kept)


if __name__ == "__main__":
    main()
