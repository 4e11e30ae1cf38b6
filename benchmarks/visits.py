"""What somebody meets who comes for the first time: the start of the service, the page's weight."""

from collections.abc import Mapping
from statistics import median

from benchmarks import browsing, coldstart, data, paint, weight
from benchmarks.goals import Found, Row, at_most
from benchmarks.stage import Place, Scale, Stage

_STARTS = 3


async def starts(places: Mapping[str, Place], scale: Scale) -> Found:
    """From the command to the first page, on much data and on little, in turns."""
    found: dict[str, dict[str, coldstart.Starts]] = {}
    for database, place in places.items():
        much = f"{database}: much, {scale.size.posts:,} posts"
        little = f"{database}: little, {scale.few:,} posts"
        sites = {
            much: await coldstart.Site.on(place.url, place.folder),
            little: await coldstart.Site.on(place.small, place.folder),
        }
        found[database] = await coldstart.measure(sites, rounds=1 if scale.is_quick else _STARTS)
    large = {d: next(iter(each.values())) for d, each in found.items()}
    slower = {d: starts.against(list(found[d].values())[-1]) for d, starts in large.items()}
    seconds = {d: starts.seconds for d, starts in large.items()}
    rows = [
        Row(
            f"cold start to first page, {scale.size.posts:,} posts, s",
            seconds,
            at_most(coldstart.GOAL_SECONDS),
        ),
        Row(f"the same, to {scale.few:,} posts (processor)", slower, at_most(coldstart.NO_SLOWER)),
    ]
    return Found(rows, [line for each in found.values() for line in coldstart.lines(each)])


async def weights(stage: Stage) -> Found:
    """Bytes over the wire, as a browser counts them."""
    found: dict[str, weight.Weight] = {}
    try:
        async with browsing.chromium() as browser:
            for database, site in stage.sites.items():
                cookie = site.cookies[data.READER]
                found[database] = await weight.measure(browser, site.port, cookie)
    except browsing.NoBrowser as error:
        return Found(details=[f"not measured: {error}"])
    first = {d: each.first_kb for d, each in found.items()}
    second = {d: each.second_kb for d, each in found.items()}
    rows = [
        Row("home, first visit, all assets, KB", first, at_most(weight.FIRST_GOAL_KB), "{:.1f}"),
        Row("home, second visit, KB", second, at_most(weight.SECOND_GOAL_KB), "{:.1f}"),
    ]
    return Found(rows, [line for each in found.values() for line in weight.lines(each)])


async def paints(stage: Stage) -> Found:
    """The home page in a browser on a slow computer."""
    found: dict[str, paint.Paint] = {}
    loads = 1 if stage.scale.is_quick else paint.LOADS
    try:
        async with browsing.chromium() as browser:
            for database, site in stage.sites.items():
                cookie = site.cookies[data.READER]
                found[database] = await paint.measure(browser, site.port, cookie, loads=loads)
    except browsing.NoBrowser as error:
        return Found(details=[f"not measured: {error}"])
    rows = [
        Row(
            "Chromium, 4 x slower: largest paint, s",
            {d: median(each.largest) for d, each in found.items()},
            at_most(paint.LARGEST_GOAL_SECONDS),
        ),
        Row(
            "the same: layout shift",
            {d: median(each.shift) for d, each in found.items()},
            at_most(paint.SHIFT_GOAL),
            "{:.3f}",
        ),
        Row(
            "the same: blocked, ms",
            {d: median(each.blocked) for d, each in found.items()},
            at_most(paint.BLOCKED_GOAL_MS),
            "{:.0f}",
        ),
    ]
    return Found(rows, [line for each in found.values() for line in paint.lines(each)])
