"""Exports by real processes: begun many times at once, killed again and again, and large files."""

import asyncio
import json
import os
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
from sqlalchemy import func, insert, select, update

from microblog.database import Database
from microblog.domain import tasks
from microblog.models import Archive, Post, Task, User, utc_now
from microblog.settings import NO_FILE, load
from tests.processes.conftest import Start
from tests.processes.serving import HTML, Member, Server, people
from tests.processes.working import Worker

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
KILLS = 5
# As much as is taken, and a little more.
LARGE = ((60_000_000, 302), (60_100_000, 413))


class Records:
    """What is written down, as somebody beside the servers reads it."""

    def __init__(self, environment: dict[str, str]) -> None:
        settings = load(NO_FILE, environment)
        self.database = Database(settings.database_url, settings.database)
        self.folder = settings.server.instance

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.close()

    async def write(self, name: str, number: int) -> None:
        """So many posts of this person, in bulk."""
        async with self.database.begin() as session:
            user_id = await session.scalar(select(User.id).where(User.username == name))
            for first in range(0, number, 5000):
                rows = [
                    {
                        "user_id": user_id,
                        "body": f"post {n}",
                        "timestamp": LONG_AGO + timedelta(seconds=n),
                    }
                    for n in range(first, min(first + 5000, number))
                ]
                await session.execute(insert(Post), rows)

    async def all(self, name: str) -> list[Task]:
        async with self.database.reading() as session:
            query = select(Task).where(Task.name == name).order_by(Task.created_at)
            return list(await session.scalars(query))

    async def until(self, name: str, condition: Any, seconds: float) -> Task:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.all(name)
                if found and condition(found[-1]):
                    return found[-1]
                await asyncio.sleep(0.02)

    async def let_leases_end(self) -> None:
        """As if the time had passed."""
        async with self.database.begin() as session:
            running = update(Task).where(Task.state == tasks.RUNNING)
            await session.execute(running.values(due_at=utc_now()))

    async def count(self, model: Any) -> int:
        async with self.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(model)) or 0

    def files(self, folder: str) -> list[Path]:
        path = self.folder / folder
        return sorted(path.iterdir()) if path.exists() else []


def is_over(task: Task) -> bool:
    return task.state not in tasks.ACTIVE


async def test_fifty_clicks_in_two_processes(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """JOB-05, JOB-23: one job, one letter, one archive; every open page in both hears of it."""
    await people(environment, password_hash, "susan", "john")
    async with Records(environment) as records, AsyncExitStack() as stack:
        await records.write("susan", 4)
        server = await start(workers=2, MICROBLOG_JOBS_INSIDE="false")
        susan, john = [
            await stack.enter_async_context(Member.logged_in(server, name))
            for name in ("susan", "john")
        ]
        hers = [await stack.enter_async_context(susan.socket()) for _ in range(8)]
        his = await stack.enter_async_context(john.socket("?channels=explore,user:susan"))
        for socket in (*hers, his):
            assert json.loads(await socket.recv())["type"] == "hello"
        lines = await lines_to_both(server, susan, stack)
        form = {"csrf_token": susan.form}
        clicks = (lines[n % len(lines)].post("/export_posts", data=form) for n in range(50))
        answers = await asyncio.gather(*clicks)
        assert {answer.headers["Location"] for answer in answers} == {"/user/susan"}
        # Only now anybody does it, so that all fifty came while it was going on.
        worker = await asyncio.to_thread(Worker, environment, server.folder)
        stack.callback(worker.kill)
        heard = await asyncio.gather(*(asyncio.wait_for(progress(socket), 20) for socket in hers))
        assert heard == [[0, 25, 50, 75, 100]] * 8
        page = (await susan.client.get("/account")).text
        assert len(await records.all(tasks.EXPORT_POSTS)) == 1
        assert await records.count(Archive) == 1
        (archive,) = records.files("archives")
        assert len(records.files("mail")) == 1
        for person, status in ((susan, 200), (john, 404)):
            answer = await person.client.get(f"/account/archives/{archive.stem}")
            assert answer.status_code == status
        assert archive.stem in page
        await susan.publish("the end")
        assert json.loads(await asyncio.wait_for(his.recv(), 20))["type"] == "post.created"


async def lines_to_both(
    server: Server, member: Member, stack: AsyncExitStack
) -> list[httpx.AsyncClient]:
    """One person's connections, some to each worker; opened one by one, or one worker takes all."""
    before = connections(server)
    assert len(before) == 2
    lines: list[httpx.AsyncClient] = []
    async with asyncio.timeout(30):
        while len(lines) < 10 or any(connections(server)[w] <= n for w, n in before.items()):
            line = httpx.AsyncClient(
                base_url=server.url,
                headers=HTML | {"Cookie": member.cookie},
                limits=httpx.Limits(max_connections=1),
                timeout=30,
            )
            lines.append(await stack.enter_async_context(line))
            assert (await line.get("/livez")).status_code == 200
    return lines


def connections(server: Server) -> dict[int, int]:
    """How many are open to each worker."""
    workers = [process for process in server.family() if process.pid != server.process.pid]
    return {
        worker.pid: len([c for c in worker.net_connections("tcp") if c.status == "ESTABLISHED"])
        for worker in workers
        if any(c.status == "LISTEN" for c in worker.net_connections("tcp"))
    }


async def progress(socket: Any) -> list[int]:
    """The numbers that are told, each once, up to the end."""
    numbers: list[int] = []
    while 100 not in numbers:
        frame = json.loads(await socket.recv())
        if frame["type"] == "notification" and frame["data"]["progress"] not in numbers:
            numbers.append(frame["data"]["progress"])
    return numbers


async def test_kill_9_five_times(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """JOB-19, JOB-20: 50,000 posts; it goes on by itself, and finishes once, with each post once."""
    await people(environment, password_hash, "susan")
    async with Records(environment) as records:
        await records.write("susan", 50_000)
        server = await start()
        async with Member.logged_in(server, "susan") as susan:
            await susan.send("/export_posts")
        for kill in range(1, KILLS + 1):
            await records.until(
                tasks.EXPORT_POSTS,
                lambda task, kill=kill: task.attempts == kill and task.progress >= 2 * kill,
                60,
            )
            await asyncio.to_thread(server.kill)
            assert not is_over((await records.all(tasks.EXPORT_POSTS))[0])
            assert len(records.files("archives")) == 1
            # The last time nobody helps: the lease runs out while the others look.
            observed = kill == KILLS and records.database.is_sqlite
            if not observed:
                await records.let_leases_end()
            server = await start()
        began = time.monotonic()
        task = await records.until(tasks.EXPORT_POSTS, lambda task: task.attempts > KILLS, 60)
        if records.database.is_sqlite:
            assert 1 < time.monotonic() - began < 60
        task = await records.until(tasks.EXPORT_POSTS, is_over, 60)
        assert (task.state, task.attempts) == (tasks.DONE, KILLS + 1)
        (archive,) = records.files("archives")
        with zipfile.ZipFile(archive) as whole:
            assert whole.testzip() is None
            plain = json.loads(whole.read("posts.json"))["posts"]
            complete = json.loads(whole.read("archive.json"))["posts"]
        assert [post["body"] for post in plain] == [f"post {n}" for n in range(50_000)]
        assert [post["body"] for post in complete] == [post["body"] for post in plain]
        assert await records.count(Archive) == len(records.files("mail")) == 1
        assert len(await records.all(tasks.SEND_LETTER)) == 1
        assert (await asyncio.to_thread(server.stop))[0] == 0
    assert "Traceback" not in server.log, server.log


async def test_a_large_file_is_streamed_to_the_disk(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """T-64: without a declared length too; never in memory, and refused where it is too long."""
    await people(environment, password_hash, "susan")
    async with Records(environment) as records:
        server = await start(MICROBLOG_ARCHIVES_IMPORT_BYTES=str(LARGE[0][0]))
        process = psutil.Process(server.process.pid)
        async with Member.logged_in(server, "susan") as susan:
            before = await settled(process)
            for length, status in ((1_000_000, 302), *LARGE):
                headers, content = upload(susan.form, length)
                answer = await susan.client.post("/import_posts", headers=headers, content=content)
                assert answer.status_code == status, (length, answer.text[:300])
                task = await records.until(tasks.IMPORT_POSTS, is_over, 20)
                assert task.reason == "This is no archive of this service."
            grown = process.memory_info().rss - before
            assert grown < LARGE[0][0] / 2, f"{grown:,}"
            assert (await susan.client.get("/account")).status_code == 200
        assert len(await records.all(tasks.IMPORT_POSTS)) == 2
        assert records.files("imports") == []
    assert "Traceback" not in server.log, server.log


async def settled(process: psutil.Process) -> int:
    """Its memory, in bytes, when what it loads in the background at its start is there."""
    sizes = [process.memory_info().rss]
    async with asyncio.timeout(30):
        while len(sizes) < 10 or sizes[-1] > sizes[-10] + 100_000:
            await asyncio.sleep(0.1)
            sizes.append(process.memory_info().rss)
    return sizes[-1]


def upload(token: str, length: int) -> tuple[dict[str, str], AsyncIterator[bytes]]:
    """A form with a file of so many bytes, sent in pieces."""
    start = (
        '--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n'
        f"{token}\r\n--b\r\nContent-Disposition: form-data; "
        'name="archive"; filename="a.zip"\r\nContent-Type: application/zip\r\n\r\n'
    )

    async def pieces() -> AsyncIterator[bytes]:
        yield start.encode()
        piece = os.urandom(100_000)
        for _ in range(length // len(piece)):
            yield piece
        yield b"\r\n--b--\r\n"

    return {"Content-Type": "multipart/form-data; boundary=b"}, pieces()
