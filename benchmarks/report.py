"""The figures as a person reads them."""

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from statistics import median

from benchmarks.data import Size
from benchmarks.exports import Exporting
from benchmarks.indexing import Writing
from benchmarks.logins import BURSTS, Crowd
from benchmarks.rounds import Pace, Page
from benchmarks.sockets import Journeys
from benchmarks.translating import CROWD, Translating

_WIDTH = 36
_GROWTH_GOAL_MB = 50
INDEX_GOAL = 1.3
SILENCE_GOAL = 1.2


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def heading(size: Size, pace: Pace) -> Iterable[str]:
    """What was measured, and on what."""
    programs = ", ".join(f"{name} {version(name)}" for name in ("quart", "hypercorn", "sqlalchemy"))
    yield f"Python {platform.python_version()}, {programs}, {os.cpu_count()} processors"
    yield (
        f"{size.people:,} people, {size.posts:,} posts; {pace.connections} connections, "
        f"median of {pace.rounds} rounds of {pace.seconds:g} s, one server process"
    )


def pages(hello: Page, measured: list[Page], title: str = "page") -> Iterable[str]:
    """One line for each page."""
    yield f"{title:{_WIDTH}} {'requests/s':>11} {'to hello':>9} {'p50 ms':>8} {'p99 ms':>8}"
    for page in (hello, *measured):
        ratio = 1.0 if page is hello else page.ratio
        yield f"{page.label:{_WIDTH}} {page.rate:11,.0f} {ratio:9.3f} {spread(page.answers())}"
    rates = [sample.rate for sample in hello.samples]
    yield f"(hello itself went from {min(rates):,.0f} to {max(rates):,.0f} meanwhile)"


def journeys(found: dict[str, Journeys], sockets: int) -> Iterable[str]:
    """Three lines for each database."""
    title = f"a post on its way to {sockets} sockets"
    yield f"{title:{_WIDTH}} {'':11} {'number':>9} {'p50 ms':>8} {'p99 ms':>8}"
    for database, way in found.items():
        for label, values in (
            ("to the last socket", way.last),
            ("to each socket", way.each),
            ("to the author's answer", way.answer),
        ):
            name = f"{database}: {label}"
            yield f"{name:{_WIDTH}} {'':11} {len(values):9,} {spread(values)}"


def crowds(found: dict[str, Crowd], size: Size) -> Iterable[str]:
    """Three lines for each database."""
    title = f"pages while {size.logins} people log in at once"
    yield f"{title:{_WIDTH}} {'':11} {'answers':>9} {'p50 ms':>8} {'p99 ms':>8}"
    for database, crowd in found.items():
        for label, values in (("idle", crowd.idle), ("during the logins", crowd.during)):
            name = f"{database}: {label}"
            yield f"{name:{_WIDTH}} {'':11} {len(values):9,} {spread(values)}"
        yield f"{f'{database}: ratio':{_WIDTH}} {'':21} {_ratios(crowd.idle, crowd.during)}"
    took = ", ".join(f"{name} {median(each.bursts):.2f} s" for name, each in found.items())
    yield f"(until the last was logged in, the median of {BURSTS}: {took})"


def writings(found: dict[str, Writing], posts: int) -> Iterable[str]:
    """Three lines for each database, and how large its index of that many posts is."""
    title = "posts sent one by one"
    yield f"{title:{_WIDTH}} {'':11} {'number':>9} {'p50 ms':>8} {'p99 ms':>8}   goal"
    for database, way in found.items():
        for label, values in (("with its words", way.indexed), ("without", way.bare)):
            name = f"{database}: {label}"
            yield f"{name:{_WIDTH}} {'':11} {len(values):9,} {spread(values)}"
        ratio = median(way.indexed) / median(way.bare)
        yield f"{f'{database}: ratio, search':{_WIDTH}} {'':21} {ratio:8.2f}{'':9}   <{INDEX_GOAL}"
        index, texts = (size / 1e6 * 1e5 / posts for size in (way.index_bytes, way.post_bytes))
        size = f"{index:.1f} MB of index, {texts:.1f} MB of texts for 100,000 posts"
        yield f"{f'{database}: size':{_WIDTH}} {size}"


def exports(found: dict[str, Exporting]) -> Iterable[str]:
    """Four lines for each database."""
    posts = max((each.posts for each in found.values()), default=0)
    title = f"pages while {posts:,} posts go out"
    yield f"{title:{_WIDTH}} {'':11} {'answers':>9} {'p50 ms':>8} {'p99 ms':>8}   goal"
    for database, way in found.items():
        for label, values in (("before the export", way.before), ("during the export", way.during)):
            name = f"{database}: {label}"
            yield f"{name:{_WIDTH}} {'':11} {len(values):9,} {spread(values)}"
        ratios = _ratios(way.before, way.during)
        yield f"{f'{database}: ratio, export':{_WIDTH}} {'':21} {ratios}"
        growth = f"{way.grown / 1e6:9.1f} MB in {way.seconds:.1f} s"
        yield f"{f'{database}: memory grown by':{_WIDTH}} {'':11} {growth}   <{_GROWTH_GOAL_MB} MB"


def silences(found: dict[str, Translating]) -> Iterable[str]:
    """Four lines for each database, and how long people waited in vain."""
    title = f"pages while {CROWD} wait for a translator"
    yield f"{title:{_WIDTH}} {'':11} {'answers':>9} {'p50 ms':>8} {'p99 ms':>8}   goal"
    for database, way in found.items():
        for label, values in (
            ("without them", way.before),
            ("during the silence", way.during),
            ("as the crowd comes and goes", way.crowded),
        ):
            name = f"{database}: {label}"
            yield f"{name:{_WIDTH}} {'':11} {len(values):9,} {spread(values)}"
        ratios = _ratios(way.before, way.during)
        yield f"{f'{database}: ratio, silence':{_WIDTH}} {'':21} {ratios}   <{SILENCE_GOAL}"
    waited = ", ".join(f"{name} {max(each.waited):.1f} s" for name, each in found.items())
    yield f"(the last was told that there is no translation after: {waited})"


def _ratios(idle: Sequence[float], during: Sequence[float]) -> str:
    middle = median(during) / median(idle)
    return f"{middle:8.2f} {percentile(during, 99) / percentile(idle, 99):8.2f}"


def spread(values: Sequence[float]) -> str:
    """The middle one and the slowest of a hundred, in milliseconds."""
    if not values:  # slower than a whole round
        return f"{'-':>8} {'-':>8}"
    return f"{median(values) * 1000:8.1f} {percentile(values, 99) * 1000:8.1f}"
