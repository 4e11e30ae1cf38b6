"""Bytes over the wire of the home page with 25 posts: on a first visit, and on the next one.

    python -m benchmarks.weight [--each]

Chromium counts them: heads and bodies, packed as they come, of the page and of everything that it
asks for, to its very end. The second visit has the first one's cache. It ends with status 1 where
a sum is beyond its goal. The town is a small one of its own, on SQLite.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext

from benchmarks import data, stores
from benchmarks.browsing import address, chromium, visitor
from benchmarks.data import Size
from benchmarks.servers import serving

FIRST_GOAL_KB, SECOND_GOAL_KB = 60.0, 12.0
POSTS = 25
# Playwright's patience with a page that asks for more and more.
_LOOK_SECONDS = 0.02
_PATIENCE_MS = 30_000
# Whom the reader follows are so many that hardly anybody has two of the posts, or two pictures.
_SIZE = Size(people=300, posts=3_000, sockets=8, some=100, many=200, logins=1)
_TO_THE_END = "window.scrollTo(0, document.documentElement.scrollHeight)"


@dataclass(frozen=True)
class Weight:
    """Bytes by address, on the first visit and on the second; what came from a cache has none."""

    first: Counter[str]
    second: Counter[str]

    @property
    def first_kb(self) -> float:
        return self.first.total() / 1000

    @property
    def second_kb(self) -> float:
        return self.second.total() / 1000

    @property
    def good(self) -> bool:
        """Whether both are within their goals."""
        return self.first_kb <= FIRST_GOAL_KB and self.second_kb <= SECOND_GOAL_KB


async def measure(browser: Browser, port: int, cookie: str) -> Weight:
    """Both visits of somebody new."""
    async with visitor(browser, port, cookie) as context:
        first = await _visit(context, port)
        return Weight(first, await _visit(context, port))


async def _visit(context: BrowserContext, port: int) -> Counter[str]:
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    addresses: dict[str, str] = {}
    bytes_by_address: Counter[str] = Counter()

    def asked(event: dict[str, Any]) -> None:
        addresses[event["requestId"]] = urlsplit(event["request"]["url"]).path

    def came(event: dict[str, Any]) -> None:
        bytes_by_address[addresses[event["requestId"]]] += int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", came)
    await session.send("Network.enable")
    await page.goto(address(port), wait_until="networkidle", timeout=_PATIENCE_MS)
    # Pictures further down come when they are near.
    await page.evaluate(_TO_THE_END)
    await page.wait_for_load_state("networkidle", timeout=_PATIENCE_MS)
    loaded = "[...document.images].every((one) => one.complete && one.naturalWidth > 0)"
    async with asyncio.timeout(_PATIENCE_MS / 1000):
        # The page's own policy forbids what Playwright would wait with.
        while not await page.evaluate(loaded):
            await asyncio.sleep(_LOOK_SECONDS)
    shown = await page.locator("[data-post-id]").count()
    await page.close()
    if shown != POSTS:
        raise RuntimeError(f"{shown} posts instead of {POSTS}")
    return bytes_by_address


def lines(weight: Weight) -> list[str]:
    """A line for each visit."""
    return [
        f"{'bytes of home, first visit':36} {weight.first_kb:8.1f} kB   <={FIRST_GOAL_KB:g}",
        f"{'bytes of home, second visit':36} {weight.second_kb:8.1f} kB   <={SECOND_GOAL_KB:g}",
    ]


async def _print(url: str, folder: str, *, each: bool) -> bool:
    cookies = await data.cookies(url, folder, [data.READER])
    async with serving("site", data.environment(url, folder)) as port, chromium() as browser:
        weight = await measure(browser, port, cookies[data.READER])
    print(*lines(weight), sep="\n")
    if each:
        for visit in (weight.first, weight.second):
            print(*(f"{size:8,} {path}" for path, size in visit.most_common()), "", sep="\n")
    return weight.good


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weight", description=__doc__)
    parser.add_argument("--each", action="store_true", help="name everything that came")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        url = stack.enter_context(stores.sqlite(Path(scratch), _SIZE))
        good = asyncio.run(_print(url, scratch, each=given.each))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
