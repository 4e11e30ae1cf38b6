"""PostgreSQL is killed under load, is away for a while, and starts again."""

import asyncio

from benchmarks import town
from benchmarks.feeds import reading
from benchmarks.lag import Lag, spread
from benchmarks.scenarios import Verdict
from benchmarks.town import POSTERS, Town
from benchmarks.visitors import steady
from tests.mortal import Postgres
from tests.processes.writing import written

GOAL_SECONDS = 5.0
_WORKERS = 2
_PAUSE_SECONDS = 0.02
# So many answers in a row without a failure, and all is well again.
_IN_A_ROW = 50


def scenario(kills: int) -> Verdict:
    away, sockets = (2.0, 100) if kills > 1 else (0.5, 10)
    with town.on_postgresql() as (site, server):
        work = _measure(site, server, kills, away, sockets)
        return town.run(work, seconds=120 + kills * 60)


async def _measure(
    site: Town, postgres: Postgres, kills: int, away: float, sockets: int
) -> Verdict:
    recoveries = []
    async with (
        site.served(_WORKERS) as server,
        steady(town.port(server), site.cookies, POSTERS, readers=4, pause=_PAUSE_SECONDS) as load,
        reading(town.port(server), site.listeners, sockets, load.sent) as feed,
        Lag() as lag,
    ):
        pids = await town.all_workers(server, _WORKERS)
        begun = len(load.sent)
        for _ in range(kills):
            await load.reach(len(load.acknowledged) + 50)
            await asyncio.to_thread(postgres.die)
            await asyncio.sleep(away)
            await asyncio.to_thread(postgres.start)
            recoveries.append(await load.recovered(_IN_A_ROW))
        load.stop()
        await asyncio.sleep(1)
        texts = load.news(begun)
        await feed.all_seen(texts, seconds=30)
        lost, doubled, gaps = feed.faults(texts)
        stayed = town.workers(server) == pids
    found = await written(site.environment)
    gone = sum(not found[text] for text in load.acknowledged)
    twice = sum(found[text] > 1 for text in load.sent)
    statuses = sorted({answer.status for answer in load.answers if answer.failed})
    failed = [answer.seconds for answer in load.answers if answer.failed]
    print(f"  {kills} times killed and {away:g} s away, {_WORKERS} processes, {sockets} sockets")
    print(f"  well again after it accepts connections: {spread(recoveries)}")
    print(f"  refused meanwhile: {len(failed):,} with {statuses}, each in {spread(failed)}")
    print(f"  acknowledged {len(load.acknowledged):,}: lost {gone}, doubled {twice}")
    print(f"  at the readers: lost {lost}, doubled {doubled}, gaps {gaps}")
    print(f"  sockets closed by {dict(feed.ends)}; tries that failed {dict(feed.refusals)}")
    print(f"  the serving processes {'are the same' if stayed else 'WERE REPLACED'}")
    print(f"  {lag}")
    sound = not (gone or twice or lost or doubled or gaps) and stayed and statuses in ([], [503])
    return Verdict(sound and bool(texts), max(recoveries) <= GOAL_SECONDS)
