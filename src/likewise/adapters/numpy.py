"""
Arrays and numbers of numpy, by copy: ``likewise.adapters.numpy.register()`` in both programs is all it takes.

An array goes as its dtype, its shape and its raw bytes, and these bytes are not copied: a contiguous array of 64 KiB or
more is read where it lies while it is sent, so it must not be changed before the call is answered; of an array that a remote
method returns nobody knows when it has left. ``register(copies=True)`` is for programs that change what they send.

It arrives as an array on the very bytes that came, which is read-only; ``x.copy()`` makes one that is not. Numbers go as
their dtype and their bytes.

Numbers, bools, dates, time spans and texts of fixed length cross. Objects and structures do not: an array of objects would
need pickle, which runs what it reads. Nor do long doubles, which are another thing on each kind of machine.
"""

from __future__ import annotations

import math
import re
from operator import attrgetter
from typing import Any, Final

import numpy

from ..bounded import clip, held_bytes
from ..errors import InsecureJelly, NotSendable
from ..jelly.context import Sendable, Writing
from ..jelly.registry import Registry, default_registry

ARRAY_NAME: Final = "numpy.ndarray"
NUMBER_NAME: Final = "numpy.generic"

DTYPE: Final = re.compile(
    r"[<>|](?:b1|[iu][1248]|f[248]|c(?:8|16)|[SU][1-9][0-9]{0,7}|[mM]8(?:\[[0-9]{0,9}[A-Za-z]{1,2}\])?)"
)
"""The dtypes that cross, as ``dtype.str`` has them."""

EMPTY_TEXTS: Final = ("<U0", ">U0", "|S0")
"""Those of texts without a character, of which there are no arrays."""

DIMENSIONS: Final = 32  # of one array: what every numpy takes
LARGEST_CODE: Final = 0x10FFFF  # of a character


class Buffer(Sendable):
    """The bytes of an array, where they lie."""

    __slots__ = ("view",)

    def __init__(self, view: memoryview) -> None:
        self.view = view

    def jelly_into(self, encoder: Writing) -> None:
        encoder.write_buffer(self.view)


def register(registry: Registry = default_registry, *, copies: bool = False) -> None:
    """
    Let numpy's arrays and numbers cross, in this process or, with a registry of an endpoint, there. Twice is no fault.

    With ``copies`` an array is copied when it is sent, and may be changed at once.

    Raises:
        TypeError: their names, ``numpy.ndarray`` and ``numpy.generic``, are taken, or they are registered the other way.
    """
    held_bytes[numpy.ndarray] = attrgetter("nbytes")  # the garbage collector does not know of them
    registry.adopt(
        numpy.ndarray,
        to_state=copied_state if copies else array_state,
        from_state=array_from,
        name=ARRAY_NAME,
        state=tuple[str, tuple[int, ...], str, bytes],
    )
    registry.adopt(
        numpy.generic,
        to_state=number_state,
        from_state=number_from,
        name=NUMBER_NAME,
        state=tuple[str, bytes],
        subclasses=True,
    )


# --- out


def array_state(array: Any) -> tuple[str, tuple[int, ...], str, Any]:
    """dtype, shape, order (``C``, or ``F`` for one that lies column by column) and bytes of an array."""
    name = _name_of(array.dtype)
    if array.ndim > DIMENSIONS:
        raise NotSendable(f"an array of {array.ndim} dimensions: at most {DIMENSIONS} cross; send x.ravel(), and the shape")
    is_columns = array.flags.f_contiguous and not array.flags.c_contiguous
    flat = array.T if is_columns else array
    if not flat.flags.c_contiguous:
        flat = numpy.ascontiguousarray(flat)
    if not flat.size:
        return name, array.shape, "C", b""
    # Of bytes, for the buffer protocol knows no dates.
    view = memoryview(flat.reshape(-1).view(numpy.uint8))
    return name, array.shape, "F" if is_columns else "C", Buffer(view)


def copied_state(array: Any) -> tuple[str, tuple[int, ...], str, Any]:
    """The same of an array that may be changed before it has left."""
    return array_state(array.copy("A") if array.flags.forc and not array.dtype.hasobject else array)


def number_state(number: Any) -> tuple[str, bytes]:
    """dtype and bytes of a number."""
    if not number.dtype.itemsize:
        return str(number.dtype.str), b""
    return _name_of(number.dtype), number.tobytes()


def _name_of(dtype: Any) -> str:
    name = str(dtype.str)
    if dtype.hasobject:
        raise NotSendable("an array of objects, which only pickle could send: send x.tolist(), if what is in it crosses")
    if dtype.names is not None:
        raise NotSendable("an array of structures: send an array for each field, {name: x[name] for name in x.dtype.names}")
    if not DTYPE.fullmatch(name):
        raise NotSendable(f"an array of {dtype}: send x.astype() of a number that is the same on every machine, as float64")
    return name


# --- in


def array_from(state: tuple[str, tuple[int, ...], str, bytes]) -> Any:
    """
    The array of a state, read-only, on the bytes that came.

    Raises:
        InsecureJelly: a dtype that does not cross, or not as many bytes as dtype and shape say.
    """
    name, shape, order, data = state
    dtype = _dtype_of(name)
    if order not in ("C", "F"):
        raise InsecureJelly(f"an array in an order that there is none of: {clip(order, 20)}")
    if len(shape) > DIMENSIONS or any(not 0 <= size < 1 << 48 for size in shape):
        raise InsecureJelly(f"an array of a shape that there is none of, or of over {DIMENSIONS} dimensions")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise InsecureJelly(f"{len(data)} bytes for an array of {clip(name, 20)} that has {clip(math.prod(shape))} items")
    _check(dtype, data)
    whole: Any = numpy.frombuffer(data, dtype)  # numpy's stubs know an order by its literals only
    return whole.reshape(shape, order=order)


def number_from(state: tuple[str, bytes]) -> Any:
    """
    The number of a state.

    Raises:
        InsecureJelly: a dtype that does not cross, or another number of bytes than it has.
    """
    name, data = state
    if name in EMPTY_TEXTS and not data:
        return numpy.dtype(name).type()
    dtype = _dtype_of(name)
    if len(data) != dtype.itemsize:
        raise InsecureJelly(f"{len(data)} bytes for a number of {clip(name, 20)}")
    _check(dtype, data)
    return numpy.frombuffer(data, dtype)[0]


def _dtype_of(name: str) -> Any:
    if not DTYPE.fullmatch(name):
        raise InsecureJelly(f"an array of {clip(name, 40)}, which does not cross")
    return numpy.dtype(name)


def _check(dtype: Any, data: bytes) -> None:
    """Refuse bytes that are no value of their dtype: what C makes of these nobody has promised."""
    if dtype.kind == "b" and data and numpy.frombuffer(data, numpy.uint8).max() > 1:
        raise InsecureJelly("an array of bools that are neither 0 nor 1")
    if dtype.kind == "U" and data and numpy.frombuffer(data, f"{dtype.byteorder}u4").max() > LARGEST_CODE:
        raise InsecureJelly("an array of texts with characters that there are none of")


__all__ = ("register",)
