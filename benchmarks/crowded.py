"""Home while a thousand sockets are open and people post without pause, against home without both.

    python -m benchmarks.crowded [--sockets 1000] [--rate 50] [--turns 3] [--database-url URL]

Stretches with and without the crowd take turns. The crowd (the sockets and the writers) is a
process of its own, so that the readers, whose seconds count, do not wait for it; both print how
late their own loops were. A post reaches one socket in ten, as where many follow some; then all of
them, which is as bad as it can be. Ends with status 1 where the former is beyond its goal.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import insert, select

from benchmarks import client, data, stores
from benchmarks.client import Line
from benchmarks.data import Size
from benchmarks.lag import Lag, spread
from benchmarks.logins import Readers
from benchmarks.report import percentile
from benchmarks.servers import serving
from benchmarks.sockets import Arrivals, open_all
from microblog.database import Database
from microblog.models import Follow, User
from microblog.serving.process import fast_loop
from microblog.settings import NO_FILE, load

GOAL = 1.5
SOCKETS, RATE = 1_000, 50
_ROOT = Path(__file__).parents[1]
_READERS = 2
_LOOKING_SECONDS = 0.02
_SECONDS = 8.0
_SETTLE_SECONDS = 1.0
_PATIENCE_SECONDS = 120
# So many write in turn, on connections of their own.
_WRITERS = 10
_PEOPLE, _POSTS = 60, 800


@dataclass
class Crowded:
    """Seconds of each page without the crowd and with it; what the crowd and the readers tell."""

    reach: int
    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The slowest of a hundred by the slowest of a hundred."""
        return percentile(self.beside, 99) / percentile(self.without, 99)


def town(sockets: int = SOCKETS) -> Size:
    """Whose sockets are open, and people who write."""
    return Size(people=_PEOPLE, posts=_POSTS, sockets=sockets, some=10, many=20, logins=1)


async def measure(
    url: str,
    folder: str,
    *,
    size: Size,
    reach: int = 10,
    rate: float = RATE,
    turns: int = 3,
    seconds: float = _SECONDS,
) -> Crowded:
    """So many turns of both, at a server of its own. A post reaches one socket in ``reach``."""
    writers = await _writers(url, folder, size, reach)
    tokens = await data.access_tokens(url, folder, writers)
    cookies = await data.cookies(url, folder, [data.READER, *data.listeners(size)])
    found = Crowded(reach)
    home = client.head("GET", "/", f"Cookie: {cookies.pop(data.READER)}")
    async with serving("site", data.environment(url, folder)) as port:
        given = {"port": port, "cookies": list(cookies.values()), "rate": rate}
        given["tokens"] = list(tokens.values())
        await _read(port, home, _SETTLE_SECONDS)
        for _ in range(turns):
            found.without += await _read(port, home, seconds)
            async with _crowd(given) as leave:
                busy = _processor(port)
                began = time.perf_counter()
                async with Lag() as lag:
                    found.beside += await _read(port, home, seconds)
                share = (_processor(port) - busy) / (time.perf_counter() - began)
                crowd = await leave()
            found.told.append(f"server busy {share:.0%}; {crowd}; readers: {lag}")
            await asyncio.sleep(_SETTLE_SECONDS)
    return found


async def _read(port: int, page: bytes, seconds: float) -> list[float]:
    readers = Readers([page], pause=_LOOKING_SECONDS)
    lines = [await Line.opened(port) for _ in range(_READERS)]
    try:
        async with asyncio.TaskGroup() as group:
            for first, line in enumerate(lines):
                group.create_task(readers.read(line, first))
            began = time.perf_counter()
            await asyncio.sleep(seconds)
            readers.stop()
        return readers.between(began, began + seconds)
    finally:
        for line in lines:
            line.close()


def _processor(port: int) -> float:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(c.laddr.port == port and c.status == "LISTEN" for c in child.net_connections()):
                return float(sum(child.cpu_times()[:2]))
    raise RuntimeError(f"nobody listens on port {port}")


async def _writers(url: str, folder: str, size: Size, reach: int) -> list[str]:
    """Some of the town, each followed by one listener in ``reach``, and by nobody else of them."""
    settings = load(NO_FILE, data.environment(url, folder))
    database = Database(settings.database_url, settings.database)
    names = [data.READER, data.QUIET, data.KEEN, data.AUTHOR, *data.listeners(size)]
    try:
        async with database.begin() as session:
            found = await session.execute(
                select(User.id, User.username).where(User.username.not_in(names)).order_by(User.id)
            )
            # Each amount of followers has writers of its own.
            writers = found.all()[:: -1 if reach == 1 else 1][:_WRITERS]
            listeners = await session.scalars(
                select(User.id).where(User.username.in_(data.listeners(size))).order_by(User.id)
            )
            follows = [
                {"follower_id": listener, "followed_id": writer}
                for turn, listener in enumerate(listeners.all())
                for number, (writer, _) in enumerate(writers)
                if (turn + number) % reach == 0
            ]
            await session.execute(insert(Follow), follows)
            return [name for _, name in writers]
    finally:
        await database.close()


@asynccontextmanager
async def _crowd(given: dict[str, Any]) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """The other process, once its sockets are open and its writers write; how to let it leave."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.crowded", "--be-the-crowd"),
        cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    output = process.stdout

    async def line() -> str:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            told = await output.readline()
        if not told:
            raise RuntimeError("the crowd has gone")
        return told.decode().strip()

    async def leave() -> str:
        process.stdin.write_eof()  # type: ignore[union-attr]  # it is a pipe
        return await line()

    try:
        process.stdin.write(json.dumps(given).encode() + b"\n")
        await line()
        yield leave
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def be_the_crowd() -> None:
    """Open the sockets, post until the input ends, and tell how that went."""
    reader = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    given = json.loads(await reader.readline())
    arrivals = _Counting(len(given["cookies"]))
    listening = await open_all(given["port"], given["cookies"], arrivals)
    posters = [await _Poster.opened(given["port"], token) for token in given["tokens"]]
    print("open", flush=True)
    ended = asyncio.create_task(reader.read())
    began, busy = time.perf_counter(), _work()
    async with Lag() as lag:
        await _post(posters, given["rate"], ended)
    seconds = time.perf_counter() - began
    answers = [answer for poster in posters for answer in poster.answers]
    work = (_work() - busy) / seconds
    print(
        f"{len(answers) / seconds:.0f} posts/s ({spread(answers)}), "
        f"{arrivals.number / seconds:,.0f} arrivals/s; crowd: {lag}, busy {work:.0%}",
        flush=True,
    )
    for each in listening:
        each.transport.abort()


def _work() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


async def _post(posters: "Sequence[_Poster]", rate: float, ended: asyncio.Task[bytes]) -> None:
    """At an even pace, whether answers come or not; a writer who still waits skips a turn."""
    due, turn = time.perf_counter(), 0
    tasks: set[asyncio.Task[None]] = set()
    while not ended.done():
        poster = posters[turn % len(posters)]
        if poster.is_free:
            task = asyncio.create_task(poster.post(f"Number {turn} of many."))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        turn += 1
        due += 1 / rate
        await asyncio.wait({ended}, timeout=max(0.0, due - time.perf_counter()))
    await asyncio.gather(*tasks)


class _Counting(Arrivals):
    """Counts everything that arrives."""

    def __init__(self, sockets: int) -> None:
        super().__init__(sockets)
        self.number = 0

    def note(self, payload: bytes) -> None:
        self.number += b'"post' in payload


@dataclass
class _Poster:
    """A program that writes with its token, one post after the other."""

    line: Line
    token: str
    answers: list[float] = field(default_factory=list)
    is_free: bool = True

    @classmethod
    async def opened(cls, port: int, token: str) -> "_Poster":
        return cls(await Line.opened(port), token)

    async def post(self, text: str) -> None:
        self.is_free = False
        body = json.dumps({"body": text}).encode()
        lines = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        began = time.perf_counter()
        asked = client.head("POST", "/api/posts", f"Authorization: Bearer {self.token}", *lines)
        status, answer = await self.line.ask(asked + body)
        if status != 201:
            raise RuntimeError(f"a post was refused: {status} {answer[:200]!r}")
        self.answers.append(time.perf_counter() - began)
        self.is_free = True


def lines(found: Crowded, size: Size, rate: float) -> list[str]:
    """The two stretches, the ratio, and what was told."""
    who = "all sockets" if found.reach == 1 else f"one socket in {found.reach}"
    goal = "" if found.reach == 1 else f"   <={GOAL}"
    told = [
        f"home beside {size.sockets:,} sockets, {rate:g} posts/s to {who}",
        f"{'without':36} {spread(found.without)} ({len(found.without):,} pages)",
        f"{'beside the crowd':36} {spread(found.beside)} ({len(found.beside):,} pages)",
        f"{'ratio of the p99':36} {found.ratio:8.2f}{goal}",
    ]
    return [*told, *(f"  {each}" for each in found.told)]


async def _print(url: str, folder: str, given: argparse.Namespace) -> bool:
    size, ratios = town(given.sockets), []
    for reach in (10, 1):
        work = measure(url, folder, size=size, reach=reach, rate=given.rate, turns=given.turns)
        found = await work
        print(*lines(found, size, given.rate), "", sep="\n", flush=True)
        ratios.append(found.ratio)
    return ratios[0] <= GOAL


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowded", description=__doc__)
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--be-the-crowd", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if given.be_the_crowd:
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            runner.run(be_the_crowd())
        return
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        size = town(given.sockets)
        url = given.database_url or stack.enter_context(stores.sqlite(Path(scratch), size))
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            good = runner.run(_print(url, scratch, given))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
