"""A value that counts how often it is printed, compared, hashed, measured or asked anything: the bomb that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

asked: Counter[str] = Counter()


def counting(name: str, answer: Callable[..., Any]) -> Any:
    def method(self: Any, *args: Any) -> Any:
        asked[name] += 1
        return answer(self, *args)

    method.__name__ = name
    return method


class Counting:
    """The methods that whatever walks a value calls, each of which counts."""

    __repr__ = counting("__repr__", lambda self: "<bomb>")
    __str__ = counting("__str__", lambda self: "<bomb>")
    __format__ = counting("__format__", lambda self, how: "<bomb>")
    __eq__ = counting("__eq__", lambda self, other: self is other)
    __ne__ = counting("__ne__", lambda self, other: self is not other)
    __lt__ = counting("__lt__", lambda self, other: False)
    __hash__ = counting("__hash__", lambda self: 5)
    __bool__ = counting("__bool__", lambda self: True)
    __len__ = counting("__len__", lambda self: 1)
    __iter__ = counting("__iter__", lambda self: iter(()))
    __contains__ = counting("__contains__", lambda self, item: False)
    __sizeof__ = counting("__sizeof__", lambda self: 64)
    __copy__ = counting("__copy__", lambda self: self)
    __deepcopy__ = counting("__deepcopy__", lambda self, memo: self)
    __reduce_ex__ = counting("__reduce_ex__", lambda self, protocol: (int, ()))
    __index__ = counting("__index__", lambda self: 1)
    __bytes__ = counting("__bytes__", lambda self: b"")
