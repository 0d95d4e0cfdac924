"""By copy, the sender: python copy_sender.py [--port N], with copy_receiver.py running."""

import argparse
import asyncio
import sys

import likewise


class LilyPond:
    def setStuff(self, color: str, numFrogs: int) -> None:
        self.color = color
        self.numFrogs = numFrogs

    def countFrogs(self) -> None:
        print(f"{self.numFrogs} frogs")


class CopyPond(LilyPond, likewise.Copyable):
    pass


class Sender:
    def __init__(self, pond: CopyPond) -> None:
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
    from copy_sender import CopyPond  # so that it is not __main__.CopyPond: the receiver knows it by its module's name

    pond = CopyPond()
    pond.setStuff("green", 7)
    pond.countFrogs()
    print(f"{type(pond).__module__}.{type(pond).__name__}")  # the class name, as it crosses

    async with likewise.connect(f"tcp://127.0.0.1:{port}") as connection:
        await Sender(pond).send(connection.root)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8800)
    sys.stdout.reconfigure(line_buffering=True)  # each line at once, into a pipe too
    try:
        asyncio.run(main(parser.parse_args().port))
    except likewise.CannotConnect as error:
        sys.exit(f"{error}: is copy_receiver.py running?")
    print("Main loop terminated.")
