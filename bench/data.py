"""What the workloads pass: an Order of 20 Lines, 10 MB of noise, a large dict."""

from __future__ import annotations

import random
from typing import Any

from .settings import BLOB_BYTES, ENTRIES

LINES = 20
LINE: dict[str, Any] = {"sku": "SKU-000123", "qty": 3, "price": 19.99, "title": "Widget, large, blue", "taxed": False}
ORDER: dict[str, Any] = {
    "id": 123456,
    "customer": "Jane Q. Public",
    "email": "jane@example.com",
    "total": 1234.56,
    "paid": True,
    "currency": "EUR",
    "status": "open",
    "created": 1700000000,
    "weight": 12.5,
    "note": "leave at the door",
}
ORDER_SUM = sum(range(LINES)) + ORDER["id"]  # what a server answers to an Order


class Plain:
    """An object that is its attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Line(Plain):
    pass


class Order(Plain):
    pass


def line_fields() -> list[dict[str, Any]]:
    """The attributes of each Line of the Order."""
    return [{**LINE, "sku": f"SKU-{number:06d}", "qty": number} for number in range(LINES)]


def make_order(order: Any = Order, line: Any = Line) -> Any:
    """The Order, of any two classes that take their attributes as keywords."""
    return order(lines=[line(**fields) for fields in line_fields()], **ORDER)


def take_order(received: Any, order: type | None = None, line: type | None = None) -> int:
    """What each server does with an Order: look at every Line, and at the classes where instances are promised."""
    if order is not None and (type(received) is not order or type(received.lines[0]) is not line):
        raise TypeError(f"not a real instance: {type(received)}")
    total: int = sum([each.qty for each in received.lines]) + received.id
    return total


def big_dict(entries: int = ENTRIES) -> dict[str, int]:
    """str -> int, as large as W6 has it."""
    return {f"key-{number:06d}": number for number in range(entries)}


class Item(Plain):
    """One of many objects in one state."""


def make_items(count: int, item: Any = Item) -> list[Any]:
    return [item(key=number, name="an item") for number in range(count)]


def blob(size: int = BLOB_BYTES) -> bytes:
    """Bytes that no one can compress, always the same."""
    return random.Random(1).randbytes(size)
