"""Pages against bare hello, on much data and on little; and what a question to the search takes."""

import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from statistics import median

from benchmarks import data, programs, report
from benchmarks.client import Line, Sample
from benchmarks.goals import POSTGRESQL, SQLITE, Found, Row, at_least
from benchmarks.report import percentile
from benchmarks.rounds import Page, check, measure
from benchmarks.servers import serving
from benchmarks.stage import Place, Site, Stage, patient

_PER_PAGE = 25
# Questions in a round, at least.
_LEAST = 3
# As much as a question may hold, of words that are in most posts, and in vain.
_WORST_SEARCH = "/search?q=th*+an*+wi*+the+and+to+of+in+lang:tlh"
_TO_HELLO = {SQLITE: at_least(1 / 4, "1/4"), POSTGRESQL: at_least(1 / 3, "1/3")}
_HOME, _MANY, _SILENT, _SMALL = "home", "home, many", "home, silent", "home, small"


async def pages(stage: Stage) -> Found:
    """Every page that is read all day, in turns with hello."""
    hello = stage.greeting()
    measured: dict[str, dict[str, Page]] = {}
    async with AsyncExitStack() as stack:
        for database, site in stage.sites.items():
            served = serving("site", patient(site.place.small, site.place.folder))
            port = await stack.enter_async_context(served)
            small = await _home(database, port, site.place, stage.scale.few)
            measured[database] = {_SMALL: small, **_read(database, site, stage)}
        every = [page for each in measured.values() for page in each.values()]
        await measure(hello, every, stage.scale.pace)
    size = stage.scale.size
    labels = {_HOME: f"home, follows {size.some}", "explore": "explore", "profile": "profile"}
    labels |= {"post": "a post by itself", "api": "GET /api/timeline"}
    rows = [
        Row(f"{label}, to hello", {d: found[key].ratio for d, found in measured.items()}, _TO_HELLO)
        for key, label in labels.items()
    ]
    for key, other, goal, what in (
        (_HOME, _SMALL, 0.9, f"home at {size.posts:,} posts, to home at {stage.scale.few:,}"),
        (_MANY, _HOME, 0.5, f"home, follows {size.many:,}, to follows {size.some}"),
        (_SILENT, _HOME, 0.8, f"home, follows {size.silent} silent, to follows {size.some}"),
    ):
        compared = {d: _compared(found[key], found[other]) for d, found in measured.items()}
        rows.append(Row(what, compared, at_least(goal)))
    return Found(rows, list(report.pages(hello, every)))


async def _home(database: str, port: int, place: Place, posts: int) -> Page:
    """The usual home page where there are few posts."""
    cookies = await data.cookies(place.small, place.folder, [data.READER])
    label = f"{database}: home at {posts:,} posts"
    return Page(label, port, "/", cookies[data.READER], _PER_PAGE)


async def searches(stage: Stage) -> Found:
    """Questions one by one, each waited for: how long the slowest takes, by the slowest hello."""
    seconds = stage.scale.pace.seconds
    hello = stage.greeting()
    asked: dict[str, dict[str, list[float]]] = {}
    lines = [f"{'one question at a time':36} {'number':>9} {'p50 ms':>8} {'p99 ms':>8}"]
    for database, site in stage.sites.items():
        for page in _questions(database, site):
            await check(page)
            found: list[float] = []
            for _ in range(stage.scale.pace.rounds):
                hello.samples.append(await _one_by_one(hello, seconds / 2))
                found += (await _one_by_one(page, seconds)).answers
            label = page.label.removeprefix(f"{database}: ")
            asked.setdefault(label, {})[database] = found
            lines.append(f"{page.label:36} {len(found):9,} {report.spread(found)}")
    slow = percentile(hello.answers(), 99)
    lines.append(f"{hello.label:36} {len(hello.answers()):9,} {report.spread(hello.answers())}")
    rows = [
        Row(
            f"{label}: p99 alone, to hello's",
            {database: percentile(found, 99) / slow for database, found in each.items()},
            form="{:.1f}",
        )
        for label, each in asked.items()
    ]
    return Found(rows, lines)


async def _one_by_one(page: Page, seconds: float) -> Sample:
    """Ask for so long, and at least a few times, however long that takes."""
    line, sample = await Line.opened(page.port), Sample()
    began = time.perf_counter()
    try:
        while len(sample.answers) < _LEAST or sample.seconds < seconds:
            asked = time.perf_counter()
            status, _ = await line.ask(page.request)
            if status != page.status:
                raise RuntimeError(f"{page.label}: status {status}")
            sample.answers.append(time.perf_counter() - asked)
            sample.seconds = time.perf_counter() - began
    finally:
        line.close()
    return sample


def _compared(page: Page, other: Page) -> float:
    """One page by another, both by hello just before and after, round by round."""
    # On a very busy machine a short round may have no answer at all.
    rounds = zip(page.ratios, other.ratios, strict=True)
    return median(a / b if b else 0.0 for a, b in rounds)


def _read(database: str, site: Site, stage: Stage) -> dict[str, Page]:
    size = stage.scale.size
    found = {
        key: Page(f"{database}: {label}", site.port, path, site.cookies[reader], posts)
        for key, label, path, reader, posts in (
            (_MANY, f"home, follows {size.many}", "/", data.KEEN, _PER_PAGE),
            (_HOME, f"home, follows {size.some}", "/", data.READER, _PER_PAGE),
            (_SILENT, f"home, follows {size.silent} silent", "/", data.QUIET, 0),
            ("explore", "explore", "/explore", data.READER, _PER_PAGE),
            ("profile", "profile", f"/user/{site.busiest}", data.READER, _PER_PAGE),
            ("post", "a post by itself", f"/post/{site.newest}", data.READER, 1),
        )
    }
    bearer = site.bearers[data.READER]
    found["api"] = programs.timeline(database, site.port, bearer, posts=_PER_PAGE)
    return found


def _questions(database: str, site: Site) -> Iterable[Page]:
    for label, path, posts in (
        ("search, a common word", "/search?q=the", _PER_PAGE),
        ("search, in vain", "/search?q=the+lang:tlh", 0),
        ("search, the worst", _WORST_SEARCH, 0),
    ):
        yield Page(f"{database}: {label}", site.port, path, site.cookies[data.READER], posts)
