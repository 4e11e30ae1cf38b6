"""Imports: what comes back, how often, what is refused, and how it goes on after a stop."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from microblog.adapters.mailer import FolderMailer
from microblog.database import Database
from microblog.domain import tasks, timeline
from microblog.domain.paging import Place
from microblog.jobs import imports, unpacking
from microblog.models import Event, Post, Task, utc_now
from microblog.settings import Database as Settings
from tests.jobs.offices import Clock
from tests.jobs.parcels import POST, archive
from tests.jobs.workshop import LONG_AGO, Workshop, contents, digest

MOST_FRESH = 60


@pytest.fixture
async def shop(database: Database, tmp_path: Path) -> AsyncIterator[Workshop]:
    return Workshop(database, tmp_path, FolderMailer(tmp_path / "mail"))


async def test_there_and_back_again(shop: Workshop) -> None:
    """Export, import by somebody else, export: the same posts, the same hashes; twice is once."""
    susan, anna = await shop.somebody(), await shop.somebody("anna")
    bodies = [f'post {n} ☃ "quoted"\n\\n' for n in range(230)]
    # Ten of one moment, two of them in the same words.
    await shop.posts(susan, bodies)
    async with shop.database.begin() as session:
        for number in range(10):
            body = f"at once {min(number, 8)}"
            session.add(Post(user_id=susan.id, body=body, timestamp=LONG_AGO))
    async with shop.at_work():
        await shop.over(await shop.export(susan))
        first = await shop.only_archive(susan)
        for _ in range(2):
            task = await shop.over(await shop.import_(anna, first.read_bytes()))
            assert (task.state, task.progress) == (tasks.DONE, 100)
            assert sorted(await shop.said(anna)) == sorted(await shop.said(susan))
        await shop.over(await shop.export(anna))
        # Back where it came from: everything is there already.
        await shop.over(await shop.import_(susan, first.read_bytes()))
    assert len(await shop.said(susan)) == 240
    second = await shop.only_archive(anna)
    assert digest(first) == digest(second)
    one, two = ([p | {"id": 0} for p in contents(path)[1]["posts"]] for path in (first, second))
    assert one == two
    assert not [name for name in shop.files() if "part" in name]
    assert len(shop.files()) == 2


@pytest.fixture
async def other(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Workshop]:
    """Another server, with nobody's posts."""
    folder = tmp_path / "other"
    folder.mkdir()
    shutil.copy(migrated_sqlite, folder / "other.db")
    database = Database(f"sqlite+aiosqlite:///{folder / 'other.db'}", Settings())
    yield Workshop(database, folder, FolderMailer(folder / "mail"), most_fresh=MOST_FRESH)
    await database.close()


async def test_on_an_empty_server(shop: Workshop, other: Workshop) -> None:
    """There and back again: the same hashes; also what was written a moment before the export."""
    shop.most_fresh = MOST_FRESH
    susan, john = await shop.somebody(), await shop.somebody("john")
    new_susan = await other.somebody()
    await shop.posts(susan, (f"post {n} ☃" for n in range(100)))
    await shop.posts(john, ["not hers"])
    now = utc_now()
    async with shop.database.begin() as session:
        rows = [
            {"user_id": susan.id, "body": f"new {n}", "timestamp": now - timedelta(seconds=99 - n)}
            for n in range(100)
        ]
        await session.execute(insert(Post), rows)
    async with shop.at_work(), other.at_work():
        await shop.over(await shop.export(susan))
        first = await shop.only_archive(susan)
        task = await other.over(await other.import_(new_susan, first.read_bytes()))
        assert (task.state, task.reason) == (tasks.DONE, "")
        await other.over(await other.export(new_susan))
        second = await other.only_archive(new_susan)
        assert digest(first) == digest(second)
        assert len(contents(first)[1]["posts"]) == 200
        # Home again: there they are already, however new.
        task = await shop.over(await shop.import_(susan, second.read_bytes()))
        assert (task.state, task.reason) == (tasks.DONE, "")
    assert await shop.said(susan) == await other.said(new_susan)


async def test_it_is_quiet(shop: Workshop) -> None:
    """Nobody but the person hears of it; not on top of anybody's list; found by the search."""
    susan, john = await shop.somebody(), await shop.somebody("john")
    async with shop.database.begin() as session:
        session.add(Post(user_id=john.id, body="new words"))
    async with shop.at_work():
        task_id = await shop.import_(
            susan, archive(*({**POST, "body": f"old {n}"} for n in range(4)))
        )
        assert (await shop.over(task_id)).state == tasks.DONE
    async with shop.database.reading() as session:
        kinds = set(await session.scalars(select(Event.kind)))
        listed = await timeline.explore(session, Place(), size=10)
    # What has changed past everybody's ears is for memory alone.
    assert kinds == {"notified", "account.changed"}
    assert [post.body for post in listed.items] == ["new words", "old 3", "old 2", "old 1", "old 0"]
    assert [post.created_at for post in listed.items[1:]] == [
        datetime.fromisoformat(POST["created_at"])
    ] * 4
    assert await shop.told(john) == []
    told = [(word["progress"], word["state"]) for word in await shop.told(susan)]
    assert told[-1] == (100, tasks.DONE)
    assert not (shop.folder / "mail").exists()


async def test_nobody_floods_the_lists(shop: Workshop) -> None:
    """T-64: of the last day no more comes at once than a person may send at once."""
    shop.most_fresh = MOST_FRESH
    susan, john = await shop.somebody(), await shop.somebody("john")
    async with shop.database.begin() as session:
        session.add(Post(user_id=john.id, body="new words"))

    def fresh(number: int) -> bytes:
        now = utc_now()
        dates = [now - timedelta(minutes=n) for n in range(number)]
        posts = [{**POST, "body": f"{at}", "created_at": at.isoformat()} for at in dates]
        return archive({**POST, "body": "old"}, *posts)

    async with shop.at_work():
        task = await shop.over(await shop.import_(susan, fresh(MOST_FRESH + 1)))
        assert (task.state, task.reason) == (tasks.FAILED, imports.TOO_FRESH)
        assert await shop.said(susan) == []
        some = fresh(MOST_FRESH)
        for content in (some, some):
            assert (await shop.over(await shop.import_(susan, content))).state == tasks.DONE
    assert len(await shop.said(susan)) == MOST_FRESH + 1
    assert shop.files() == set()


async def test_nothing_of_the_future(shop: Workshop) -> None:
    """However late it is read: what counts is when it was sent."""
    susan = await shop.somebody()
    clock = Clock()
    clock.advance(hours=2)
    soon = (utc_now() + timedelta(hours=1)).isoformat()
    task_id = await shop.import_(susan, archive({**POST, "created_at": soon}))
    async with shop.at_work(clock):
        task = await shop.over(task_id)
    assert (task.state, task.reason) == (tasks.FAILED, unpacking.BAD_POST)


async def test_progress_and_what_is_kept(shop: Workshop) -> None:
    susan = await shop.somebody()
    posts = [
        {
            "body": f"post {n}",
            "created_at": f"2021-01-01T00:{n // 60:02}:{n % 60:02}+00:00",
            "edited_at": "2022-01-01T00:00:00Z",
            "language": ("de", None)[n % 2],
        }
        for n in range(1000)
    ]
    async with shop.at_work():
        await shop.over(await shop.import_(susan, archive(*posts)))
    told = [word["progress"] for word in await shop.told(susan)]
    assert list(dict.fromkeys(told)) == [*range(0, 101, 5)]
    async with shop.database.reading() as session:
        found = (await session.scalars(select(Post).order_by(Post.timestamp))).all()
    assert [post.body for post in found] == [f"post {n}" for n in range(1000)]
    assert [post.language for post in found[:2]] == ["de", None]
    assert {f"{post.edited_at:%Y}" for post in found} == {"2022"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zip", unpacking.NO_ARCHIVE),
        (archive(POST, version=2), unpacking.UNKNOWN_VERSION),
        (archive(*[POST] * 300, {**POST, "body": ""}), unpacking.BAD_POST),
    ],
)
async def test_what_is_refused(shop: Workshop, content: bytes, reason: str) -> None:
    """Nothing of it is put in, the reason is readable, and the file is gone."""
    susan = await shop.somebody()
    async with shop.at_work():
        task = await shop.over(await shop.import_(susan, content))
    assert (task.state, task.reason) == (tasks.FAILED, reason)
    assert await shop.said(susan) == []
    assert shop.files() == set()


async def test_more_than_is_taken(database: Database, tmp_path: Path) -> None:
    shop = Workshop(database, tmp_path, FolderMailer(tmp_path), unpacked_bytes=65_536)
    susan = await shop.somebody()
    async with shop.at_work():
        task = await shop.over(await shop.import_(susan, archive({**POST, "body": "a" * 70_000})))
        assert (task.state, task.reason) == (tasks.FAILED, unpacking.TOO_LARGE)
    shop = Workshop(database, tmp_path, FolderMailer(tmp_path), import_posts=300)
    posts = [{**POST, "body": f"{n}"} for n in range(301)]
    async with shop.at_work():
        task = await shop.over(await shop.import_(susan, archive(*posts)))
        assert (task.state, task.reason) == (tasks.FAILED, unpacking.TOO_LARGE)
        assert await shop.said(susan) == []
        assert (await shop.over(await shop.import_(susan, archive(*posts[1:])))).state == tasks.DONE


def how_far(task: Task) -> int:
    return 9999 if task.state not in tasks.ACTIVE else int((task.cursor or {}).get("done", 0))


async def test_it_goes_on_where_it_was(shop: Workshop) -> None:
    """Stopped again and again, by whomever: each post once, and what was put in is not read twice."""
    susan = await shop.somebody()
    posts = [
        {**POST, "body": f"post {n}", "created_at": f"2020-01-01T00:00:00.{n:06}Z"}
        for n in range(2000)
    ]
    task_id = await shop.import_(susan, archive(*posts))
    seen = [0]
    while (await shop.task(task_id)).state in tasks.ACTIVE:
        async with shop.at_work():
            task = await shop.until(task_id, lambda task: how_far(task) > seen[-1])
        seen.append(how_far(task))
    assert len(seen) > 3
    assert [body for _, body, _ in await shop.said(susan)] == [f"post {n}" for n in range(2000)]
    assert shop.files() == set()


async def test_cancelled_while_it_runs(shop: Workshop) -> None:
    """What has come back stays; the file goes."""
    susan = await shop.somebody()
    posts = [{**POST, "created_at": f"2020-01-01T00:00:00.{n:06}Z"} for n in range(5000)]
    async with shop.at_work():
        task_id = await shop.import_(susan, archive(*posts))
        await shop.until(task_id, lambda task: task.progress > 2)
        await shop.cancel(susan, task_id)
        async with asyncio.timeout(10):
            while shop.files():
                await asyncio.sleep(0.01)
    assert (await shop.task(task_id)).state == tasks.CANCELLED
    assert 0 < len(await shop.said(susan)) < 5000


async def test_a_file_that_is_gone(shop: Workshop) -> None:
    susan = await shop.somebody()
    task_id = await shop.import_(susan, archive(POST))
    shop.uploads.remove((await shop.task(task_id)).arguments["upload"])
    async with shop.at_work():
        task = await shop.over(task_id)
    assert (task.state, task.reason) == (tasks.FAILED, imports.GONE)
