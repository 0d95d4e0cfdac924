"""likewise itself: both builds, and that of an earlier commit."""

from __future__ import annotations

from typing import Any

from ..likewise_peer import PEERS as COMPILED
from ..peer import Peer


def of_build(peer: Any, build: str, words: str) -> Any:
    """The same peer, whose processes import that build."""
    name = peer.name.replace("likewise", f"likewise-{build}", 1)
    return type(name, (peer,), {"name": name, "build": build, "__doc__": f"{peer.__doc__}, {words}"})


PEERS: list[type[Peer]] = [
    *COMPILED,
    *(of_build(peer, "pure", "pure build") for peer in COMPILED if peer.uv),
    *(of_build(peer, "before", "an earlier commit") for peer in COMPILED),
]
