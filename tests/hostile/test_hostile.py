"""The quick part of the corpus, against one server process that takes it all; ``run.py`` has the whole."""

from collections.abc import Iterator

import pytest

from tests.hostile import corpus
from tests.hostile.harness import Case, Server, hold

QUICK = [each for each in corpus.CASES if each.quick]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.name)
def test_a_hostile_peer_harms_nobody_else(case: Case, server: Server) -> None:
    hold(case, server)
