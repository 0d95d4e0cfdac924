"""
The files that keep states across runs: what they are called, what they may hold, and how many there may be.

A name is a digest made here, so what a peer says can't lead out of the directory, and what is read is admitted by the
same registry as what comes from a connection. To have room for one more file, the oldest of ours go.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any, Final

from ..bounded import clip, is_plain
from ..errors import InsecureJelly, LikewiseError, NotSendable
from ..jelly.decoder import Decoder
from ..jelly.encoder import Encoder
from ..jelly.expressions import to_frame
from ..jelly.registry import Registry, default_registry
from ..limits import Limits
from ..wire.tokens import LIKEWISE_1

FILE_LIMITS: Final = Limits()
OUR_FILE_NAMES: Final = re.compile(r"[0-9a-f]{40}\.")  # how the names of our files begin, unfinished ones too
UNFINISHED: Final = ".new"


def file_name(*parts: object) -> str:
    """
    A name for a file about these parts: same parts, same name, and nothing in it that they say.

    Raises:
        InsecureJelly: a part is large, or an object of some class.
    """
    for part in parts:
        if not is_plain(part):
            raise InsecureJelly(f"{clip(part)} can't name what is published: use a text, a number or a short tuple of those")
    told_apart = b"".join(b"%d:%b" % (len(part), part) for part in (repr(each).encode("utf-8", "replace") for each in parts))
    return hashlib.sha256(told_apart).hexdigest()[:40]


def path_in(directory: str | Path, name: str) -> Path:
    """
    The file of that name in the directory.

    Raises:
        ValueError: the name leads elsewhere.
    """
    if name != Path(name).name or name in ("", ".", ".."):
        raise ValueError(f"{clip(name)} is not the name of a file in {directory}")
    return Path(directory, name)


# --- what may take its time: no more is done here than with files


def read_file(path: Path, limits: Limits = FILE_LIMITS) -> bytes | None:
    """The bytes of a file, ``None`` if there is none that can be read, or it is no file, or too large."""
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > limits.published_bytes:
                return None
            return file.read()
    except OSError:
        return None


def write_file(path: Path, data: bytes, limits: Limits = FILE_LIMITS) -> OSError | None:
    """
    Put bytes into a file, whole or not at all; the error if they could not be, as on a full disk.

    No other process, on whatever machine, writes to the same unfinished file.
    """
    try:
        if not make_room(path, len(data), limits):
            return OSError(f"no room for {len(data)} bytes (limits.published_files, limits.published_bytes)")
        handle, beside = tempfile.mkstemp(UNFINISHED, f"{path.name}.", path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        return error
    return None


def make_room(path: Path, size: int, limits: Limits) -> bool:
    """
    Remove the oldest of our files until one more of ``size`` bytes may be kept beside them; whether it may be then.

    Files whose names are not ours are left alone. Those that a class has named itself are counted by their ending.
    """
    if size > limits.published_bytes:
        return False
    files = []
    total, count = size, 1
    with os.scandir(path.parent) as entries:
        for entry in entries:
            is_ours = OUR_FILE_NAMES.match(entry.name) is not None
            if entry.name == path.name or not (
                is_ours or (entry.name.endswith(path.suffix) and not OUR_FILE_NAMES.match(path.name))
            ):
                continue
            about = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(about.st_mode):
                total += about.st_size
                count += 1
                if is_ours:
                    files.append((about.st_mtime, about.st_size, entry.path))
    files.sort(reverse=True)
    while (total > limits.published_bytes or count > limits.published_files) and files:
        _, freed, oldest = files.pop()
        os.unlink(oldest)
        total -= freed
        count -= 1
    return total <= limits.published_bytes and count <= limits.published_files


# --- what is in them


def state_from_bytes(
    data: bytes | None, registry: Registry = default_registry, limits: Limits = FILE_LIMITS
) -> dict[str, Any] | None:
    """The state that these bytes hold; ``None`` if they hold none that the registry admits."""
    if data is None:
        return None
    try:
        state = Decoder(to_frame(data, limits), registry, None, limits).decode()
    except LikewiseError:
        return None
    return state if isinstance(state, dict) else None


def state_as_bytes(state: dict[str, Any], limits: Limits = FILE_LIMITS) -> bytes | None:
    """The bytes for a state; ``None`` for one that can't be kept, as references can't."""
    encoder = Encoder(None, None, limits.depth - 4, LIKEWISE_1)
    try:
        encoder.encode(state)
    except NotSendable:
        return None
    return b"".join(encoder.written())


__all__ = ("state_from_bytes", "state_as_bytes", "file_name", "path_in", "read_file", "write_file")
