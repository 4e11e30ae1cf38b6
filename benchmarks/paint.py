"""What somebody with a slow computer sees of the home page: when it is there, and whether it jumps.

    python -m benchmarks.paint [--loads 5]

Chromium with its processor slowed down four times, each load as somebody who has never been here:
the largest paint, the sum of all layout shifts, and for how long tasks of more than 50 ms kept the
page from answering once it was there. Medians. It ends with status 1 where one is beyond its goal.
"""

import argparse
import asyncio
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from playwright.async_api import Browser

from benchmarks import data, stores
from benchmarks.browsing import WIDE, address, chromium, visitor
from benchmarks.data import Size
from benchmarks.servers import serving

LARGEST_GOAL_SECONDS, SHIFT_GOAL, BLOCKED_GOAL_MS = 0.8, 0.0, 0.0
LOADS = 5
SLOWER = 4
_PATIENCE_MS = 30_000
# As much as `demo fill` makes by itself.
_SIZE = Size(people=40, posts=2_000, sockets=8, some=20, many=30, logins=1)
_WATCH = """
window.seen = { largest: 0, shift: 0, tasks: [] };
const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
  .observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => { seen.largest = entry.startTime; });
watch("layout-shift", (entry) => { seen.shift += entry.hadRecentInput ? 0 : entry.value; });
watch("longtask", ({ startTime, duration }) => { seen.tasks.push([startTime, duration]); });
"""
# Total Blocking Time, as web.dev and Lighthouse have it: of each task what is beyond 50 ms, and
# only from the first paint on, as before it there is nothing that could answer.
_BLOCKED = """
(() => {
  const [{ startTime: painted }] = performance.getEntriesByName("first-contentful-paint");
  const after = ([start, duration]) => start + duration - Math.max(start, painted);
  return seen.tasks.reduce((sum, task) => sum + Math.max(0, after(task) - 50), 0);
})()
"""
# Two frames after the last request: what was to be painted has been.
_SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@dataclass
class Paint:
    """Of each load: seconds to the largest paint, the layout's shift, milliseconds blocked."""

    largest: list[float] = field(default_factory=list)
    shift: list[float] = field(default_factory=list)
    blocked: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether the middle ones are all within their goals."""
        return (
            median(self.largest) <= LARGEST_GOAL_SECONDS
            and median(self.shift) <= SHIFT_GOAL
            and median(self.blocked) <= BLOCKED_GOAL_MS
        )


async def measure(
    browser: Browser,
    port: int,
    cookie: str,
    *,
    loads: int = LOADS,
    slower: float = SLOWER,
    width: int = WIDE,
) -> Paint:
    """Load the home page so often; once more before, for the server's own first time."""
    found = Paint()
    for turn in range(loads + 1):
        largest, shift, blocked = await _load(browser, port, cookie, slower, width)
        if turn:
            found.largest.append(largest)
            found.shift.append(shift)
            found.blocked.append(blocked)
    return found


async def _load(
    browser: Browser, port: int, cookie: str, slower: float, width: int
) -> tuple[float, float, float]:
    async with visitor(browser, port, cookie, width=width) as context:
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        await page.add_init_script(_WATCH)
        await page.goto(address(port), wait_until="networkidle", timeout=_PATIENCE_MS)
        await page.evaluate(_SETTLED)
        seen = await page.evaluate("seen")
        blocked = float(await page.evaluate(_BLOCKED))
    if not seen["largest"]:
        raise RuntimeError("nothing was painted")
    return seen["largest"] / 1000, seen["shift"], blocked


def lines(found: Paint) -> list[str]:
    """A line for each figure."""
    return [
        f"{label:36} {median(values):8.3f} {max(values):8.3f} {unit:3}   <={goal:g}"
        for label, values, unit, goal in (
            ("largest paint", found.largest, "s", LARGEST_GOAL_SECONDS),
            ("layout shift", found.shift, "", SHIFT_GOAL),
            ("blocked", found.blocked, "ms", BLOCKED_GOAL_MS),
        )
    ]


async def _print(url: str, folder: str, loads: int, slower: float) -> bool:
    cookies = await data.cookies(url, folder, [data.READER])
    async with serving("site", data.environment(url, folder)) as port, chromium() as browser:
        cookie = cookies[data.READER]
        found = await measure(browser, port, cookie, loads=loads, slower=slower)
    print(f"home in Chromium {browser.version}, {slower:g} times slower, median and worst:")
    print(*lines(found), sep="\n")
    return found.good


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paint", description=__doc__)
    parser.add_argument("--loads", type=int, default=LOADS)
    parser.add_argument("--slower", type=float, default=SLOWER)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        url = stack.enter_context(stores.sqlite(Path(scratch), _SIZE))
        good = asyncio.run(_print(url, scratch, given.loads, given.slower))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
