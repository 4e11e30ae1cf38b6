"""Memory of one worker over rounds of requests: pages, the API and some posts, of several people.

As in life, what lies behind a menu is asked for less often than the lists: by everybody once in
each round, which is enough for it to leave behind what it leaves.

    python -m benchmarks.memory [--rounds 5] [--requests 20000] [--database-url URL]

The first round fills the caches, so the last is compared with the second. It ends with status 1
where the growth is beyond its goal. Without a URL it makes a small town of its own on SQLite.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from pathlib import Path

import psutil

from benchmarks import client, data, programs, stores
from benchmarks.client import Line
from benchmarks.data import Size
from benchmarks.servers import serving
from benchmarks.stage import patient
from microblog.serving.process import fast_loop

GOAL = 1.05
REQUESTS, ROUNDS = 20_000, 5
_CONNECTIONS = 8
# One request in so many is a post, and one in so many is for what is seldom asked for.
_POST_EACH, _SELDOM_EACH = 50, 50
_SIZE = Size(people=30, posts=400, sockets=40, some=10, many=20, logins=1)
_OFTEN = (*("/",) * 6, "/explore", *("/avatar/3?size=96",) * 3)
_SELDOM = (
    *("/?page=2", "/search?q=the", "/messages", "/notifications?since=0"),
    *("/account", "/edit_profile", "/nowhere"),
)
_API_OFTEN = (*("/api/timeline",) * 4, "/api/posts?limit=10")
_API_SELDOM = ("/api/users?per_page=10", "/api/nowhere")


@dataclass
class Memory:
    """Bytes that the worker holds: at the start, and after each round; how long that one took."""

    before: int
    after: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """The last round against the second, or against the first where there is no other."""
        return self.after[-1] / self.after[min(1, len(self.after) - 1)]


@dataclass(frozen=True)
class _Question:
    asked: bytes
    statuses: tuple[int, ...] = (200, 404)


async def measure(
    url: str, folder: str, *, requests: int = REQUESTS, rounds: int = ROUNDS, listeners: int = 40
) -> Memory:
    """Ask a server of its own for so many answers, round after round.

    So many of those who listen elsewhere read here, each with a login of their own.
    """
    names = [data.READER, data.KEEN, *data.listeners(_SIZE)[:listeners]]
    cookies = await data.cookies(url, folder, names)
    bearers = await programs.bearers(url, folder)
    async with serving("site", patient(url, folder)) as port:
        writes = await programs.writes("", port, cookies, bearers)
        posts = [_Question(page.request, (page.status,)) for page in writes]
        process = _listener(port)
        found = Memory(process.memory_info().rss)
        # Who follows thousands reads all anew after each post; here they only write.
        readers = [cookie for name, cookie in cookies.items() if name != data.KEEN]
        questions = _mixed(readers, bearers[data.READER], posts)
        for _ in range(rounds):
            began = time.perf_counter()
            await _round(port, questions, requests)
            found.seconds.append(time.perf_counter() - began)
            found.after.append(process.memory_info().rss)
    return found


def _mixed(cookies: Sequence[str], bearer: str, posts: Sequence[_Question]) -> Iterator[_Question]:
    """Every person and every path come by again and again, in an order in which they mix."""
    often = _reading(cookies, bearer, _OFTEN, _API_OFTEN)
    seldom = _reading(cookies, bearer, _SELDOM, _API_SELDOM)
    writing = cycle(posts)
    for turn in count(1):
        if turn % _POST_EACH == 0:
            yield next(writing)
        else:
            yield next(seldom if turn % _SELDOM_EACH == 1 else often)


def _reading(
    cookies: Sequence[str], bearer: str, paths: Sequence[str], api_paths: Sequence[str]
) -> Iterator[_Question]:
    reads = [
        _Question(client.head("GET", path, f"Cookie: {cookie}"))
        for cookie in cookies
        for path in paths
    ]
    reads += [_Question(client.head("GET", path, bearer)) for path in api_paths * len(cookies)]
    return cycle(reads[start] for start in _shuffled(len(reads)))


def _shuffled(length: int) -> list[int]:
    # Multiples of a prime: each number once, neighbours far apart.
    return [(turn * 7919) % length for turn in range(length)]


async def _round(port: int, questions: Iterator[_Question], requests: int) -> None:
    ours = islice(questions, requests)

    async def ask() -> None:
        line = await Line.opened(port)
        try:
            for question in ours:
                status, _ = await line.ask(question.asked)
                if status not in question.statuses:
                    first = question.asked.partition(b"\r")[0].decode()
                    raise RuntimeError(f"{first}: refused with {status}")
        finally:
            line.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(ask())


def _listener(port: int) -> psutil.Process:
    for child in psutil.Process().children(recursive=True):
        if any(c.laddr.port == port for c in child.net_connections() if c.status == "LISTEN"):
            return child
    raise RuntimeError(f"nobody listens on port {port}")


def lines(found: Memory, requests: int) -> list[str]:
    """A line for each round, and how much that grew."""
    told = [f"{'memory of one worker':36} {found.before / 2**20:8.1f} MiB at first"]
    for number, (size, seconds) in enumerate(zip(found.after, found.seconds, strict=True), 1):
        label = f"after {number * requests:,} requests"
        told.append(f"{label:36} {size / 2**20:8.1f} MiB   ({requests / seconds:,.0f}/s)")
    growth = f"{(found.growth - 1) * 100:+8.1f} %"
    return [*told, f"{'growth since the second round':36} {growth}     <{(GOAL - 1) * 100:g} %"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--database-url", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        url = given.database_url or stack.enter_context(stores.sqlite(Path(scratch), _SIZE))
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            work = measure(url, scratch, requests=given.requests, rounds=given.rounds)
            found = runner.run(work)
    print(*lines(found, given.requests), sep="\n")
    sys.exit(0 if found.growth <= GOAL else 1)


if __name__ == "__main__":
    main()
