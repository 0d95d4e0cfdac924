"""
What can be typed after ``likewise``.

Results go to standard output, faults in one line to standard error. Exit codes: 0 done, 1 failed, 2 usage, 3 no
connection.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from ..asyncio.addresses import parse
from ..asyncio.client import connect
from ..bounded import is_small, one_line, text_of
from ..errors import CannotConnect, ConnectionClosed, LikewiseError
from . import capture, demo

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NO_CONNECTION: Final = 3

MOST_SHOWN: Final = 5_000_000  # parts and characters of an answer that is printed: shared, 800 bytes can be 2**40


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. ``arguments`` are those of the process unless given."""
    options = parser().parse_args(arguments)  # wrong usage leaves from here, with code 2
    try:
        code: int = options.run(options)
        return code
    except KeyboardInterrupt:
        return fail("interrupted", FAILED)
    except BrokenPipeError:  # whoever reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (CannotConnect, ConnectionClosed) as error:
        return fail(text_of(error), NO_CONNECTION)
    except TimeoutError:
        return fail(f"no answer within {options.timeout:g} s", FAILED)
    except (LikewiseError, OSError) as error:
        return fail(f"{type(error).__name__}: {text_of(error)}", FAILED)


def fail(text: str, code: int) -> int:
    """One line to standard error; control characters that a peer sent are shown, not obeyed."""
    print("likewise:", one_line(text), file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="likewise",
        description="Live Python objects between processes.",
        epilog="exit codes: 0 done, 1 failed, 2 usage, 3 no connection",
    )
    top.add_argument("--version", action="version", version=f"likewise {version()}")
    verbs = top.add_subparsers(required=True, metavar="COMMAND")

    verb = verbs.add_parser("demo", help="run the example programs as real processes and show what both sides say")
    verb.set_defaults(run=lambda options: demo.run())

    verb = verbs.add_parser("call", help="call a method of a server's root object and print what it returns")
    verb.add_argument("address", metavar="ADDRESS", type=address, help="tcp://127.0.0.1:8800 or unix:///run/app.sock")
    verb.add_argument("method", metavar="METHOD", help="without the remote_ before it")
    verb.add_argument("args", metavar="JSON", nargs="*", type=value, help="""arguments, each as JSON: 5 '"text"' '[1, 2]'""")
    verb.add_argument("--timeout", type=float, default=20.0, metavar="SECONDS", help="for all of it (default: 20)")
    verb.set_defaults(run=call)

    verb = verbs.add_parser("decode", help="show the messages in a file of recorded bytes, one a line")
    verb.add_argument("file", metavar="FILE", type=Path, help="one direction of a connection; - is standard input")
    verb.set_defaults(run=lambda options: capture.show(options.file))
    return top


def version() -> str:
    try:
        return metadata.version("likewise")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def address(text: str) -> str:
    """An address, checked while nothing has begun."""
    try:
        return str(parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def value(text: str) -> Any:
    """An argument of a call."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no JSON ({error}); a text needs quotes twice: '\"text\"'") from None


def call(options: argparse.Namespace) -> int:
    answer = asyncio.run(answer_to(options))
    if not is_small(answer, size=MOST_SHOWN):
        return fail(f"the answer has over {MOST_SHOWN:,} parts and characters: too much to print", FAILED)
    print(shown(answer))
    return DONE


async def answer_to(options: argparse.Namespace) -> Any:
    async with asyncio.timeout(options.timeout), connect(options.address, timeout=options.timeout) as connection:
        return await connection.root.callRemote(options.method, *options.args)


def shown(answer: Any) -> str:
    """A value as JSON, with the ``repr`` of what JSON has no form for."""
    try:
        return json.dumps(answer, default=repr)
    except (TypeError, ValueError):  # keys of other types; a structure that contains itself
        return repr(answer)
