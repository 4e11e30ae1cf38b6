"""Files that nobody knows of any more: swept away, and nothing else."""

import asyncio
import os
import time
from pathlib import Path

from sqlalchemy import update

from microblog.adapters.mailer import FolderMailer
from microblog.database import Database
from microblog.domain import tasks
from microblog.jobs.handlers import UPKEEP
from microblog.jobs.housekeeping import Housekeeping
from microblog.jobs.job import Handler
from microblog.jobs.runner import Runner
from microblog.models import Archive, Task, utc_now
from microblog.settings import Settings
from tests.jobs.workshop import Workshop

HOURS = 3600


async def sweep(shop: Workshop, settings: Settings) -> None:
    """Once, now."""
    keeper = Housekeeping(settings, shop.archives, shop.uploads)
    runner = Runner(
        shop.database,
        {tasks.SWEEP: Handler(keeper.sweep, lane=UPKEEP)},
        {UPKEEP: 1},
        look_seconds=0.1,
    )
    async with shop.database.begin() as session:
        await tasks.repeat(session, tasks.SWEEP, due_at=utc_now())
    runner.start()
    async with asyncio.timeout(10):
        while "left.part" in shop.files():
            await asyncio.sleep(0.01)
    await runner.stop()


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * HOURS
    os.utime(path, (then, then))


async def test_what_is_swept(database: Database, settings: Settings, tmp_path: Path) -> None:
    """T-38: an archive goes with its days; drafts and uploads of what is under way stay."""
    shop = Workshop(database, tmp_path, FolderMailer(tmp_path / "mail"))
    susan, john = await shop.somebody(), await shop.somebody("john")
    async with shop.at_work():
        await shop.over(await shop.export(susan))
        await shop.over(await shop.export(john))
    kept, expired = await shop.only_archive(susan), await shop.only_archive(john)
    async with database.begin() as session:
        is_his = Archive.user_id == john.id
        await session.execute(update(Archive).where(is_his).values(expires_at=utc_now()))
    upload = (await shop.task(await shop.import_(susan, b"waits"))).arguments["upload"]
    exporting = await shop.export(susan)
    async with database.begin() as session:
        await tasks.claim(session, [tasks.EXPORT_POSTS], limit=1, now=utc_now())
        await session.execute(
            update(Task).where(Task.id == exporting).values(cursor={"name": "going"})
        )
    for name in ("left", "going", "young"):
        shop.archives.begin(name).close()
    # Uploads are looked at last.
    shop.uploads.begin("left").close()
    shop.uploads.begin("young").close()
    for path in (*shop.archives.folder().iterdir(), *shop.uploads.folder().iterdir()):
        if path.stem != "young":
            age(path, 2)
    await sweep(shop, settings)
    assert {path.name for path in shop.archives.folder().iterdir()} == {
        kept.name,
        "going.part",
        "young.part",
    }
    assert {path.name for path in shop.uploads.folder().iterdir()} == {
        f"{upload}.zip",
        "young.part",
    }
    assert not expired.exists()
    assert await shop.offered(john) == []
