"""By copy, with a state of its own making, the receiver: python copy2_receiver.py [--port N]. Stops as the others do."""

import argparse
import asyncio
import contextlib
import sys

import copy2_classes  # importing it is what registers ReceiverPond

import likewise


class Receiver(likewise.Root):
    server: likewise.Server

    def remote_takePond(self, pond: copy2_classes.ReceiverPond) -> str:
        print(" got pond:", pond)
        print(f" count {pond.count()}")
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
