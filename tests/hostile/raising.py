"""M-3: calls of methods that raise what is no Exception, by themselves and where their errors are printed."""

from __future__ import annotations

from tests.hostile.harness import Server, cases, serves
from tests.hostile.raw import Peer, text

KINDS = ("CancelledError", "GeneratorExit", "BaseExceptionGroup", "Own")


@cases(
    "M-3",
    "an exception that is no Exception fails one call",
    {
        "of a plain method": b"raise",
        "of an async one": b"raise_async",
        "of one that has waited": b"raise_later",
        "of an error's __str__": b"raise_in_text",
        "of an error's args": b"raise_in_args",
    },
)
def no_exception(server: Server, value: bytes) -> None:
    with Peer(server.port) as peer:
        for kind in KINDS:
            number = peer.call(value, text(kind))
            one_way = peer.message(value, [b"tuple", text(kind)], answer=0)[1]
            peer.send(one_way)
            answer = peer.result(number)
            assert answer[0] == b"error", f"answered {str(answer)[:200]}"
            serves(peer)
