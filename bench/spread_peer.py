"""
likewise.spread as a peer: Twisted's own program with its imports led to ours, of this package's runner or of any other
that has a module ``peers`` with a ``Twisted`` in it (``BENCH_ADAPTER=bench/spread_peer.py``).
"""

from __future__ import annotations

import importlib
import sys

try:
    from peers import Twisted
except ImportError:
    from bench.peers.twisted_pb import Twisted


class Spread(Twisted):
    """likewise.spread on Twisted's default reactor"""

    name = "spread"

    def define(self) -> None:
        for name in ("", ".pb", ".util"):
            sys.modules["twisted.spread" + name] = importlib.import_module("likewise.spread" + name)
        super().define()


class SpreadUv(Spread):
    """likewise.spread, the reactor on uvloop"""

    name, uv = "spread-uv", True


class SpreadPure(Spread):
    """likewise.spread on Twisted's default reactor, pure build"""

    name, build = "spread-pure", "pure"


class SpreadBefore(Spread):
    """likewise.spread on Twisted's default reactor, an earlier commit"""

    name, build = "spread-before", "before"


PEERS = [Spread, SpreadUv, SpreadPure, SpreadBefore]
