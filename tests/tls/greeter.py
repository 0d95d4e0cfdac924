"""
A server over TLS, as a process of its own: ``greeter.py CERTIFICATE KEY [CLIENT_CA]``.

It prints its address. A line on its standard input, ``reload``, has it read its files again; it says ``reloaded``. It
serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import likewise


class Greeter(likewise.Root):
    """Knows callers by their certificates."""

    def rootObject(self, connection: Any) -> likewise.Referenceable:
        return For(connection.get_extra_info("peercert"))


class For(likewise.Referenceable):
    """What one caller gets."""

    def __init__(self, certificate: Any) -> None:
        self.name = dict(part[0] for part in certificate["subject"])["commonName"] if certificate else None

    def remote_greet(self, name: str) -> str:
        return f"hello, {self.name or name}"


async def main(certificate: str, key: str, client_ca: str | None = None) -> None:
    tls = likewise.TLS(certificate=certificate, key=key, client_ca=client_ca)
    async with likewise.serve(Greeter(), "tls://127.0.0.1:0", tls=tls) as server:
        print(server.address, flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            if line == "reload\n":
                server.reload_tls()
                print("reloaded", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
