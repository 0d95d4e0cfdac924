"""What an error of the peer can be asked."""

import pytest

import likewise
from likewise.objects.error_state import error_names


class PondFull(likewise.Error):
    pass


@pytest.mark.parametrize("asked", [likewise.Error, PondFull, Exception, "twisted.spread.pb.Error"])
def test_a_remote_error_is_checked_by_class_or_by_name(asked: str | type[BaseException]) -> None:
    names = error_names(PondFull)  # as a peer sends them
    error = likewise.RemoteError(names[0], "17 ducks", parents=tuple(names))
    assert error.check(asked)
    assert error.check(KeyError, asked)


@pytest.mark.parametrize("asked", [KeyError, likewise.NoSuchMethod, "likewise.errors.Error", "PondFull"])
def test_a_remote_error_is_nothing_else(asked: str | type[BaseException]) -> None:
    names = error_names(PondFull)
    assert not likewise.RemoteError(names[0], "17 ducks", parents=tuple(names)).check(asked)
