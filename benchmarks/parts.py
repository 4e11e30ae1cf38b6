"""The parts of a run: each measures one thing on every database, and tells how that went.

A new figure is a new function in one of the two tables at the end, and a name in the order.
"""

from collections.abc import Awaitable, Callable, Mapping
from statistics import median

from benchmarks import data, posting, report
from benchmarks.goals import Found, Row, at_least, at_most
from benchmarks.indexing import writing
from benchmarks.loads import beside_sockets, exports, logins, remaining, sockets, translations
from benchmarks.reading import pages, searches
from benchmarks.stage import Place, Scale, Stage
from benchmarks.visits import paints, starts, weights


async def posts(stage: Stage) -> Found:
    """Posting in both ways, against bare hello and against the store alone."""
    found: dict[str, posting.Posting] = {}
    for database, site in stage.sites.items():
        place, scale = site.place, stage.scale
        people = await posting.writers(place.url, place.folder, scale.size)
        found[database] = await posting.posting(
            place.url,
            site.port,
            stage.hello,
            people,
            folder=place.folder,
            seconds=scale.pace.seconds,
            rounds=scale.pace.rounds,
        )
    rows: list[Row] = []
    for number, way in enumerate(next(iter(found.values())).posts):
        ways = {database: each.posts[number] for database, each in found.items()}
        bare = {d: each.ratio(found[d].bare[0]) for d, each in ways.items()}
        hello = {d: each.ratio(found[d].hello) for d, each in ways.items()}
        label = f"{way.label}, {posting.WRITERS} writers"
        rows += [
            Row(f"{label}, posts/s", {d: each.rate for d, each in ways.items()}, form="{:.0f}"),
            Row(f"{label}, to INSERT + COMMIT", bare, at_least(posting.GOAL)),
            Row(f"{label}, to hello", hello, form="{:.3f}"),
        ]
    return Found(rows, list(posting.report(found)))


async def indexing(places: Mapping[str, Place], scale: Scale) -> Found:
    """What the search costs those who write, and how much room it takes."""
    found = {}
    for database, place in places.items():
        cookies = await data.cookies(place.url, place.folder, [data.AUTHOR])
        cookie = cookies[data.AUTHOR]
        found[database] = await writing(place.url, place.folder, cookie, number=scale.posts)
    slower = {d: median(each.indexed) / median(each.bare) for d, each in found.items()}
    row = Row("posting with search index, to without", slower, at_most(report.INDEX_GOAL))
    return Found([row], list(report.writings(found, scale.size.posts)))


# What is measured at the running sites, and what starts its own.
ON_STAGE: Mapping[str, Callable[[Stage], Awaitable[Found]]] = {
    "pages": pages,
    "posts": posts,
    "logins": logins,
    "weight": weights,
    "paint": paints,
    "search": searches,
    "sockets": sockets,
    "exports": exports,
}
APART: Mapping[str, Callable[[Mapping[str, Place], Scale], Awaitable[Found]]] = {
    "crowded": beside_sockets,
    "memory": remaining,
    "starts": starts,
    "indexing": indexing,
    "translations": translations,
}
# The order of the table.
PARTS = (
    *("pages", "posts", "logins", "crowded", "memory", "starts", "weight", "paint"),
    *("search", "indexing", "translations", "sockets", "exports"),
)
