"""The network of all readers is cut while others post: afterwards each has every post once."""

import asyncio
import time

from benchmarks import town
from benchmarks.feeds import reading
from benchmarks.lag import Lag, spread
from benchmarks.relay import wire
from benchmarks.scenarios import Verdict
from benchmarks.town import POSTERS, Town
from benchmarks.visitors import steady

# At first nothing gets through although all connections seem well; what is lost then is lost.
_SILENT = 0.1
_POSTERS = 2
# Between two posts of one person, while all are connected.
_QUIET_SECONDS = 1.0
_PATIENCE_SECONDS = 180


def scenario(quick: bool) -> Verdict:
    readers, seconds, posts = (20, 1.0, 20) if quick else (1_000, 60.0, 500)
    with town.on_sqlite() as site:
        return town.run(_measure(site, readers, seconds, posts), seconds=500 + 2 * seconds)


async def _measure(site: Town, readers: int, seconds: float, posts: int) -> Verdict:
    # Twice as fast as needed, as answers take their time too; at the end the rest is waited for.
    pause = seconds * _POSTERS / posts / 2
    async with (
        site.served() as server,
        wire(town.port(server)) as (far, say),
        steady(
            town.port(server), site.cookies, POSTERS[:_POSTERS], readers=2, pause=_QUIET_SECONDS
        ) as load,
        reading(far, site.listeners, readers, load.sent) as feed,
        Lag() as lag,
    ):
        begun = len(load.sent)
        await load.reach(len(load.acknowledged) + 5)
        feed.delays.clear()
        before, known = len(load.answers), len(load.acknowledged)
        load.pause = pause
        await say("hush")
        began = time.perf_counter()
        await asyncio.sleep(_SILENT * seconds)
        await say("cut")
        await asyncio.sleep((1 - _SILENT) * seconds)
        await load.reach(known + posts)
        away, meanwhile = time.perf_counter() - began, len(load.acknowledged) - known
        during = [answer.seconds for answer in load.answers[before:]]
        load.stop()
        arrived = len(feed.delays)
        began = time.perf_counter()
        await say("mend")
        await feed.all_open(_PATIENCE_SECONDS)
        opened = time.perf_counter() - began
        texts = load.news(begun)
        await feed.all_seen(texts, _PATIENCE_SECONDS)
        caught_up = time.perf_counter() - began
        # Whatever is said twice has time to arrive.
        await asyncio.sleep(0.5)
        lost, doubled, gaps = feed.faults(texts)
    failed = sum(answer.failed for answer in load.answers)
    print(f"  {readers:,} readers, {away:.1f} s without a network, {meanwhile} posts meanwhile")
    print(f"  {len(texts)} posts to all: lost {lost}, doubled {doubled}, gaps {gaps}")
    print(f"  all connected after {opened:.2f} s, all had everything after {caught_up:.2f} s")
    print(
        f"  {sum(feed.refusals.values()):,} tries to connect failed; {arrived} frames came through"
    )
    print(f"  others' answers meanwhile: {spread(during)}; failed {failed}")
    print(f"  {lag}")
    return Verdict(not (lost or doubled or gaps or failed) and meanwhile >= posts)
