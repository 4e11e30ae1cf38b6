"""Exports: what is in the archive, what is told meanwhile, and how they end."""

import asyncio
import errno
import json
import random
import re
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import select

from microblog.adapters.mailer import Mailer
from microblog.adapters.shelf import Shelf
from microblog.database import Database
from microblog.domain import follows, messages, tasks, users
from microblog.domain.errors import NotFound
from microblog.domain.tasks import UnderWay
from microblog.jobs.letters import PATIENCE
from microblog.models import Post
from tests.fakes import MailServer
from tests.jobs.offices import Clock, mailer_to, rows
from tests.jobs.workshop import Workshop, contents

HOSTILE = [
    "plain",
    "¡Hola! ☃ 你好 👩‍👩‍👧",
    'quotes " and \\ back\nslashes',
    "</script>&amp;",
    "ا" * 500,
]


@asynccontextmanager
async def opened(
    database: Database, folder: Path, mailer: Mailer, **archives: float
) -> AsyncIterator[Workshop]:
    """A workshop whose mailer is closed in the end."""
    try:
        yield Workshop(database, folder, mailer, **archives)
    finally:
        await mailer.close()


@pytest.fixture
async def shop(database: Database, tmp_path: Path, server: MailServer) -> AsyncIterator[Workshop]:
    async with opened(database, tmp_path, mailer_to(server)) as shop:
        yield shop


async def percents(shop: Workshop, actor: object) -> list[int]:
    """The numbers that pages were told, each once."""
    told = [word["progress"] for word in await shop.told(actor)]
    return list(dict.fromkeys(told))


async def test_the_attachment_is_the_originals(shop: Workshop, server: MailServer) -> None:
    """JOB-10 to JOB-14: byte for byte; one letter; then it is over."""
    susan, john = await shop.somebody(), await shop.somebody("john")
    await shop.posts(susan, HOSTILE)
    await shop.posts(john, ["not hers"])
    async with shop.at_work():
        task = await shop.over(await shop.export(susan))
    assert (task.state, task.progress, task.reason) == (tasks.DONE, 100, "")
    (letter,) = server.letters
    assert letter["Subject"] == "[Microblog] Your blog posts"
    assert letter["From"] == "Admin <admin@example.com>"
    assert letter["To"] == "susan@example.com"
    for kind in ("plain", "html"):
        part = letter.get_body((kind,))
        assert part is not None
        assert "attached" in part.get_content()
        assert "susan" in part.get_content()
    (attached,) = letter.iter_attachments()
    assert attached.get_filename() == "posts.json"
    assert attached.get_content_type() == "application/json"
    said = await shop.said(susan)
    expected = {
        "posts": [
            {"body": body, "timestamp": at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"}
            for at, body, _ in said
        ]
    }
    content = attached.get_payload(decode=True)
    assert content == json.dumps(expected, indent=4).encode()
    assert [post["body"] for post in json.loads(content)["posts"]] == HOSTILE
    assert contents(await shop.only_archive(susan))[0] == content


async def test_the_archive_is_complete(shop: Workshop) -> None:
    """Profile, posts, follows both ways, the messages that she keeps; nothing of others."""
    susan, john, mary = [await shop.somebody(name) for name in ("susan", "john", "mary")]
    await shop.posts(susan, HOSTILE)
    async with shop.database.begin() as session:
        people = {
            name: await users.by_username(session, name) for name in ("susan", "john", "mary")
        }
        await follows.follow(session, susan, people["john"])
        await follows.follow(session, mary, people["susan"])
        await messages.send(session, john, people["susan"], "for you", length=100)
        await messages.send(session, susan, people["john"], "for him", length=100)
        gone = await messages.send(session, susan, people["mary"], "taken away", length=100)
        await messages.send(session, john, people["mary"], "none of hers", length=100)
        edited = (await session.scalars(select(Post).where(Post.body == "plain"))).one()
        edited.edited_at = edited.timestamp + timedelta(days=1)
    async with shop.database.begin() as session:
        await messages.mark_read(session, john)
        await messages.take_away(session, susan, gone.id)
    async with shop.at_work():
        await shop.over(await shop.export(susan, language="es"))
    path = await shop.only_archive(susan)
    _, complete, readme = contents(path)
    assert list(complete) == [
        *("format", "version", "exported_at", "profile"),
        *("posts", "following", "followers", "messages"),
    ]
    assert (complete["format"], complete["version"]) == ("microblog-archive", 1)
    assert complete["profile"]["username"] == "susan"
    assert complete["profile"]["email"] == "susan@example.com"
    assert [post["body"] for post in complete["posts"]] == HOSTILE
    assert complete["posts"][0] | {"id": 0} == {
        "id": 0,
        "body": "plain",
        "created_at": "2020-01-02T03:04:05.678901Z",
        "edited_at": "2020-01-03T03:04:05.678901Z",
        "language": "en",
    }
    assert [post["language"] for post in complete["posts"]] == ["en", None, "", "zh_Hant", "en"]
    assert [bond["username"] for bond in complete["following"]] == ["john"]
    assert [bond["username"] for bond in complete["followers"]] == ["mary"]
    found = [(m["from"], m["to"], m["body"], m["read_at"]) for m in complete["messages"]]
    assert found == [("john", "susan", "for you", None), ("susan", "john", "for him", None)]
    everything = json.dumps(complete)
    assert set(re.findall(r"[\w.]+@[\w.]+", everything)) == {"susan@example.com"}
    assert "susan" in readme
    # Whoever reads it without us: every field, and of which format and version it is.
    for name in (*complete, *(name for part in complete.values() for name in fields(part))):
        assert f'"{name}"' in readme, name
    assert '"microblog-archive"' in readme
    assert '"version": 1' in readme
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def fields(part: object) -> list[str]:
    """What each entry of a part of an archive is made of."""
    entry = part[0] if isinstance(part, list) else part
    return list(entry) if isinstance(entry, dict) else []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (4, [0, 25, 50, 75, 100]),
        (3, [0, 33, 66, 100]),
        (0, [0, 100]),
        (150, [*range(101)]),
        (1000, [*range(101)]),
    ],
)
async def test_progress(shop: Workshop, number: int, expected: list[int]) -> None:
    """JOB-07, JOB-08, JOB-15: every percent, and all of it only with the letter."""
    susan = await shop.somebody()
    await shop.posts(susan, (f"post {n}" for n in range(number)))
    async with shop.at_work():
        task_id = await shop.export(susan)
        await shop.over(task_id)
    assert await percents(shop, susan) == expected
    told = await shop.told(susan)
    assert {word["task_id"] for word in told} == {task_id}
    assert [word["state"] for word in told if word["progress"] == 100] == [tasks.DONE]
    plain, complete, _ = contents(await shop.only_archive(susan))
    assert len(json.loads(plain)["posts"]) == len(complete["posts"]) == number
    assert [archive.posts for archive in await shop.offered(susan)] == [number]
    assert plain == json.dumps(json.loads(plain), indent=4).encode()


async def test_an_export_waits_for_its_letter(shop: Workshop, server: MailServer) -> None:
    """Latent fault 2, JOB-17: not done before its letter is out, and failed if it never is."""
    susan = await shop.somebody()
    await shop.posts(susan, ["one", "two"])
    server.answer("RCPT", "450 later")
    clock = Clock()
    async with shop.at_work(clock):
        first = await shop.export(susan)
        await server.reached("RCPT")
        task = await shop.until(first, lambda task: task.state == tasks.WAITING)
        assert task.progress == 50
        with pytest.raises(UnderWay):
            await shop.export(susan)
        server.answer("RCPT", None)
        clock.advance(minutes=1)
        assert (await shop.over(first)).state == tasks.DONE
        server.answer("RCPT", "550 nobody of that name")
        second = await shop.over(await shop.export(susan))
    assert (second.state, second.reason) == (
        tasks.FAILED,
        "The letter about it could not be delivered.",
    )
    assert (await shop.told(susan))[-1]["state"] == tasks.FAILED
    assert len(server.letters) == 1
    # What was made can be fetched in any case.
    assert len(await shop.offered(susan)) == 2


async def test_called_off_while_its_letter_waits(shop: Workshop, server: MailServer) -> None:
    """No letter goes out any more; what was made already can be fetched all the same."""
    susan = await shop.somebody()
    await shop.posts(susan, ["one", "two"])
    server.answer("RCPT", "450 later")
    clock = Clock()
    async with shop.at_work(clock):
        task_id = await shop.export(susan)
        await server.reached("RCPT")
        await shop.until(task_id, lambda task: task.state == tasks.WAITING)
        await shop.cancel(susan, task_id)
        server.answer("RCPT", None)
        clock.advance(minutes=2)
        async with asyncio.timeout(10):
            while [letter.state for letter in await rows(shop.database)] != [tasks.CANCELLED]:
                await asyncio.sleep(0.01)
        assert (await shop.task(task_id)).state == tasks.CANCELLED
        assert len(contents(await shop.only_archive(susan))[1]["posts"]) == 2
        # Another one may be begun.
        assert (await shop.over(await shop.export(susan))).state == tasks.DONE
    assert len(server.letters) == 1


async def test_an_export_whose_letter_was_lost_ends(shop: Workshop, server: MailServer) -> None:
    susan = await shop.somebody()
    server.answer("greeting", "421 not today")
    clock = Clock()
    async with shop.at_work(clock):
        task_id = await shop.export(susan)
        await shop.until(task_id, lambda task: bool((task.cursor or {}).get("offered")))
    (letter,) = await rows(shop.database)
    async with shop.database.begin() as session:
        await tasks.withdraw(session, tasks.SEND_LETTER, letter.subject_id or 0)
    clock.advance(seconds=PATIENCE.total_seconds() + 3 * 3600)
    async with shop.at_work(clock):
        assert (await shop.over(task_id)).state == tasks.FAILED
    assert len(await shop.offered(susan)) == 1


async def test_large_archives_are_not_attached(
    database: Database, tmp_path: Path, server: MailServer
) -> None:
    async with opened(database, tmp_path, mailer_to(server), attach_bytes=1000) as shop:
        susan = await shop.somebody()
        await shop.posts(susan, ["long " * 90] * 3)
        async with shop.at_work():
            assert (await shop.over(await shop.export(susan))).state == tasks.DONE
    (letter,) = server.letters
    assert list(letter.iter_attachments()) == []
    body = letter.get_body(("plain",))
    assert body is not None
    assert "https://microblog.test/account" in body.get_content()
    assert "7 days" in body.get_content()


async def test_cancelled_while_it_runs(
    database: Database, tmp_path: Path, server: MailServer
) -> None:
    """JOB-09: the pause is after each post. What was begun is gone, and no letter goes out."""
    async with opened(database, tmp_path, mailer_to(server), pause=0.02) as shop:
        susan, john = await shop.somebody(), await shop.somebody("john")
        await shop.posts(susan, (f"post {n}" for n in range(500)))
        async with shop.at_work():
            task_id = await shop.export(susan)
            await shop.until(task_id, lambda task: task.progress > 2)
            with pytest.raises(NotFound):
                await shop.cancel(john, task_id)
            await shop.cancel(susan, task_id)
            async with asyncio.timeout(10):
                while shop.files():
                    await asyncio.sleep(0.01)
            again = await shop.export(susan)
            await shop.until(again, lambda task: task.progress > 0)
            await shop.cancel(susan, again)
    task = await shop.task(task_id)
    assert (task.state, task.reason) == (tasks.CANCELLED, tasks.CALLED_OFF)
    assert (await shop.told(susan))[-1] == {
        "task_id": again,
        "progress": 100,
        "name": tasks.EXPORT_POSTS,
        "state": tasks.CANCELLED,
    }
    assert await shop.offered(susan) == []
    assert server.letters == []


async def test_a_runner_that_stops_leaves_nothing_and_another_goes_on(
    database: Database, tmp_path: Path, server: MailServer
) -> None:
    """JOB-19: however long it takes; given back at once, begun anew, finished once."""
    async with opened(database, tmp_path, mailer_to(server), pause=0.01) as shop:
        susan = await shop.somebody()
        await shop.posts(susan, (f"post {n}" for n in range(120)))
        async with shop.at_work():
            task_id = await shop.export(susan)
            await shop.until(task_id, lambda task: task.progress > 5)
        task = await shop.task(task_id)
        assert (task.state, task.attempts) == (tasks.WAITING, 0)
        assert shop.files() == set()
    async with opened(database, tmp_path, mailer_to(server)) as shop:
        async with shop.at_work():
            assert (await shop.over(task_id)).state == tasks.DONE
        plain, _, _ = contents(await shop.only_archive(susan))
    assert [post["body"] for post in json.loads(plain)["posts"]] == [
        f"post {n}" for n in range(120)
    ]
    assert len(server.letters) == 1
    assert len(shop.files()) == 1


async def test_posts_that_come_and_go_meanwhile(
    database: Database, tmp_path: Path, server: MailServer
) -> None:
    """Each is in it once or not at all, and both files hold the same."""
    async with opened(database, tmp_path, mailer_to(server), pause=0.005) as shop:
        susan = await shop.somebody()
        await shop.posts(susan, (f"post {n}" for n in range(100)))
        async with shop.at_work():
            task_id = await shop.export(susan)
            await shop.until(task_id, lambda task: task.progress > 10)
            async with database.begin() as session:
                for post in await session.scalars(select(Post).where(Post.body.like("%9"))):
                    await session.delete(post)
                session.add(Post(user_id=susan.id, body="later"))
            await shop.over(task_id)
        plain, complete, _ = contents(await shop.only_archive(susan))
        found = await shop.offered(susan)
    bodies = [post["body"] for post in complete["posts"]]
    assert [post["body"] for post in json.loads(plain)["posts"]] == bodies
    assert len(set(bodies)) == len(bodies)
    assert {f"post {n}" for n in range(100) if n % 10 != 9} <= set(bodies)
    assert "later" not in bodies
    # What is said about it is what is in it.
    assert [archive.posts for archive in found] == [len(bodies)]


async def test_three_archives_are_kept(shop: Workshop) -> None:
    """T-64: what one person may have lying on the operator's disk has an end."""
    susan, john = await shop.somebody(), await shop.somebody("john")
    async with shop.at_work():
        await shop.over(await shop.export(john))
        exports = [await shop.export(susan)]
        for _ in range(4):
            await shop.over(exports[-1])
            exports.append(await shop.export(susan))
        await shop.over(exports[-1])
    assert [archive.task_id for archive in await shop.offered(susan)] == exports[-3:]
    assert len(await shop.offered(john)) == 1


async def test_a_person_who_goes_meanwhile(
    database: Database, tmp_path: Path, server: MailServer
) -> None:
    async with opened(database, tmp_path, mailer_to(server), pause=0.02) as shop:
        susan = await shop.somebody()
        await shop.posts(susan, (f"post {n}" for n in range(300)))
        async with shop.at_work():
            task_id = await shop.export(susan)
            await shop.until(task_id, lambda task: task.progress > 2)
            async with database.begin() as session:
                await session.delete(await users.by_id(session, susan.id))
            async with asyncio.timeout(10):
                while shop.files():
                    await asyncio.sleep(0.01)
    assert server.letters == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; where none can be mounted, a folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


class FullShelf(Shelf):
    """Whatever is written here finds no room."""

    def begin(self, name: str) -> BinaryIO:
        super().begin(name).close()
        return Path("/dev/full").open("w+b")  # type: ignore[return-value]


async def test_a_full_disk(
    database: Database, tmp_path: Path, small_disk: Path, server: MailServer
) -> None:
    """T-71, JOB-16: it says why, leaves nothing, and the next one that fits is made."""
    words = random.Random(1)
    async with opened(database, small_disk, mailer_to(server)) as shop:
        if not small_disk.is_mount():
            shop.archives = FullShelf(tmp_path / "archives")
        susan, john = await shop.somebody(), await shop.somebody("john")
        await shop.posts(susan, (words.randbytes(200).hex() for _ in range(1000)))
        async with shop.at_work():
            task = await shop.over(await shop.export(susan))
            assert (task.state, task.reason) == (
                tasks.FAILED,
                "There is no room left on the server's disk.",
            )
            assert shop.files() == set()
            assert await shop.offered(susan) == []
            if small_disk.is_mount():
                assert (await shop.over(await shop.export(john))).state == tasks.DONE
    assert len(server.letters) == (1 if small_disk.is_mount() else 0)


async def test_a_disk_that_is_full_from_the_start(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-71: one file could be opened, the next one not."""
    susan = await shop.somebody()

    def no_room(**_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_room)
    async with shop.at_work():
        task = await shop.over(await shop.export(susan))
    assert (task.state, task.reason) == (
        tasks.FAILED,
        "There is no room left on the server's disk.",
    )
    assert shop.files() == set()


async def test_a_folder_that_is_none(shop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    """JOB-16: no longer in progress, named in the log, and a new one is possible."""
    susan = await shop.somebody()
    (shop.folder / "archives").write_text("in the way")
    async with shop.at_work():
        task = await shop.over(await shop.export(susan))
        assert (task.state, task.reason) == (tasks.FAILED, "The server cannot use its disk.")
        assert "ERROR" in {record.levelname for record in caplog.records}
        (shop.folder / "archives").unlink()
        assert (await shop.over(await shop.export(susan))).state == tasks.DONE
