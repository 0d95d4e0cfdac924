"""By copy, with a state of its own making, the sender: python copy2_sender.py [--port N], with copy2_receiver.py running."""

import argparse
import asyncio
import sys

from copy2_classes import SenderPond

import likewise


class Sender:
    def __init__(self, pond: SenderPond) -> None:
        self.pond = pond

    async def send(self, remote: likewise.RemoteReference) -> None:
        try:
            response = await remote.callRemote("takePond", self.pond)
        except likewise.InsecureJelly:
            print("error during takePond:")
            print(" InsecureJelly")
        except likewise.CallError as error:
            print("error during takePond:")
            print(f" {error}")
        else:
            print("pond arrived", response)


async def main(port: int) -> None:
    pond = SenderPond(3, 4)
    print(f"count {pond.count()}")

    async with likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
        await Sender(pond).send(connection.root)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    sys.stdout.reconfigure(line_buffering=True)  # each line at once, into a pipe too
    try:
        asyncio.run(main(parser.parse_args().port))
    except likewise.CannotConnect as error:
        sys.exit(f"{error}: is copy2_receiver.py running?")
    print("Main loop terminated.")
