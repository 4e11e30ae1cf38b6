"""The engines of one application, and the units of work on them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from microblog.database import postgresql, sqlite
from microblog.database.noticing import WritingSession
from microblog.database.unit import UnitOfWork, nobody
from microblog.domain.search import outbox
from microblog.logs import watch_queries
from microblog.settings import Database as DatabaseSettings


class Database:
    """The engines of one application, and the units of work on them."""

    def __init__(
        self, url: str, settings: DatabaseSettings, *, has_search_engine: bool = False
    ) -> None:
        """Prepare the engines for a normalised ``url``; nothing is opened yet.

        With ``has_search_engine`` there is one beside the database, and it is told of posts.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        build = sqlite.engines if self.is_sqlite else postgresql.engines
        self._writer, self._reader = build(url, settings)
        self._committed: Callable[[], None] = nobody
        self._tell: Callable[[], None] = nobody
        self._keepers: dict[str, Callable[[], None]] = {}
        self._marks = {outbox.ENGINE: True} if has_search_engine else {}

    def watch(self, seconds: float) -> None:
        """Have statements that take longer named in the log."""
        for engine in (self._writer, self._reader):
            watch_queries(engine, seconds)

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called after each commit that wrote events."""
        self._committed = wake

    def tell_others(self, tell: Callable[[], None]) -> None:
        """Have ``tell`` called as well, whoever is woken here: it is for other processes."""
        self._tell = tell

    def on_promise(self, name: str, wake: Callable[[], None]) -> None:
        """Have ``wake`` called after each commit of a unit of work that promised ``name``."""
        self._keepers[name] = wake

    def writing(self) -> "UnitOfWork":
        """A unit of work that may write; nothing is opened before its first statement."""
        session = AsyncSession(
            self._writer,
            sync_session_class=WritingSession,
            expire_on_commit=False,
            info=dict(self._marks),
        )
        return UnitOfWork(session, self._committed, self._keepers, self._tell)

    def skimming(self) -> "UnitOfWork":
        """A unit of work that only reads, each statement by itself."""
        session = AsyncSession(self._reader, expire_on_commit=False, autoflush=False)
        return UnitOfWork(session, nobody, {}, nobody)

    @asynccontextmanager
    async def begin(self, *, wake: bool = True) -> AsyncIterator[AsyncSession]:
        """Write: commit on return, roll back on an exception.

        With ``wake=False`` this process hears of its own events only as the others do.
        """
        work = self.writing()
        if not wake:
            work.committed = nobody
        try:
            yield work.session
            await work.commit()
        finally:
            await work.close()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Read: every statement sees what is committed at its moment."""
        work = self.skimming()
        try:
            yield work.session
        finally:
            await work.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._reader.dispose()
        await self._writer.dispose()
