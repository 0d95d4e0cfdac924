"""SQLAlchemy inside a remote method: a session scoped by the current task is one and the same from start to end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import likewise
from tests.libraries.both import LOOPS, ask

pytest.importorskip("aiosqlite")
pytest.importorskip("greenlet")
sqlalchemy = pytest.importorskip("sqlalchemy")

from sqlalchemy.ext.asyncio import (  # noqa: E402
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column  # noqa: E402


class Base(DeclarativeBase):
    pass


class Duck(Base):
    __tablename__ = "ducks"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Root(likewise.Root):
    def __init__(self, file: Path) -> None:
        self.engine = create_async_engine(f"sqlite+aiosqlite:///{file}")
        self.session: Any = async_scoped_session(async_sessionmaker(self.engine), scopefunc=asyncio.current_task)

    async def remote_start(self) -> None:
        async with self.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)

    async def remote_stop(self) -> None:
        await self.engine.dispose()

    async def remote_sessions(self) -> list[bool]:
        """Whether it is the same session at each place."""
        first: AsyncSession = self.session()
        seen = []
        await asyncio.sleep(0)
        seen.append(self.session() is first)
        await self.session.execute(sqlalchemy.text("select 1"))
        seen.append(self.session() is first)
        await self.session.remove()
        seen.append(self.session() is not first)
        await self.session.remove()
        return seen

    async def remote_add(self, name: str) -> int:
        self.session.add(Duck(name=name))  # before anything has waited
        await self.session.commit()
        count = await self.session.scalar(sqlalchemy.select(sqlalchemy.func.count()).select_from(Duck))
        await self.session.remove()
        return int(count)

    async def remote_names(self) -> list[str]:
        try:
            return sorted(await self.session.scalars(sqlalchemy.select(Duck.name)))
        finally:
            await self.session.remove()


@LOOPS
def test_a_scoped_session_is_the_task_s(loop: str, tmp_path: Path) -> None:
    root = Root(tmp_path / "ducks.sqlite")

    async def test(remote: likewise.RemoteReference) -> None:
        await remote.callRemote("start")
        assert await remote.callRemote("sessions") == [True, True, True]
        names = [f"duck {n}" for n in range(5)]
        for name in names:
            assert await remote.callRemote("add", name) == int(name[-1]) + 1
        together = await asyncio.gather(*(remote.callRemote("sessions") for _ in range(5)))
        assert together == [[True, True, True]] * 5
        assert await remote.callRemote("names") == names
        assert len(root.session.registry.registry) == 0, "each call has given its session back"
        await remote.callRemote("stop")

    ask(root, test, loop)
