"""What ``dir()``, and so completion at a prompt, shows of a connection: what users call, not what loop and core call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FOR_USERS: Final = frozenset(
    (
        *("root", "peer", "dialect", "is_open", "reason", "queued_bytes", "one_way_failures", "get_extra_info"),
        *("close", "abort", "wait_closed", "notifyOnDisconnect", "dontNotifyOnDisconnect"),
    )
)


class WithShownNames:
    """The part of a Connection that lists its names. The others work as before; those with an underscore are listed."""

    __slots__ = ()

    def __dir__(self) -> Iterable[str]:
        return [name for name in super().__dir__() if name in FOR_USERS or name.startswith("_")]


__all__ = ("WithShownNames",)
