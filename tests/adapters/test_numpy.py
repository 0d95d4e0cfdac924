"""Arrays and numbers of numpy cross as they are, uncopied where they are large, and what does not fit is refused."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import likewise
import likewise.adapters.numpy as adapter
from likewise.bounded import weight
from likewise.testing import Pair
from likewise.wire.tokens import PB
from tests import sexp
from tests.jelly.foreigners import Echo, echoed, refused
from tests.tls import certificates


def registry() -> likewise.Registry:
    made = likewise.Registry()
    adapter.register(made)
    return made


ARRAYS = {
    "ints": np.arange(6).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "large": np.arange(100_000.0).reshape(100, 1_000),
    "large columns": np.arange(100_000, dtype=np.int32).reshape(1_000, 100).T,
    "strided": np.arange(60)[::7],
    "reversed": np.arange(10)[::-1],
    "read-only": np.broadcast_to(np.float32(1.5), (3, 4)),
    "no dimension": np.array(3.5),
    "nothing": np.array([], dtype=np.float16),
    "nothing in two": np.zeros((0, 3)),
    "bools": np.array([True, False]),
    "texts": np.array(["a", "bcd\U0001f986"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2020-01-01", "NaT"], dtype="M8[ms]"),
    "spans": np.array([1, 2], dtype="m8[25s]"),
    "big end first": np.arange(5, dtype=">i4"),
    "complex": np.array([1 + 2j], dtype=np.complex64),
    "not numbers": np.array([math.nan, math.inf, -0.0]),
}


@pytest.mark.parametrize("dialects", [None, (PB,)], ids=["likewise-1", "pb"])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_arrives_with_its_type_its_shape_and_its_values(name: str, dialects: Any) -> None:
    array = ARRAYS[name]
    if dialects and array.nbytes > 655_360:
        assert "at most 655,360" in refused(array, accept=registry(), dialects=dialects)
        return
    got = echoed(array, accept=registry(), **({"dialects": dialects} if dialects else {}))
    assert type(got) is np.ndarray and got.dtype == array.dtype and got.shape == array.shape
    assert got.tobytes() == array.tobytes()
    assert got.flags.f_contiguous == array.flags.f_contiguous or not array.flags.contiguous


NUMBERS = [
    np.float64(1.5), np.float32(-0.0), np.float16(2), np.int8(-3), np.uint64(2**64 - 1), np.bool_(True), np.complex128(1j),
    np.str_("duck"), np.str_(""), np.bytes_(b"x"), np.bytes_(b""), np.timedelta64(3, "D"),
    np.datetime64("2020-01-01T12", "h"),
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_a_number_arrives_as_a_number_of_its_type(number: Any) -> None:
    got = echoed({"of": [number]}, accept=registry())["of"][0]
    assert type(got) is type(number) and got.dtype == number.dtype and got == number


def test_what_arrives_is_read_only_and_a_copy_of_it_is_not() -> None:
    for size in (3, 100_000):
        got = echoed(np.zeros(size), accept=registry())
        with pytest.raises(ValueError, match="read-only"):
            got[0] = 1
        got.copy()[0] = 1


def test_a_large_array_is_copied_neither_on_its_way_out_nor_in() -> None:
    array = np.arange(100_000.0)
    pair = Pair(Echo(), accept=registry())
    broker = pair.client.broker
    broker.call(b"root", "echo", (array,), {})
    pieces = broker.outbox.take()
    views = [piece for piece in pieces if type(piece) is memoryview]
    assert len(views) == 1 and np.shares_memory(np.frombuffer(views[0], np.uint8), array)
    data = bytes(array)
    made = adapter.array_from(("<f8", (100_000,), "C", data))
    assert np.shares_memory(made, np.frombuffer(data, np.uint8))


def test_with_copies_an_array_may_be_changed_as_soon_as_it_is_sent() -> None:
    own = likewise.Registry()
    adapter.register(own, copies=True)
    for array in (np.zeros(100_000), np.zeros((400, 400), order="F"), np.zeros(200_000)[::2]):
        pair = Pair(Echo(), accept=own)
        result = pair.client.root.callRemote("echo", array)
        array[:] = 1
        pair.run()
        assert not result.value.any() and result.value.shape == array.shape
    with pytest.raises(TypeError, match="adopted here already"):
        adapter.register(registry_of(own), copies=False)


def registry_of(closed: likewise.Registry) -> likewise.Registry:
    """One that is open, with what another has adopted."""
    made = likewise.Registry()
    adapter.register(made, copies=True)
    assert made.adoptions.keys() == closed.adoptions.keys()
    return made


def test_two_names_of_one_array_are_one_array() -> None:
    array = np.arange(3)
    first, second = echoed([array, array], accept=registry())
    assert first is second


@pytest.mark.parametrize(
    ("array", "cure"),
    [
        (np.array([object()]), "x.tolist()"),
        (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "{name: x[name] for name in x.dtype.names}"),
        (np.array([1], dtype=np.longdouble), "x.astype()"),
        (np.zeros((1,) * 33), "at most 32 cross"),
        (np.longdouble(1), "x.astype()"),
        (np.void(b"ab"), "x.astype()"),
        (np.ma.masked_array([1, 2], [True, False]), "x.tolist()"),
        (np.dtype("f8"), "str(x)"),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, str) else "",
)
def test_what_is_no_plain_array_is_refused_with_a_cure(array: Any, cure: str) -> None:
    text = refused([array], accept=registry())
    assert text.startswith("args[0][0]") and cure in text


def test_without_the_adapter_the_error_names_it() -> None:
    for value in (np.float64(1), np.arange(3)):
        text = refused(value)
        assert "likewise.adapters.numpy.register()" in text
        assert ".item()" in text or ".tolist()" in text


@pytest.mark.parametrize(
    "state",
    [
        ("<f8", (2,), "C", b"12345678"),
        ("<f8", (1 << 40,), "C", b""),
        ("<f8", (1 << 40, 1 << 40, 0), "C", b"1"),
        ("<f8", (-1, -1), "C", b"12345678"),
        ("<f8", (1 << 100,), "C", b""),
        ("<f8", (1 << 50, 0), "C", b""),
        ("<f8", (1,) * 33, "C", b"12345678"),
        ("<f8", (1,), "K", b"12345678"),
        ("|O", (1,), "C", b"12345678"),
        ("O", (1,), "C", b"12345678"),
        ("|V8", (1,), "C", b"12345678"),
        ("f8,O", (1,), "C", b"1234567812345678"),
        ("<f8\n", (1,), "C", b"12345678"),
        ("<U0", (1 << 40,), "C", b""),
        ("|S0", (1 << 40,), "C", b""),
        ("<U1", (1,), "C", b"\xff\xff\xff\xff"),
        (">U1", (1,), "C", b"\x00\x11\x00\x00"),
        ("|b1", (1,), "C", b"\x02"),
        ("<f16", (1,), "C", b"1" * 16),
        ("<M8[" + "9" * 400 + "s]", (1,), "C", b"12345678"),
        ("<M8[99999999999s]", (1,), "C", b"12345678"),
        ("<M8[zz]", (1,), "C", b"12345678"),
        ("<S99999999", (1,), "C", b""),
        ("<f8", [1], "C", b"12345678"),
        ("<f8", (True,), "C", "text"),
        ("<f8", (1.0,), "C", b"12345678"),
        (b"<f8", (1,), "C", b"12345678"),
        None,
        {},
    ],
    ids=lambda state: repr(state)[:40],
)
def test_a_state_that_does_not_add_up_fails_the_call(state: Any) -> None:
    forged = likewise.Registry()
    forged.adopt(np.ndarray, to_state=lambda array: state, from_state=adapter.array_from, name="numpy.ndarray")
    assert "numpy.ndarray" in refused(np.arange(3), client_accept=forged, accept=registry())


WRONG = [("<f8", b"1"), ("|S0", b"1"), ("|O", b"12345678"), ("<U1", b"\xff" * 4), ("", b""), ("<f8", b""), ("|b1", b"\x07")]


@pytest.mark.parametrize("state", WRONG)
def test_a_number_that_does_not_add_up_fails_the_call(state: Any) -> None:
    forged = likewise.Registry()
    options: Any = {"from_state": adapter.number_from, "name": "numpy.generic", "subclasses": True}
    forged.adopt(np.generic, to_state=lambda number: state, **options)
    assert "numpy.generic" in refused(np.float64(3), client_accept=forged, accept=registry())


def test_to_register_twice_is_no_fault() -> None:
    made = registry()
    adapter.register(made)
    assert echoed(np.float64(3), accept=made) == 3


class Summing(likewise.Root):
    def remote_sum(self, array: Any) -> float:
        return float(array.sum())

    def remote_zeros(self, size: int) -> Any:
        return np.zeros(size, np.uint8)


def test_a_large_array_crosses_a_socket_and_leaves_nothing_behind() -> None:
    async def main() -> None:
        limits = likewise.Limits.trusted()
        options: Any = {"accept": registry(), "limits": limits}
        async with (
            likewise.serve(Summing(), "tcp://127.0.0.1:0", **options) as server,
            likewise.connect(f"tcp://127.0.0.1:{server.port}", **options) as connection,
        ):
            array = np.ones(20_000_000, np.uint8)
            assert await connection.root.callRemote("sum", array) == 20_000_000
            got = await connection.root.callRemote("zeros", 20_000_000)
            assert got.shape == (20_000_000,) and not got.any()
            small = await asyncio.gather(*[connection.root.callRemote("sum", np.arange(n)) for n in range(100)])
            assert small == [n * (n - 1) / 2 for n in range(100)]
            for _ in range(100):  # nothing holds on to it once it is answered and the loop has turned
                if sys.getrefcount(array) == 2:
                    break
                await asyncio.sleep(0.01)
            assert sys.getrefcount(array) == 2

    asyncio.run(main())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_array_goes_through_tls_and_both_loops(loop: str) -> None:
    if loop == "uvloop":
        factory = pytest.importorskip("uvloop").new_event_loop
    else:
        factory = asyncio.new_event_loop
    made = certificates.server()

    async def main() -> None:
        shows = likewise.TLS(certificate=made.certificate, key=made.key)
        believes = likewise.TLS(ca=certificates.issuer().certificate)
        async with (
            likewise.serve(Summing(), "tls://127.0.0.1:0", tls=shows, accept=registry()) as server,
            likewise.connect(f"tls://localhost:{server.port}", tls=believes, accept=registry()) as connection,
        ):
            assert await connection.root.callRemote("sum", np.ones(3_000_000, np.uint8)) == 3_000_000
            assert not (await connection.root.callRemote("zeros", 3_000_000)).any()

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def test_what_is_over_the_peer_s_ceiling_is_refused_before_it_is_sent() -> None:
    limits = likewise.Limits(string_bytes=100_000)
    text = refused(np.zeros(200_000, np.uint8), accept=registry(), limits=limits)
    assert "string_bytes" in text


def test_an_array_lies_on_the_wire_as_the_protocol_has_it() -> None:
    from likewise.jelly.expressions import expression_text

    broker = Pair(Echo(), accept=registry(), dialects=(PB,)).client.broker
    for value, text in (
        (np.array([[1, 2]], "<i2"), r'(numpy.ndarray (tuple (unicode "<i2") (tuple 1 2) (unicode C) "\x01\x00\x02\x00"))'),
        (np.float64(1.5), r'(numpy.generic (tuple (unicode "<f8") "\x00\x00\x00\x00\x00\x00\xf8?"))'),
    ):
        (expression,) = sexp.decode(b"".join(broker.outbox.jelly(value)))
        assert expression_text(expression, 1_000) == text


def test_the_bytes_of_an_array_count_where_what_is_kept_has_a_ceiling() -> None:
    registry()
    array = np.zeros(1_000_000, np.uint8)
    assert weight(([array],), 1e9) > 1_000_000
    received = adapter.array_from(("|u1", (1_000_000,), "C", bytes(1_000_000)))
    assert weight((received,), 1e9) > 1_000_000


DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.unsigned_integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="?", sizes=(64, 128)),
    hnp.datetime64_dtypes(endianness="?"),
    hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(min_len=1),
    hnp.unicode_string_dtypes(endianness="?", min_len=1),
)


@settings(max_examples=60, deadline=None)
@given(array=hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)), turn=st.booleans())
def test_any_array_comes_back_as_it_was(array: Any, turn: bool) -> None:
    value = array.T if turn else array
    got = echoed({"of": value}, accept=registry())["of"]
    assert got.dtype == value.dtype and got.shape == value.shape and got.tobytes() == value.tobytes()
