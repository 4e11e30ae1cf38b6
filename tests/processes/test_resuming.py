"""A reader on a bad line, eight writers, two serving processes: each post is seen once."""

import asyncio

import pytest

from tests.processes.conftest import Start
from tests.processes.serving import Member, people
from tests.processes.writing import Traveller, Writers

WRITERS = [f"writer{number}" for number in range(8)]
POSTS = 200
BREAKS = 20


@pytest.mark.timeout(300)
async def test_after_resuming_each_post_was_seen_once(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    await people(environment, password_hash, "reader", *WRITERS)
    server = await start(workers=2)
    async with Member.logged_in(server, "reader") as reader, Writers.at(server, WRITERS) as writers:
        travellers = [Traveller(reader, BREAKS) for _ in range(2)]
        reading = [asyncio.create_task(traveller.read(POSTS)) for traveller in travellers]
        async with asyncio.timeout(240):
            while any(traveller.last is None for traveller in travellers):
                await asyncio.sleep(0.01)
            await writers.write(POSTS // len(WRITERS))
            await asyncio.gather(*reading)
    assert writers.failures == []
    assert len(writers.acknowledged) == POSTS
    for traveller in travellers:
        assert traveller.broken >= BREAKS
        assert sorted(traveller.bodies) == sorted(writers.acknowledged)
        assert traveller.gaps == 0


async def test_over_a_restart(
    start: Start, environment: dict[str, str], password_hash: str
) -> None:
    """The number that one server gave holds at the next, for what happened around the restart."""
    await people(environment, password_hash, "reader", "writer")
    server = await start(workers=1)
    async with Writers.at(server, ["writer"], "before ") as writers:
        traveller = Traveller(writers.members[0], 0)
        reading = asyncio.create_task(traveller.read(5))
        while traveller.last is None:
            await asyncio.sleep(0.01)
        await writers.write(5)
        await asyncio.wait_for(reading, 20)
        await writers.members[0].publish("missed")
    assert (await asyncio.to_thread(server.stop))[0] == 0
    server = await start(workers=1)
    async with Writers.at(server, ["writer"], "after ") as writers:
        traveller.member = writers.members[0]
        await writers.write(1)
        await asyncio.wait_for(traveller.read(7), 20)
    assert traveller.bodies[-2:] == ["missed", "after writer 0"]
    assert (traveller.gaps, traveller.repeated) == (0, 0)
