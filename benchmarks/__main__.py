"""`python -m benchmarks`: bare Quart, lists and search, a post's way, logins, on both databases."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from benchmarks import data, programs, report, stores
from benchmarks.data import Size
from benchmarks.exports import Exporting, exporting
from benchmarks.indexing import Writing, writing
from benchmarks.logins import Crowd, crowd
from benchmarks.rounds import Pace, Page, measure
from benchmarks.servers import serving
from benchmarks.sockets import Journeys, journeys
from benchmarks.translating import Translating, translating
from microblog.serving.process import fast_loop

_POSTS_SENT = 50
_PER_PAGE = 25
_IDLE_ROUNDS = 3
# As much as a question may hold, of words that are in most posts, and in vain.
_WORST_SEARCH = "/search?q=th*+an*+wi*+the+and+to+of+in+lang:tlh"
SMOKE = Size(people=30, posts=400, sockets=8, some=10, many=20, logins=5), Pace(4, 0.1, 1), 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    given = parser.parse_args()
    size, pace, posts = SMOKE if given.quick else (Size(), Pace(), _POSTS_SENT)
    with _folder(quick=given.quick) as folder, ExitStack() as stack:
        urls: dict[str, str] = {}
        if given.only != "postgresql":
            urls["SQLite"] = stack.enter_context(stores.sqlite(folder, size))
        if given.only != "sqlite":
            try:
                store = stores.postgresql(folder, size, keep=not given.quick)
                urls["PostgreSQL"] = stack.enter_context(store)
            except stores.NoServer as error:
                print(f"NO POSTGRESQL: {error}")
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            runner.run(_measure(urls, str(folder), size, pace, posts))


@contextmanager
def _folder(*, quick: bool) -> Iterator[Path]:
    """Where the data lies; smoke leaves none behind."""
    kept = Path(os.environ.get("BENCH_DATA", "build/bench")).resolve()
    kept.mkdir(parents=True, exist_ok=True)
    if not quick:
        yield kept
        return
    with tempfile.TemporaryDirectory(dir=kept) as scratch:
        yield Path(scratch)


async def _measure(urls: dict[str, str], folder: str, size: Size, pace: Pace, posts: int) -> None:
    print(*report.heading(size, pace), sep="\n", flush=True)
    async with AsyncExitStack() as stack:
        hello = Page("hello (bare Quart)", await stack.enter_async_context(serving("hello", {})))
        pages: list[Page] = []
        writes: list[Page] = []
        ways: dict[str, Journeys] = {}
        crowds: dict[str, Crowd] = {}
        exports: dict[str, Exporting] = {}
        writings: dict[str, Writing] = {}
        sites: dict[str, tuple[int, dict[str, str]]] = {}
        for database, url in urls.items():
            names = [data.READER, data.QUIET, data.KEEN, data.AUTHOR, *data.listeners(size)]
            await data.add_guests(url, folder, size)
            cookies = await data.cookies(url, folder, names)
            site = serving("site", data.environment(url, folder))
            sites[database] = await stack.enter_async_context(site), cookies
            busiest = await data.busiest(url, folder)
            pages += _pages(database, *sites[database], busiest, size)
            port, bearers = sites[database][0], await programs.bearers(url, folder)
            pages.append(programs.timeline(database, port, bearers[data.READER], posts=_PER_PAGE))
            writes += await programs.writes(database, port, cookies, bearers)
        await measure(hello, pages, pace)
        print("", *report.pages(hello, pages), "", sep="\n", flush=True)
        again, gentle = Page(hello.label, hello.port), programs.gentle(pace)
        await measure(again, writes, gentle)
        title = f"post, {gentle.connections} connections"
        print(*report.pages(again, writes, title), "", sep="\n", flush=True)
        for database, (port, cookies) in sites.items():
            listening = [cookies[name] for name in data.listeners(size)]
            ways[database] = await journeys(port, cookies[data.AUTHOR], listening, posts=posts)
        print(*report.journeys(ways, size), "", sep="\n", flush=True)
        for database, (port, cookies) in sites.items():
            crowds[database] = await crowd(
                port, cookies[data.READER], data.guests(size), idle_seconds=pace.seconds
            )
        for database, (port, cookies) in sites.items():
            exports[database] = await exporting(
                port,
                urls[database],
                folder,
                cookies[data.READER],
                cookies[data.AUTHOR],
                posts=size.posts,
                idle_seconds=_IDLE_ROUNDS * pace.seconds,
            )
    print(*report.crowds(crowds, size), "", sep="\n", flush=True)
    for database, url in urls.items():
        cookie = sites[database][1][data.AUTHOR]
        writings[database] = await writing(url, folder, cookie, number=posts)
    print(*report.writings(writings), "", sep="\n", flush=True)
    print(*report.exports(exports), "", sep="\n", flush=True)
    silences: dict[str, Translating] = {}
    for database, url in urls.items():
        reader = sites[database][1][data.READER]
        seconds = _IDLE_ROUNDS * pace.seconds
        silences[database] = await translating(url, folder, reader, idle_seconds=seconds)
    print(*report.silences(silences), sep="\n", flush=True)


def _pages(
    database: str, port: int, cookies: dict[str, str], busiest: str, size: Size
) -> list[Page]:
    return [
        Page(f"{database}: {label}", port, path, cookies[reader], posts)
        for label, path, reader, posts in (
            (f"home, follows {size.some}", "/", data.READER, _PER_PAGE),
            (f"home, follows {size.many}", "/", data.KEEN, _PER_PAGE),
            (f"home, follows {len(data.silent(size))} silent", "/", data.QUIET, 0),
            ("explore", "/explore", data.READER, _PER_PAGE),
            ("profile", f"/user/{busiest}", data.READER, _PER_PAGE),
            ("search, a common word", "/search?q=the", data.READER, _PER_PAGE),
            ("search, in vain", "/search?q=the+lang:tlh", data.READER, 0),
            ("search, the worst", _WORST_SEARCH, data.READER, 0),
        )
    ]


if __name__ == "__main__":
    main()
