"""The peers, by name. Their libraries are imported when a case runs, so what is not installed is only left out."""

from __future__ import annotations

from .. import spread_peer
from ..peer import Peer
from . import brokers, capnp, floors, grpc, managers, ours, pyro, rpyc, twisted_pb

_FAMILIES = [
    floors.PEERS, ours.PEERS, spread_peer.PEERS, twisted_pb.PEERS, managers.PEERS, pyro.PEERS, rpyc.PEERS, capnp.PEERS,
    grpc.PEERS, brokers.PEERS,
]  # fmt: skip

PEERS: dict[str, type[Peer]] = {peer.name: peer for family in _FAMILIES for peer in family}


def find(name: str) -> type[Peer]:
    """
    The peer of that name.

    Raises:
        ValueError: there is none; the message lists them.
    """
    if name not in PEERS:
        raise ValueError(f"no peer is called {name!r}; there are {', '.join(PEERS)}")
    return PEERS[name]
