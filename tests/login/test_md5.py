"""MD5 logins, for Twisted's clients and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.spread import pb

import likewise
from tests.login.test_login import door, logouts, within
from tests.programs import running

HERE = Path(__file__).parent


def twisted(process: Any) -> list[str]:
    """What a real Twisted client sees there."""
    with running(str(HERE / "twisted_login.py"), process.address.rpartition(":")[2]) as client:
        return client.end()[1]


def test_a_twisted_client_logs_in_where_that_is_switched_on() -> None:
    with door("md5") as process:
        text = "twisted.cred.error.UnauthorizedLogin the login is refused"
        assert twisted(process) == [
            f"refused UnauthorizedLogin {text}",
            f"refused LoginFailed {text}",
            "refused LoginFailed twisted.cred.error.LoginFailed ANONYMOUS is not taken here; what is: MD5",
            "who alice alice",
            f"refused UnauthorizedLogin {text}",
            "who alice",
        ]
        assert logouts(process) == ["logout alice True"]


def test_where_it_is_not_switched_on_it_is_told_so() -> None:
    with door("scram") as process:
        seen = twisted(process)
    assert not any(line.startswith("who") for line in seen)
    text = "twisted.cred.error.LoginFailed MD5 logins of Twisted's clients are not taken here"
    assert seen[0] == f"refused no UnauthorizedLogin {text}"


def test_a_challenge_takes_one_response_and_a_response_fits_one_challenge() -> None:
    """S-45, S-46, S-47."""

    async def run(process: Any) -> None:
        async with likewise.connect(process.address) as connection:
            first, step = await connection.root.callRemote("login", b"alice")
            response = pb.respond(first, b"sesame")
            avatar = await step.callRemote("respond", response, None)
            assert await avatar.callRemote("who") == "alice"
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("respond", response, None)  # right, and the second
            second, step = await connection.root.callRemote("login", b"alice")
            assert len(first) == len(second) == 16 and first != second
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("respond", response, None)  # a replay
            with pytest.raises(likewise.LoginRefused):
                await step.callRemote("respond", pb.respond(second, b"sesame"), None)  # right, and too late

    with door("md5") as process:
        within(20, run(process))


@pytest.mark.parametrize("user", [b"alice", b"nobody", b"broken"])
@pytest.mark.parametrize("response", [b"", b"x" * 16, "x", None, 5])
def test_whatever_is_wrong_looks_the_same(user: bytes, response: Any) -> None:
    async def run() -> None:
        async with likewise.connect(SERVED[0].address) as connection:
            _, step = await connection.root.callRemote("login", user)
            with pytest.raises(likewise.LoginRefused, match=r"^the login is refused$"):
                await step.callRemote("respond", response, None)

    within(20, run())


SERVED: list[Any] = []


@pytest.fixture(autouse=True, scope="module")
def served() -> Any:
    with door("md5") as process:
        SERVED.append(process)
        yield
        SERVED.clear()
