"""A runner that makes archives and takes them apart, people who write, and a look at what came of it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sqlalchemy import insert, select

from microblog.adapters.mailer import Mailer
from microblog.adapters.shelf import Shelf, new_name
from microblog.database import Database
from microblog.domain import tasks, users
from microblog.domain.actors import Actor
from microblog.jobs.exports import Exporter, attachments
from microblog.jobs.imports import Importer
from microblog.jobs.job import Handler
from microblog.jobs.letters import Clerk
from microblog.jobs.runner import Runner
from microblog.letterpress import Letterpress
from microblog.models import Archive, Event, Post, Task, utc_now
from microblog.settings import Archives
from tests.jobs import offices

LONG_AGO = datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class Workshop:
    """One database, one data folder, and whoever works on them."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        mailer: Mailer,
        *,
        most_fresh: int = 1_000_000,
        **archives: Any,
    ) -> None:
        self.database = database
        self.most_fresh = most_fresh
        self.settings = Archives(**archives)
        self.archives = Shelf(folder / "archives")
        self.uploads = Shelf(folder / "imports")
        self.folder = folder
        self.mailer = mailer

    def runner(self, clock: Callable[[], datetime] = utc_now, look_seconds: float = 0.1) -> Runner:
        press = Letterpress(
            "Admin <admin@example.com>",
            lambda: "https://microblog.test",
            offices.token,
            partial(attachments, self.archives),
        )
        importer = Importer(self.settings, self.uploads, most_fresh=self.most_fresh)
        return Runner(
            self.database,
            {
                tasks.EXPORT_POSTS: Handler(Exporter(self.settings, self.archives).run, "archives"),
                tasks.IMPORT_POSTS: Handler(importer.run, "archives"),
                tasks.SEND_LETTER: Clerk(self.mailer, press.compose).handler("letters"),
            },
            {"archives": 2, "letters": 2},
            clock=clock,
            look_seconds=look_seconds,
        )

    @asynccontextmanager
    async def at_work(self, clock: Callable[[], datetime] = utc_now) -> AsyncIterator[Runner]:
        runner = self.runner(clock)
        runner.start()
        try:
            yield runner
        finally:
            await runner.stop()

    # What people do

    async def somebody(self, name: str = "susan") -> Actor:
        async with self.database.begin() as session:
            user = await users.register(session, name, f"{name}@example.com", None)
            return Actor(user.id, user.username)

    async def posts(self, actor: Actor, bodies: Iterable[str], at: datetime = LONG_AGO) -> None:
        """In bulk, a minute apart, with one language after the other."""
        languages = ("en", None, "", "zh_Hant")
        rows = [
            {
                "user_id": actor.id,
                "body": body,
                "timestamp": at + timedelta(minutes=number),
                "language": languages[number % 4],
            }
            for number, body in enumerate(bodies)
        ]
        async with self.database.begin() as session:
            for first in range(0, len(rows), 5000):
                await session.execute(insert(Post), rows[first : first + 5000])

    async def export(self, actor: Actor, language: str = "en") -> str:
        async with self.database.begin() as session:
            return await tasks.launch(session, actor, tasks.EXPORT_POSTS, language=language)

    async def import_(self, actor: Actor, content: bytes) -> str:
        upload = new_name()
        self.uploads.folder()
        self.uploads.path(upload).write_bytes(content)
        async with self.database.begin() as session:
            return await tasks.launch(session, actor, tasks.IMPORT_POSTS, upload=upload)

    async def cancel(self, actor: Actor, task_id: str) -> None:
        async with self.database.begin() as session:
            await tasks.cancel(session, actor, task_id)

    # What became of it

    async def task(self, task_id: str) -> Task:
        async with self.database.reading() as session:
            found = await session.get(Task, task_id)
            assert found is not None
            return found

    async def until(
        self, task_id: str, condition: Callable[[Task], bool], seconds: float = 30
    ) -> Task:
        async with asyncio.timeout(seconds):
            while not condition(task := await self.task(task_id)):
                await asyncio.sleep(0.01)
            return task

    async def over(self, task_id: str, seconds: float = 30) -> Task:
        return await self.until(task_id, lambda task: task.state not in tasks.ACTIVE, seconds)

    async def offered(self, actor: Actor) -> list[Archive]:
        async with self.database.reading() as session:
            query = select(Archive).where(Archive.user_id == actor.id).order_by(Archive.id)
            return list(await session.scalars(query))

    async def told(self, actor: Actor) -> list[dict[str, Any]]:
        """Every word about tasks that the person's pages were told."""
        async with self.database.reading() as session:
            query = select(Event).where(Event.kind == "notified", Event.actor_id == actor.id)
            events = list(await session.scalars(query.order_by(Event.id)))
        words = [event.payload for event in events]
        return [word["data"] for word in words if word and word["name"] == "task_progress"]

    async def said(self, actor: Actor) -> list[tuple[datetime, str, str | None]]:
        async with self.database.reading() as session:
            query = select(Post.timestamp, Post.body, Post.language)
            rows = await session.execute(
                query.where(Post.user_id == actor.id).order_by(Post.timestamp, Post.id)
            )
            return [(row[0], row[1], row[2]) for row in rows]

    def files(self) -> set[str]:
        """The names of all files of all archives, whole or not."""
        folders = (self.folder / "archives", self.folder / "imports")
        return {path.name for folder in folders if folder.exists() for path in folder.iterdir()}

    async def only_archive(self, actor: Actor) -> Path:
        (archive,) = await self.offered(actor)
        return self.archives.path(archive.name)


def contents(path: Path) -> tuple[bytes, dict[str, Any], str]:
    """``posts.json`` as it is, ``archive.json`` read, and the README."""
    with ZipFile(path) as whole:
        assert whole.testzip() is None
        assert whole.namelist() == ["archive.json", "posts.json", "README.txt"]
        complete = json.loads(whole.read("archive.json"))
        return whole.read("posts.json"), complete, whole.read("README.txt").decode()


def digest(path: Path) -> str:
    return hashlib.sha256(contents(path)[0]).hexdigest()
