"""Eight writers, two processes, and the power failing: what was acknowledged stays."""

import asyncio
import sqlite3

from sqlalchemy.engine import make_url

from tests.processes.conftest import Start
from tests.processes.serving import Server, people
from tests.processes.writing import Writers, written

WRITERS = [f"writer{number}" for number in range(8)]
SECONDS = 4
KILLS = 2


def assert_sound(environment: dict[str, str], server: Server) -> None:
    assert "locked" not in server.log, server.log
    assert "Traceback" not in server.log, server.log
    url = make_url(environment["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        database = sqlite3.connect(url.database or "")
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.close()


async def test_eight_writers_in_two_processes(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    await people(environment, password_hash, *WRITERS)
    server = await start(workers=2)
    async with Writers.at(server, WRITERS) as writers:
        writing = asyncio.create_task(writers.write())
        await asyncio.sleep(SECONDS)  # this long, whatever they get done
        writers.stop()
        await asyncio.wait_for(writing, 20)
    assert writers.failures == []
    assert set(writers.statuses) <= {302, 303}
    assert await written(environment) == dict.fromkeys(writers.acknowledged, 1)
    assert (await asyncio.to_thread(server.stop))[0] == 0
    assert_sound(environment, server)


async def test_kill_9_of_everything(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    await people(environment, password_hash, *WRITERS)
    acknowledged: list[str] = []
    for kill in range(KILLS):
        server = await start(workers=2)
        async with Writers.at(server, WRITERS, f"{kill} ") as writers:
            writing = asyncio.create_task(writers.write())
            async with asyncio.timeout(30):
                await writers.reach(40)
            await asyncio.to_thread(server.kill)
            await asyncio.wait_for(writing, 20)
        acknowledged += writers.acknowledged
        assert set(writers.statuses) <= {302, 303}
    server = await start(workers=2)
    found = await written(environment)
    assert [body for body in acknowledged if found[body] != 1] == []
    assert max(found.values()) == 1
    # What was on its way when the end came may be there or not: at most one for each writer and end.
    assert len(found) - len(acknowledged) <= KILLS * len(WRITERS)
    assert_sound(environment, server)
