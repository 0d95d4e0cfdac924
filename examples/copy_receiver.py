"""By copy, the receiver: python copy_receiver.py [--port N]. It runs until the remote `shutdown`, or Ctrl-C."""

import argparse
import asyncio
import contextlib
import sys

from copy_sender import CopyPond, LilyPond

import likewise


class ReceiverPond(likewise.RemoteCopy, LilyPond):
    pass


likewise.setUnjellyableForClass(CopyPond, ReceiverPond)


class Receiver(likewise.Root):
    server: likewise.Server

    def remote_takePond(self, pond: ReceiverPond) -> str:
        print(" got pond:", pond)
        pond.countFrogs()
        return "safe and sound"  # positive acknowledgement

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
