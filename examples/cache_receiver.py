"""By cache, the receiver: python cache_receiver.py [--port N]. It runs until the remote `shutdown`, or Ctrl-C."""

import argparse
import asyncio
import contextlib
import sys

from cache_classes import SlaveDuckPond  # importing it is what registers it

import likewise


class Receiver(likewise.Root):
    server: likewise.Server
    pond: SlaveDuckPond | None = None

    def remote_takePond(self, pond: SlaveDuckPond) -> None:
        self.pond = pond
        print("got pond:", pond)
        self.remote_checkDucks()

    def remote_checkDucks(self) -> None:
        if self.pond is not None:
            print(f"[{self.pond.count()}] ducks: ", self.pond.getDucks())

    def remote_ignorePond(self) -> None:
        print("dropping pond")
        # The mirror is collected, the sender is told, and stoppedObserving runs there.
        self.pond = None

    def remote_shutdown(self) -> None:
        self.server.stop()  # whoever called is answered first


async def main(port: int) -> None:
    receiver = Receiver()
    async with likewise.serve(receiver, f"tcp://127.0.0.1:{port}") as receiver.server:
        print("listening on", receiver.server.port)
        await receiver.server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800, help="0 is any that is free")
    sys.stdout.reconfigure(line_buffering=True)  # each line at once, into a pipe too
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(parser.parse_args().port))
