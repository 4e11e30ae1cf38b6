"""Pages and memory under other loads: logins, exports, open sockets, a silent translator."""

import asyncio
from collections.abc import Mapping

from benchmarks import crowded, data, memory, report
from benchmarks.exports import exporting
from benchmarks.goals import Found, Row, at_most
from benchmarks.logins import crowd
from benchmarks.report import percentile
from benchmarks.sockets import journeys
from benchmarks.stage import Place, Scale, Stage
from benchmarks.translating import translating

_LOGINS_GOAL = 3
_SOCKETS = 200
_IDLE_ROUNDS = 2
_EXPORTED = 20_000
_SILENT_TURNS = 1
_CROWDED_SECONDS = 3.0
# A post reaches one open page in so many.
_REACH = 10


async def logins(stage: Stage) -> Found:
    """Pages while many people log in at once."""
    size, pace = stage.scale.size, stage.scale.pace
    found = {
        database: await crowd(
            site.port,
            site.cookies[data.READER],
            data.guests(size),
            idle_seconds=_IDLE_ROUNDS * pace.seconds,
        )
        for database, site in stage.sites.items()
    }
    slower = {d: _slower(each.idle, each.during) for d, each in found.items()}
    what = f"{size.logins} logins at once: p99 of other pages, to idle"
    return Found([Row(what, slower, at_most(_LOGINS_GOAL))], list(report.crowds(found, size)))


async def sockets(stage: Stage) -> Found:
    """A post's way to everybody who has a page open."""
    listening = data.listeners(stage.scale.size)[:_SOCKETS]
    found = {
        database: await journeys(
            site.port,
            site.cookies[data.AUTHOR],
            [site.cookies[name] for name in listening],
            posts=stage.scale.posts,
        )
        for database, site in stage.sites.items()
    }
    return Found(details=list(report.journeys(found, len(listening))))


async def exports(stage: Stage) -> Found:
    """Pages and memory while somebody takes out all that they wrote."""
    scale = stage.scale
    found = {
        database: await exporting(
            site.port,
            site.place.url,
            site.place.folder,
            site.cookies[data.READER],
            site.cookies[data.AUTHOR],
            posts=min(scale.size.posts, _EXPORTED),
            idle_seconds=_IDLE_ROUNDS * scale.pace.seconds,
        )
        for database, site in stage.sites.items()
    }
    return Found(details=list(report.exports(found)))


async def beside_sockets(places: Mapping[str, Place], scale: Scale) -> Found:
    """Home while a thousand pages are open and people write."""
    found = {
        database: await crowded.measure(
            place.url,
            place.folder,
            size=scale.size,
            reach=_REACH,
            turns=1 if scale.is_quick else 3,
            seconds=1.0 if scale.is_quick else _CROWDED_SECONDS,
        )
        for database, place in places.items()
    }
    what = f"{scale.size.sockets:,} sockets, {crowded.RATE:g} posts/s: p99 of home, to without"
    row = Row(what, {d: each.ratio for d, each in found.items()}, at_most(crowded.GOAL))
    told = [
        line
        for database, each in found.items()
        for line in (f"{database}:", *crowded.lines(each, scale.size, crowded.RATE))
    ]
    return Found([row], told)


async def remaining(places: Mapping[str, Place], scale: Scale) -> Found:
    """The memory of a worker, round after round; on all databases at once, as nothing is timed."""
    requests = 100 if scale.is_quick else memory.REQUESTS
    rounds = 2 if scale.is_quick else memory.ROUNDS
    listeners = min(40, scale.size.sockets)
    grown = await asyncio.gather(
        *(
            memory.measure(
                place.url, place.folder, requests=requests, rounds=rounds, listeners=listeners
            )
            for place in places.values()
        )
    )
    found = dict(zip(places, grown, strict=True))
    what = f"memory after {requests * rounds:,} requests, to the second round"
    row = Row(what, {d: each.growth for d, each in found.items()}, at_most(memory.GOAL))
    told = [
        line
        for database, each in found.items()
        for line in (f"{database}:", *memory.lines(each, requests))
    ]
    return Found([row], told)


async def translations(places: Mapping[str, Place], scale: Scale) -> Found:
    """Pages beside a translation service that says nothing."""
    found = {}
    for database, place in places.items():
        cookies = await data.cookies(place.url, place.folder, [data.READER])
        found[database] = await translating(
            place.url,
            place.folder,
            cookies[data.READER],
            idle_seconds=_IDLE_ROUNDS * scale.pace.seconds / 2,
            turns=1 if scale.is_quick else _SILENT_TURNS,
        )
    slower = {d: _slower(each.before, each.during) for d, each in found.items()}
    what = "silent translator: p99 of other pages, to without"
    row = Row(what, slower, at_most(report.SILENCE_GOAL))
    return Found([row], list(report.silences(found)))


def _slower(idle: list[float], during: list[float]) -> float:
    """The slowest of a hundred by the slowest of a hundred."""
    return percentile(during, 99) / percentile(idle, 99)
