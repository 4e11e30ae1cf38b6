"""Home against the number of posts: the same reader and the same page, ever more behind it.

    python -m benchmarks.growth [--quick] [--only sqlite|postgresql] [--to benchmarks/growth.png]

Every amount is served by a process of its own, all in turns with bare hello, and drawn.
"""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks import data, report, stores
from benchmarks.goals import POSTGRESQL, SQLITE
from benchmarks.rounds import Pace, Page, measure
from benchmarks.servers import serving
from benchmarks.stage import SMOKE, Scale, patient
from microblog.serving.process import fast_loop

_AMOUNTS = (1_000, 10_000, 100_000, 1_000_000)
_PACE = Pace(seconds=1.5, rounds=5)
_PER_PAGE = 25
_COLOURS = {SQLITE: "#0f766e", POSTGRESQL: "#7c3aed"}
# Where a figure stands, in points from its dot, and which edge of it: the lines often lie close.
_UNDER, _OVER = (-7, "top"), (7, "bottom")
_INK, _GRID = "#334155", "#e2e8f0"
_INCHES, _DOTS = (7.2, 3.9), 110

Curves = Mapping[str, Mapping[int, Page]]


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="one database")
    parser.add_argument("--to", type=Path, default=Path(__file__).with_name("growth.png"))
    given = parser.parse_args()
    scale = SMOKE if given.quick else Scale(pace=_PACE)
    amounts = (200, 400) if given.quick else _AMOUNTS
    with stores.folder(quick=given.quick) as kept, ExitStack() as stack:
        sizes = [replace(scale.size, posts=amount) for amount in amounts]
        urls = stores.stored(kept, sizes, stack, only=given.only, keep=not given.quick)
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            hello, curves = runner.run(_measure(urls, amounts, str(kept), scale.pace))
    print(*report.heading(scale.size, scale.pace), sep="\n")
    print(*report.pages(hello, [p for each in curves.values() for p in each.values()]), sep="\n")
    draw(curves, scale.pace, given.to)


async def _measure(
    urls: Mapping[str, Sequence[str]], amounts: Sequence[int], kept: str, pace: Pace
) -> tuple[Page, Curves]:
    curves: dict[str, dict[int, Page]] = {database: {} for database in urls}
    async with AsyncExitStack() as stack:
        hello = Page("hello (bare Quart)", await stack.enter_async_context(serving("hello", {})))
        # All amounts on one database stand side by side in a round.
        for database, addresses in urls.items():
            for amount, url in zip(amounts, addresses, strict=True):
                cookies = await data.cookies(url, kept, [data.READER])
                served = serving("site", patient(url, kept))
                port = await stack.enter_async_context(served)
                label = f"{database}: home at {amount:,} posts"
                page = Page(label, port, "/", cookies[data.READER], _PER_PAGE)
                curves[database][amount] = page
        await measure(hello, [page for each in curves.values() for page in each.values()], pace)
    return hello, curves


def draw(curves: Curves, pace: Pace, to: Path) -> None:
    """One line for each database; a line that is level is what one hopes for."""
    figure = Figure(figsize=_INCHES, dpi=_DOTS, layout="constrained", facecolor="white")
    axes = figure.subplots()
    for database, pages in curves.items():
        ratios = [page.ratio for page in pages.values()]
        axes.plot(list(pages), ratios, "o-", color=_COLOURS[database], label=database)
        for amount, ratio in zip(pages, ratios, strict=True):
            others = [each[amount].ratio for name, each in curves.items() if name != database]
            points, edge = _UNDER if _is_lower(database, ratio, others) else _OVER
            axes.annotate(
                f"{ratio:.2f}",
                (amount, ratio),
                (0, points),
                textcoords="offset points",
                ha="center",
                va=edge,
                color=_COLOURS[database],
            )
    axes.set_xscale("log")
    axes.set_ylim(
        bottom=0, top=1.35 * max(p.ratio for each in curves.values() for p in each.values())
    )
    axes.set_xlabel("posts in the database", color=_INK)
    axes.set_ylabel("home pages per second,\nas a share of bare Quart's hello", color=_INK)
    title = f"Home (25 posts, logged in), {pace.connections} connections, median of {pace.rounds}"
    axes.set_title(title, color=_INK, fontsize="medium", loc="left")
    axes.grid(color=_GRID)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower left")
    figure.savefig(to)


def _is_lower(database: str, ratio: float, others: Sequence[float]) -> bool:
    least = min(others, default=0.0)
    return ratio < least or (ratio == least and database == SQLITE)


if __name__ == "__main__":
    main()
