"""What somebody who has yet to log in is told: how to log in, and nothing of what went wrong in the application."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final

from ..errors import ENDS_THE_PROGRAM, Error, LoginFailed, NoSuchMethod
from ..objects.by_reference import Referenceable
from .connection import Connection

LOGIN_FAILED_THERE: Final = "the login failed at the server, whose log says why"
LOG_IN: Final = "this server wants a login before anything else is called: likewise.connect(..., login=...) ({})"


class ForStrangers(Referenceable):
    """An object that a stranger may call."""

    connection: Connection

    def find_remote_method(self, name: str) -> Callable[..., Any]:
        """As always; where there is none, the application is what is meant, which is not for strangers."""
        try:
            method = super().find_remote_method(name)
        except NoSuchMethod as error:
            raise LoginFailed(LOG_IN.format(error)) from None
        return partial(self._run, name, method)

    def _run(self, name: str, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self._in_confidence(name):
            result = method(*args, **kwargs)
        return self._wait(name, result) if inspect.isawaitable(result) else result

    async def _wait(self, name: str, result: Awaitable[Any]) -> Any:
        with self._in_confidence(name):
            return await result

    @contextlib.contextmanager
    def _in_confidence(self, name: str) -> Iterator[None]:
        """Have the log know of an error, and the stranger of those alone that are meant for the caller."""
        try:
            yield
        except (Error, LoginFailed, asyncio.CancelledError, *ENDS_THE_PROGRAM):
            raise
        except BaseException as error:
            self.connection._broker.driver.report(f"running {name}", error)
            raise LoginFailed(LOGIN_FAILED_THERE) from None


__all__ = ("ForStrangers",)
