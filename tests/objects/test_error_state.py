"""One rule for exceptions: own class, fields and arguments where they can cross, else RemoteError with class and text."""

from __future__ import annotations

import asyncio
import copy
import datetime
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

import likewise
from likewise import errors
from likewise.limits import ERROR_BYTES, ERROR_MEMBERS, ERROR_NOTES
from likewise.objects.error_state import carried_by, is_plain_data, written_alone
from likewise.objects.rebuilt import Described, error_from
from likewise.testing import Pair
from tests.raised import ARRIVES, RAISED, REGISTERED, Overdue, SoldOut, Unknown, describe


class Root(likewise.Root):
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def remote_fail(self, name: str) -> None:
        raise self.error or RAISED[name]()


class Relay(likewise.Root):
    def __init__(self, behind: Any) -> None:
        self.behind = behind

    async def remote_fail(self, name: str) -> Any:
        return await self.behind.callRemote("fail", name)


def ask(root: Root, name: str, accept: Any) -> Any:
    """The error that a caller gets."""
    pair = Pair(root, accept=accept)
    result = pair.client.root.callRemote("fail", name)
    pair.run()
    return result.error


def registry(*more: type) -> likewise.Registry:
    return likewise.Registry(*REGISTERED, Overdue, *more, *COPYABLE)


COPYABLE = tuple(type(RAISED[name]()) for name in ("slots", "frozen, two arguments"))


@pytest.mark.parametrize("name", RAISED)
def test_an_exception_arrives_as_itself_or_as_what_it_was(name: str) -> None:
    assert describe(ask(Root(), name, accept=registry())) == ARRIVES[name]


@pytest.mark.parametrize("name", RAISED)
def test_over_sockets_every_call_settles_and_the_connection_goes_on(name: str) -> None:
    async def ask() -> str:
        async with (
            likewise.serve(Root(), "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address, accept=registry()) as connection,
        ):
            for _ in range(2):
                try:
                    await asyncio.wait_for(connection.root.callRemote("fail", name), 10)
                except Exception as error:
                    got = describe(error)
            return got

    assert asyncio.run(ask()) == ARRIVES[name]


@pytest.mark.parametrize("name", RAISED)
def test_a_server_between_two_others_that_knows_no_class_changes_nothing(name: str) -> None:
    behind = Pair(Root(), accept=[])
    front = Pair(Relay(behind.client.root), accept=registry(), client_accept=registry())
    result = front.client.root.callRemote("fail", name)
    for _ in range(3):
        front.run()
        behind.run()
    assert describe(result.error) == ARRIVES[name]


@pytest.mark.parametrize("name", RAISED)
def test_where_nothing_is_registered_class_and_text_are_told(name: str) -> None:
    raised = RAISED[name]()
    got = ask(Root(), name, accept=[])
    assert type(got) is likewise.RemoteError and got.type == f"{type(raised).__module__}.{type(raised).__name__}"
    assert got.check(type(raised)) and got.check(Exception)
    if name not in ("no text", "surrogate"):
        assert got.text == str(raised)


class Coded(likewise.Copyable, likewise.RemoteCopy, likewise.Error):
    """A Copyable that is an exception."""

    def __init__(self, text: str, code: Any) -> None:
        super().__init__(text)
        self.code = code


def test_a_copyable_arrives_with_its_state_and_its_arguments() -> None:
    got = ask(Root(Coded("why", 7)), "", accept=registry(Coded))
    assert (type(got), got.args, got.code) == (Coded, ("why",), 7)


def test_a_copyable_that_is_not_registered_is_told_by_class_and_text() -> None:
    got = ask(Root(Coded("why", 7)), "", accept=[])
    assert type(got) is likewise.RemoteError and (got.type, got.text) == (f"{__name__}.Coded", "why")
    assert "setUnjellyableForClass" in got.__notes__[0]


def test_a_copyable_that_can_not_be_sent_is_told_by_class_and_text() -> None:
    got = ask(Root(Coded("why", object())), "", accept=registry(Coded))
    assert type(got) is likewise.RemoteError and (got.type, got.text) == (f"{__name__}.Coded", "why")


def test_a_copyable_may_refer_to_objects_that_stay_home() -> None:
    got = ask(Root(Coded("why", Root())), "", accept=registry(Coded))
    assert type(got) is Coded and isinstance(got.code, likewise.RemoteReference)


class Stops(likewise.Copyable, likewise.RemoteCopy, StopIteration):
    pass


def test_a_copyable_that_is_a_stop_iteration_settles_its_call() -> None:
    async def ask() -> BaseException | None:
        async with (
            likewise.serve(Root(Stops("why")), "tcp://127.0.0.1:0") as server,
            likewise.connect(server.address, accept=registry(Stops)) as connection,
        ):
            return (await asyncio.gather(connection.root.callRemote("fail", ""), return_exceptions=True))[0]

    got = asyncio.run(asyncio.wait_for(ask(), 10))
    assert isinstance(got, likewise.RemoteError) and got.type == f"{__name__}.Stops"


# --- bounds


def chain(depth: int) -> Exception:
    error: Exception = ValueError("innermost")
    for level in range(depth):
        error = ExceptionGroup(str(level), [error])
    return error


def leaves(error: BaseException) -> int:
    return sum(map(leaves, error.exceptions)) if isinstance(error, BaseExceptionGroup) else 1


def test_of_a_large_group_a_part_crosses_and_the_rest_is_counted() -> None:
    many = ExceptionGroup("many", [ExceptionGroup("inner", [ValueError(i) for i in range(50)]) for _ in range(50)])
    got = ask(Root(many), "", accept=registry())
    assert str(got) == f"many ({len(got.exceptions)} sub-exceptions)" and leaves(got) <= ERROR_MEMBERS + 50
    assert "more were not sent" in got.exceptions[-1].text
    deep = ask(Root(chain(100)), "", accept=registry())
    assert leaves(deep) == 1 and "1 more were not sent" in "".join(pickle.dumps(deep).decode("latin-1"))


def test_of_many_notes_some_cross_and_the_rest_is_counted() -> None:
    error = ValueError("why")
    for number in range(1_000):
        error.add_note(str(number) * 1_000)
    got = ask(Root(error), "", accept=registry())
    assert len(got.__notes__) == ERROR_NOTES and got.__notes__[-1] == "(985 more notes were not sent)"
    assert max(map(len, got.__notes__)) <= 1_003


def bomb(levels: int = 40) -> Any:
    made: Any = ["x"]
    for _ in range(levels):
        made = [made, made]
    return made


LARGE = {"bomb": bomb(), "str": "x" * 1_000_000, "list": list(range(100_000)), "int": 2**5_000}


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_arguments_that_are_much_stay_behind(value: Any) -> None:
    assert not is_plain_data((value,))
    error = Unknown("large", value)
    assert len(carried_by(error, "text")) < 100
    assert ask(Root(error), "", accept=registry()).remote_args is None


def test_what_a_peer_says_an_exception_takes_along_is_bounded_too() -> None:
    def got(**parts: Any) -> Any:
        state = {"type": b"tests.raised.SoldOut", "value": "text", "carried": written_alone(parts)}
        return error_from(Described(state), (registry(),))

    assert got(args=written_alone((bomb(),))).args == ("text",)
    assert got(args=b"\xff\x80", notes=[1, "x" * 5_000, bomb(20)], members=5, fields=b"").__notes__ == ["x" * 1_000 + "..."]
    assert got(members=[bomb()] * 1_000).args == ("text",)
    assert got(args=written_alone(("a",) * 10)).args == ("a",) * 10
    for carried in (b"\x05", b"", 5, "x", b"\x01" * (ERROR_BYTES + 1), written_alone([1]), written_alone({b"args": 1})):
        assert error_from(Described({"carried": carried, "type": bomb(), "parents": bomb()}), ()).text == ""


def test_values_of_our_own_dialect_are_plain_arguments() -> None:
    args = (UUID(int=5), 1j, Fraction(1, 3), datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC), Decimal("Infinity"))
    assert is_plain_data(args)
    state = {"type": b"tests.raised.SoldOut", "value": "text", "carried": written_alone({"args": written_alone(args)})}
    assert error_from(Described(state), (registry(),)).args == args


def test_many_groups_in_groups_from_a_peer_make_few_exceptions() -> None:
    inner = {"type": b"builtins.ExceptionGroup", "value": "x", "carried": b""}
    for _ in range(20):
        inner = dict(inner, carried=written_alone({"args": written_alone(("g",)), "members": [inner] * 2}))
        if len(inner["carried"]) > 60_000:  # type: ignore[arg-type]
            break
    got = error_from(Described(inner), (registry(),))
    assert leaves(got) <= 2 * ERROR_MEMBERS


# --- pickles and copies


ERRORS = [
    likewise.RemoteError("a.B", "why", parents=("a.B",), traceback="tb", id=5, remote_args=(1,), members=(ValueError(1),)),
    likewise.LimitExceeded("depth", 5, 4),
    likewise.CannotConnect("nobody there"),
    SoldOut("duck", 0),
    Overdue("Emma", 3),
    *(
        kind("why")
        for name in errors.__all__
        if (kind := getattr(errors, name)) not in (likewise.RemoteError, likewise.LimitExceeded)
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_each_error_can_be_pickled_and_copied(error: Exception, again: Any) -> None:
    made = again(error)
    assert type(made) is type(error) and str(made) == str(error) and made.args == error.args
    assert repr(vars(made)) == repr(vars(error))
