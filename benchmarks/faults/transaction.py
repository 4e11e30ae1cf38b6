"""PostgreSQL: somebody holds a transaction open that will say something, and others go on."""

import asyncio
import time
from collections.abc import Awaitable

from benchmarks import data, town
from benchmarks.feeds import reading
from benchmarks.lag import Lag, spread
from benchmarks.scenarios import Verdict
from benchmarks.town import POSTERS, Town
from benchmarks.visitors import Answer, steady
from microblog.database import Database
from microblog.domain import posts, users
from microblog.domain.actors import Actor
from microblog.settings import NO_FILE, load

_HELD = "Said at first, and committed at last."
_READERS = 20
# What the decision log promises: nobody waits for a transaction that is open.
GOAL_RATIO = 2.0


def scenario(quick: bool) -> Verdict:
    number, seconds = (20, 1.0) if quick else (500, 10.0)
    with town.on_postgresql() as (site, _):
        return town.run(_measure(site, number, seconds), seconds=240)


async def _measure(site: Town, number: int, seconds: float) -> Verdict:
    # Twice as many posts in the time as are to be shown, if the machine can do that.
    pause = seconds * len(POSTERS) / number / 2
    async with (
        site.served(workers=2) as server,
        steady(town.port(server), site.cookies, POSTERS, readers=0, pause=pause) as writing,
        reading(town.port(server), site.listeners, _READERS, writing.sent) as feed,
        Lag() as lag,
    ):
        # The first ones warm up.
        await writing.reach(_some(number))
        answers, delays = len(writing.answers), len(feed.delays)
        await writing.reach(len(writing.acknowledged) + _some(number))
        quiet, before = _seconds(writing.answers[answers:]), feed.delays[delays:]
        answers, delays = len(writing.answers), len(feed.delays)
        begun, known = len(writing.sent), len(writing.acknowledged)
        held = await _hold(site, seconds, writing.reach(known + number))
        during, beside = _seconds(writing.answers[answers:]), len(writing.acknowledged) - known
        writing.stop()
        await asyncio.sleep(2 * pause + 0.5)
        texts = writing.news(begun) | {_HELD}
        late = await feed.all_seen(texts, seconds=30)
        lost, doubled, gaps = feed.faults(texts)
    ratio = _middle(during) / _middle(quiet)
    print(f"  a transaction held open for {held:.1f} s, {beside} posts committed meanwhile")
    print(
        f"  {len(texts):,} posts, {_READERS} readers: lost {lost}, doubled {doubled}, gaps {gaps}"
    )
    print(f"  the last of them was there {late:.2f} s after the last post")
    print(f"  answers before: {spread(quiet)}")
    print(f"  answers during: {spread(during)}; ratio of the middle {ratio:.2f}")
    print(f"  to each reader before: {spread(before)}")
    print(f"  to each reader during and after: {spread(feed.delays[delays:])}")
    print(f"  {lag}")
    failed = sum(answer.failed for answer in writing.answers)
    sound = not (lost or doubled or gaps or failed)
    return Verdict(sound, ratio <= GOAL_RATIO)


async def _hold(site: Town, seconds: float, others: Awaitable[None]) -> float:
    """What a slow unit of work of the service does: it writes, and dawdles before its commit.

    It does so for at least these seconds, and until the others have done; returns how long.
    """
    settings = load(NO_FILE, site.environment)
    database = Database(settings.database_url, settings.database)
    began = time.perf_counter()
    try:
        async with database.begin() as session:
            author = await users.by_username(session, data.listeners(town.SIZE)[0])
            actor = Actor(author.id, author.username)
            await posts.publish(session, actor, _HELD, length=500)
            await asyncio.gather(asyncio.sleep(seconds), others)
        return time.perf_counter() - began
    finally:
        await database.close()


def _some(number: int) -> int:
    return max(20, number // 10)


def _seconds(answers: list[Answer]) -> list[float]:
    return [answer.seconds for answer in answers]


def _middle(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]
