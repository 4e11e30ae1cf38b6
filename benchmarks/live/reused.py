"""Sockets that only wait, one post to very many, and readers that never read.

Each is a measurement of its own as well, and prints its own table.
"""

from benchmarks import fanout, idle, town
from benchmarks.lag import Lag
from benchmarks.scenarios import Verdict
from benchmarks.town import Town

_LIMIT_SECONDS = 1_800


def idle_sockets(quick: bool) -> Verdict:
    """Memory of each, and the pages beside them, which may take 1.5 times as long."""
    numbers, rounds, seconds = ([100], 1, 0.5) if quick else ([1_000, 5_000, 10_000], 5, 8.0)
    with town.apart(idle.SIZE) as (url, folder):
        work = idle.measure(url, folder, numbers, rounds, seconds)
        return Verdict(True, town.run(work, seconds=_LIMIT_SECONDS))


def fan_out(quick: bool) -> Verdict:
    """From the sending of a post until the last has it."""
    numbers, posts = ([50], 5) if quick else ([1_000, 5_000], 40)
    with town.on_sqlite() as site:
        return town.run(_posts(site, numbers, posts, 0, 0), seconds=_LIMIT_SECONDS)


def stuck_readers(quick: bool) -> Verdict:
    """The same beside readers that never read: 1.2 times as long at most."""
    posts, stuck, readers = (5, 10, 50) if quick else (40, 200, 1_000)
    with town.on_sqlite() as site:
        return town.run(_posts(site, [], posts, stuck, readers), seconds=_LIMIT_SECONDS)


async def _posts(site: Town, numbers: list[int], posts: int, stuck: int, readers: int) -> Verdict:
    async with Lag() as lag:
        in_time = await fanout.measure(
            site.url, str(site.folder), numbers, posts=posts, stuck=stuck, readers=readers
        )
    print(f"  {lag}")
    return Verdict(True, in_time)
