"""likewise itself, on both builds."""

from __future__ import annotations

from typing import Any

from ..likewise_peer import PEERS as COMPILED
from ..peer import Peer


def pure(peer: Any) -> Any:
    """The same peer, whose processes import the pure build."""
    name = peer.name.replace("likewise", "likewise-pure", 1)
    return type(name, (peer,), {"name": name, "build": "pure", "__doc__": f"{peer.__doc__}, pure build"})


PEERS: list[type[Peer]] = [*COMPILED, *(pure(peer) for peer in COMPILED if peer.uv)]
