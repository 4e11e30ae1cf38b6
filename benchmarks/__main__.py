"""`python -m benchmarks`: bare Quart, the lists, a post's way, many logins, on both databases."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from benchmarks import data, report, stores
from benchmarks.data import Size
from benchmarks.logins import Crowd, crowd
from benchmarks.rounds import Pace, Page, measure
from benchmarks.servers import serving
from benchmarks.sockets import Journeys, journeys
from microblog.serving.process import fast_loop

_POSTS_SENT = 50
_PER_PAGE = 25
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
        ways: dict[str, Journeys] = {}
        crowds: dict[str, Crowd] = {}
        sites: dict[str, tuple[int, dict[str, str]]] = {}
        for database, url in urls.items():
            names = [data.READER, data.QUIET, data.KEEN, data.AUTHOR, *data.listeners(size)]
            await data.add_guests(url, folder, size)
            cookies = await data.cookies(url, folder, names)
            site = serving("site", data.environment(url, folder))
            sites[database] = await stack.enter_async_context(site), cookies
            busiest = await data.busiest(url, folder)
            pages += _pages(database, *sites[database], busiest, size)
        await measure(hello, pages, pace)
        print("", *report.pages(hello, pages), "", sep="\n", flush=True)
        for database, (port, cookies) in sites.items():
            listening = [cookies[name] for name in data.listeners(size)]
            ways[database] = await journeys(port, cookies[data.AUTHOR], listening, posts=posts)
        print(*report.journeys(ways, size), "", sep="\n", flush=True)
        for database, (port, cookies) in sites.items():
            crowds[database] = await crowd(
                port, cookies[data.READER], data.guests(size), idle_seconds=pace.seconds
            )
    print(*report.crowds(crowds, size), sep="\n", flush=True)


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
        )
    ]


if __name__ == "__main__":
    main()
