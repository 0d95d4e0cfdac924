"""
S-33, S-34, S-36: what stands for a peer's object asks the peer nothing of its own accord, hooks may call out while
they are being asked for state, and what is for one perspective reaches no other.
"""

import asyncio
import collections.abc
import copy
import inspect
import io
import json
import pickle
from typing import Any

import pytest

import likewise
from likewise.testing import Pair


class Pond(likewise.Cacheable):
    """What the server has."""

    def __init__(self) -> None:
        self.observers: list[Any] = []

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        self.observers.append(observer)
        return {"ducks": 3}


class Mirror(likewise.RemoteCache):
    """What the client has."""

    def observe_ducks(self, ducks: int) -> None:
        self.ducks = ducks


class Receiver(likewise.Root):
    def __init__(self) -> None:
        self.pond = Pond()

    def remote_thing(self) -> likewise.Referenceable:
        return likewise.Referenceable()

    def remote_pond(self) -> Pond:
        return self.pond


likewise.setUnjellyableForClass(Pond, Mirror)

# What Python, its standard library and NumPy ask of objects that they are handed.
WORDS = """
__abs__ __add__ __aenter__ __aiter__ __and__ __anext__ __array__ __array_function__ __array_interface__
__array_priority__ __array_struct__ __array_ufunc__ __await__ __bool__ __buffer__ __bytes__ __call__ __ceil__
__complex__ __contains__ __dataframe__ __del__ __delitem__ __divmod__ __dlpack__ __enter__ __exit__ __float__
__floor__ __fspath__ __ge__ __get__ __getattr__ __getinitargs__ __getitem__ __getnewargs__ __getnewargs_ex__ __gt__
__html__ __index__ __instancecheck__ __int__ __invert__ __iter__ __le__ __len__ __length_hint__ __lt__ __matmul__
__missing__ __mod__ __mul__ __neg__ __next__ __or__ __pos__ __pow__ __radd__ __reversed__ __round__ __set__
__set_name__ __setitem__ __setstate__ __sub__ __subclasscheck__ __torch_function__ __truediv__ __trunc__ __xor__
_repr_html_ _ipython_display_ keys items fileno read write
"""
HOOKS = WORDS.split()


def pair_and_reference() -> tuple[Pair, Any]:
    pair = Pair(Receiver())
    result = pair.client.root.callRemote("thing")
    pair.run()
    assert isinstance(result.value, likewise.RemoteReference)
    return pair, result.value


def traffic(pair: Pair) -> int:
    """Bytes that either end has to say."""
    return sum(len(piece) for end in (pair.client, pair.server) for piece in end.broker.data_to_send())


@pytest.mark.parametrize("hook", HOOKS)
def test_a_reference_has_no_hook_that_could_ask_the_peer(hook: str) -> None:
    pair, reference = pair_and_reference()
    assert [base for base in type(reference).__mro__[:-1] if hook in vars(base)] == []
    assert traffic(pair) == 0


async def wait_for(reference: Any) -> Any:
    return await reference


async def enter(reference: Any) -> None:
    async with reference:
        pass


USES = {
    "iter": iter,
    "len": len,
    "int": int,
    "float": float,
    "bytes": bytes,
    "memoryview": memoryview,
    "list": list,
    "dict": dict,
    "next": next,
    "abs": abs,
    "open": open,
    "json": json.dumps,
    "call": lambda ref: ref(),
    "item": lambda ref: ref[0],
    "plus": lambda ref: ref + 1,
    "in": lambda ref: 1 in ref,
    "less": lambda ref: ref < 1,
    "isinstance": lambda ref: isinstance(1, ref),
    "await": lambda ref: asyncio.run(wait_for(ref)),
    "async with": lambda ref: asyncio.run(enter(ref)),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_python_would_ask_of_it_is_a_type_error(use: Any) -> None:
    pair, reference = pair_and_reference()
    with pytest.raises(TypeError):
        use(reference)
    assert traffic(pair) == 0


def test_truth_equality_hash_repr_and_inspection_ask_nobody() -> None:
    pair, reference = pair_and_reference()
    assert reference and reference == reference and reference != 1 and hash(reference) == hash(reference)
    assert {reference: 1}[reference] == 1 and repr(reference).startswith("<RemoteReference") and f"{reference}"
    assert not isinstance(reference, collections.abc.Iterable | collections.abc.Awaitable | collections.abc.Sized)
    assert not callable(reference) and not inspect.isawaitable(reference) and not inspect.iscoroutine(reference)
    assert "callRemote" in dir(reference) and isinstance(reference, likewise.RemoteReference)
    for word in ("shape", "dtype", "name", "anything"):
        assert not hasattr(reference, word)
    with pytest.raises(AttributeError):
        reference.ducks = 5
    assert traffic(pair) == 0


def test_numpy_finds_nothing_to_ask() -> None:
    numpy = pytest.importorskip("numpy")
    pair, reference = pair_and_reference()
    array = numpy.array(reference)
    assert array.shape == () and array.item() is reference
    assert numpy.array([reference, 1], dtype=object)[0] is reference
    assert traffic(pair) == 0


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_reference_can_not_be_pickled(protocol: int) -> None:
    pair, reference = pair_and_reference()
    for value in (reference, [reference], {"x": reference}):
        with pytest.raises(TypeError, match="RemoteReference can't be pickled"):
            pickle.Pickler(io.BytesIO(), protocol).dump(value)
    assert traffic(pair) == 0


def test_a_copy_of_a_reference_is_the_reference_and_its_count_is_right() -> None:
    pair, reference = pair_and_reference()
    assert copy.copy(reference) is reference and copy.deepcopy([reference])[0] is reference
    assert traffic(pair) == 0
    before = pair.server.sizes["exported"]
    del reference
    pair.run()
    assert pair.server.sizes["exported"] == before - 1


def mirrored() -> tuple[Pair, Receiver, Any]:
    receiver = Receiver()
    pair = Pair(receiver)
    result = pair.client.root.callRemote("pond")
    pair.run()
    return pair, receiver, result.value


def test_a_copy_of_a_mirror_is_a_thing_of_the_moment() -> None:
    pair, receiver, mirror = mirrored()
    for made in (copy.copy(mirror), copy.deepcopy(mirror), pickle.loads(pickle.dumps(mirror))):
        assert type(made) is Mirror and made is not mirror and made.ducks == 3
        with pytest.raises(likewise.NotSendable):
            pair.client.root.callRemote("thing", made)
        receiver.pond.observers[0].callRemote("ducks", 4)
        pair.run()
        assert (made.ducks, mirror.ducks) == (3, 4)
        receiver.pond.observers[0].callRemote("ducks", 3)
        pair.run()
    del made
    pair.run()
    assert pair.client.sizes["mirrors"] == 1 and pair.server.sizes["observed"] == 1


def test_a_mirror_asks_nobody_either() -> None:
    pair, _, mirror = mirrored()
    assert mirror and not hasattr(mirror, "__array__") and not hasattr(mirror, "__await__")
    for use in (iter, len, int, USES["call"], USES["await"]):
        with pytest.raises(TypeError):
            use(mirror)
    assert traffic(pair) == 0


def test_an_observer_can_not_be_pickled_and_is_its_own_copy() -> None:
    _, receiver, mirror = mirrored()
    observer = receiver.pond.observers[0]
    assert copy.copy(observer) is observer and copy.deepcopy({"x": observer})["x"] is observer
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(observer)
    assert mirror.ducks == 3


# --- S-33


class Chatty(likewise.Cacheable):
    """Calls its observer, and somebody else, while it is being asked for its state."""

    def __init__(self, other: Any) -> None:
        self.other = other

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        observer.callRemote("ducks", 1)
        self.other.callRemote("said", [self.other])
        observer.callRemote("ducks", 2)
        return {"ducks": 0, "inner": Pond()}


likewise.setUnjellyableForClass(Chatty, Mirror)


class Listener(likewise.Referenceable):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def remote_said(self, what: Any) -> None:
        self.heard.append(what)


class Teller(likewise.Root):
    def remote_tell(self, listener: Any) -> Any:
        return [Chatty(listener), Chatty(listener)]


def test_a_hook_may_call_out_while_it_is_asked_and_what_it_says_arrives_after_the_state() -> None:
    pair = Pair(Teller())
    listener = Listener()
    result = pair.client.root.callRemote("tell", listener)
    pair.run()
    one, two = result.value
    assert (one.ducks, two.ducks) == (2, 2)
    assert listener.heard == [[listener], [listener]]


# --- S-36


class Secret(likewise.Cacheable):
    """Tells each perspective its own."""

    def getStateToCacheAndObserveFor(self, perspective: Any, observer: Any) -> dict[str, Any]:
        return {"for_whom": perspective.name, "inner": Inner()}


class Inner(likewise.Copyable):
    def getStateToCopyFor(self, perspective: Any) -> dict[str, Any]:
        return {"for_whom": perspective.name}


class Seen(likewise.RemoteCache):
    for_whom: str
    inner: Any


class SeenInner(likewise.RemoteCopy):
    for_whom: str


likewise.setUnjellyableForClass(Secret, Seen)
likewise.setUnjellyableForClass(Inner, SeenInner)


class Who(likewise.Avatar):
    def __init__(self, name: str, secret: Secret, inner: Inner) -> None:
        self.name = name
        self.secret = secret
        self.inner = inner

    def perspective_look(self) -> Any:
        return [self.secret, self.inner, (self.secret, {"x": self.inner})]


class Hall(likewise.Root):
    """One root for all connections, which hands out avatars that share their secret."""

    def __init__(self) -> None:
        self.secret = Secret()
        self.inner = Inner()

    def remote_enter(self, name: str) -> Who:
        return Who(name, self.secret, self.inner)


def test_what_is_for_one_perspective_reaches_no_other() -> None:
    hall = Hall()
    pairs = {name: Pair(hall) for name in ("ada", "bob", "eve")}
    for _ in range(3):
        avatars = {}
        for name, pair in pairs.items():
            result = pair.client.root.callRemote("enter", name)
            pair.run()
            avatars[name] = result.value
        for name, pair in pairs.items():
            result = avatars[name].callRemote("look")
            pair.run()
            secret, inner, (again, more) = result.value
            assert again is secret and more["x"] is inner
            assert {secret.for_whom, secret.inner.for_whom, inner.for_whom} == {name}
