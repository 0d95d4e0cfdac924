"""In what the signature of a method differs from that which an interface has for it."""

from __future__ import annotations

import collections.abc
import inspect
import types
import typing
from typing import Any, Final

from ..bounded import clip
from ..jelly.annotations import annotation_text, check_for
from .interfaces import EMPTY, Kind, Method, function_of, resolved, signature_of, signature_text
from .results import awaited, inside, is_stream

MANY: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
STARS: Final[dict[Any, str]] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def differences(cls: type, name: str, found: Any, method: Method, first: str) -> list[str]:
    """What is wrong with what a class has as this method, each as the rest of a sentence that begins with its name."""
    function, own = function_of(found, cls)
    if not callable(function):
        return [f"is {clip(found)}, no method"]
    try:
        signature = signature_of(function)
    except (TypeError, ValueError):  # written in C
        return []
    parameters = list(signature.parameters.values())
    if [each.kind for each in parameters[-2:]] == list(MANY) and len(parameters) <= 2 + own + bool(first):
        return []  # it takes all there is
    given = [each for each in parameters[: own + bool(first)] if each.kind not in MANY]
    if len(given) < own + bool(first):
        return ["takes no perspective" if first else "takes no self"]
    wrong = _other_parameters(cls, function, parameters[len(given) :], method)
    return wrong + _other_result(cls, function, signature, method)


def _key(parameter: inspect.Parameter) -> Any:
    return parameter.kind if parameter.kind in MANY else parameter.name  # what *args is called is its own affair


def _other_parameters(cls: type, function: Any, parameters: list[inspect.Parameter], method: Method) -> list[str]:
    asked = {_key(each): each for each in method.signature.parameters.values()}
    there = {_key(each): each for each in parameters}
    wrong = [f"lacks {_shown(each)}" for key, each in asked.items() if key not in there]
    wrong += [f"takes {_shown(each)}, which {method.shown} has not" for key, each in there.items() if key not in asked]
    for key, each in asked.items():
        other = there.get(key)
        if other is None:
            continue
        if other.kind is not each.kind:
            wrong.append(f"takes {_shown(each)} as {other.kind.description}, not {each.kind.description}")
        if not _same_default(each.default, other.default):
            wrong.append(f"has {_default(other)} for {_shown(each)}, not {_default(each)}")
        if EMPTY not in (each.annotation, other.annotation):
            said, says = method.annotation(each.annotation), resolved(other.annotation, function, cls)
            if not _agree(said, says):
                wrong.append(f"takes {_shown(each)} as {annotation_text(says)}, not {annotation_text(said)}")
    in_order = [key for key in there if key in asked]
    if not wrong and in_order != [*asked]:
        wrong.append(f"takes its parameters in another order than {method.shown}{signature_text(method.signature)}")
    return wrong


def _shown(parameter: inspect.Parameter) -> str:
    return STARS.get(parameter.kind, "") + parameter.name


def _default(parameter: inspect.Parameter) -> str:
    return "no default" if parameter.default is EMPTY else f"the default {clip(parameter.default, 40)}"


def _same_default(asked: Any, there: Any) -> bool:
    if asked is there or (asked is ... and there is not EMPTY):  # as stubs write it: there is one
        return True
    if EMPTY in (type(asked), type(there)) or asked is EMPTY or there is EMPTY or type(asked) is not type(there):
        return False
    try:
        return bool(asked == there) or (asked != asked and there != there)  # not a number
    except Exception:  # an array
        return True


def _other_result(cls: type, function: Any, signature: inspect.Signature, method: Method) -> list[str]:
    is_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    if method.kind is Kind.ONE_WAY:
        return []
    said, says = method.annotation(method.signature.return_annotation), signature.return_annotation
    gives_items = is_stream(said) or method.kind is Kind.STREAM
    if is_generator and not gives_items:
        return [f"yields, but {method.shown} is no stream"]
    if said is EMPTY or says is EMPTY:
        return []
    says = resolved(says, function, cls)
    if gives_items:
        items = _items(awaited(says))
        if items is None:  # a class of its own may well be an iterator
            return [] if check_for(says) is None else [f"returns {annotation_text(says)}, which is no iterator"]
        agree = _agree(_items(said), items)
    else:
        says = says if inspect.iscoroutinefunction(function) else awaited(says)
        said = said if inspect.iscoroutinefunction(method.function) else awaited(said)
        agree = _agree(said, says)
    return [] if agree else [f"returns {annotation_text(says)}, not {annotation_text(said)}"]


def _items(annotation: Any) -> Any:
    """What an iterator of either kind gives, by its annotation; None if it is none."""
    if (typing.get_origin(annotation) or annotation) is collections.abc.Iterable:
        return (*typing.get_args(annotation), Any)[0]
    return inside(annotation, collections.abc.AsyncIterable, collections.abc.Iterator)


def _agree(one: Any, other: Any) -> bool:
    """Whether two annotations say the same, as far as can be said: an object may arrive as one of another class."""
    one, other = (types.NoneType if each is None else each for each in (one, other))
    if one == other or check_for(one) is None or check_for(other) is None:
        return True
    first, second = _alternatives(one), _alternatives(other)
    if len(first) > 1 or len(second) > 1:
        is_in = all(any(_agree(x, y) for y in second) for x in first)
        return is_in and all(any(_agree(x, y) for x in first) for y in second)
    parts, others = typing.get_args(one), typing.get_args(other)
    same = (typing.get_origin(one) or one) is (typing.get_origin(other) or other)
    if typing.get_origin(one) is typing.Literal:
        return False
    if not same or not parts or not others:
        return same
    return len(parts) == len(others) and all(
        x is y if ... in (x, y) else _agree(x, y) for x, y in zip(parts, others, strict=True)
    )


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


__all__ = ("differences",)
