"""What the parts of a run share: bare hello, and the site on each database with its readers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from benchmarks import data, programs
from benchmarks.data import Size
from benchmarks.rounds import Pace, Page
from benchmarks.servers import serving


@dataclass(frozen=True)
class Scale:
    """How much of everything a run does; ``few`` posts are what much data is compared with."""

    size: Size = field(default_factory=Size)
    pace: Pace = field(default_factory=Pace)
    few: int = 10_000
    posts: int = 50
    is_quick: bool = False

    @property
    def small(self) -> Size:
        """The same people in the same town, when it had written little."""
        return replace(self.size, posts=self.few)


_SMALL_TOWN = Size(people=30, posts=400, sockets=8, some=10, many=20, logins=5)
SMOKE = Scale(_SMALL_TOWN, Pace(4, 0.1, 1), few=400, posts=3, is_quick=True)


@dataclass(frozen=True)
class Place:
    """A database: the whole one, and the one with few posts; ``folder`` is the service's own."""

    url: str
    small: str
    folder: str


@dataclass(frozen=True)
class Site:
    """A running site. ``cookies`` are everybody's logins by name; ``bearers`` those of programs."""

    place: Place
    port: int
    cookies: Mapping[str, str]
    bearers: Mapping[str, str]
    busiest: str
    newest: int


@dataclass(frozen=True)
class Stage:
    """Everything that serves."""

    scale: Scale
    hello: int
    sites: Mapping[str, Site]

    def greeting(self) -> Page:
        """Bare hello, with no samples yet."""
        return Page("hello (bare Quart)", self.hello)


def patient(url: str, folder: str) -> dict[str, str]:
    """Settings of a site that sends nobody away: a busy machine makes it slow, not full."""
    return data.environment(url, folder) | {"MICROBLOG_SERVER_WAITING_SECONDS": "30"}


@asynccontextmanager
async def opened(places: Mapping[str, Place], scale: Scale) -> AsyncIterator[Stage]:
    """Start it all."""
    async with AsyncExitStack() as stack:
        hello = await stack.enter_async_context(serving("hello", {}))
        sites: dict[str, Site] = {}
        for database, place in places.items():
            where = place.url, place.folder
            await data.add_guests(*where, scale.size)
            names = [data.READER, data.QUIET, data.KEEN, data.AUTHOR, *data.listeners(scale.size)]
            cookies = await data.cookies(*where, names)
            bearers = await programs.bearers(*where)
            busiest, newest = await data.busiest(*where), await data.newest(*where)
            port = await stack.enter_async_context(serving("site", patient(*where)))
            sites[database] = Site(place, port, cookies, bearers, busiest, newest)
        yield Stage(scale, hello, sites)
