"""Pages against hello, in turns: what the machine does meanwhile falls on both alike."""

from dataclasses import dataclass, field
from statistics import median

from benchmarks import client
from benchmarks.client import Sample

# Pages between one hello and the next.
_BETWEEN = 2


@dataclass(frozen=True)
class Pace:
    """How much load, how long, how often."""

    connections: int = 32
    seconds: float = 0.9
    rounds: int = 3


@dataclass
class Page:
    """One address, and what was found at it. ``posts`` is how many it must show, each by its
    ``mark``; ``asked`` is the whole request where it is not a browser's.
    """

    label: str
    port: int
    path: str = "/"
    cookie: str = ""
    posts: int = 0
    asked: bytes = b""
    status: int = 200
    mark: bytes = b"data-post-id="
    samples: list[Sample] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    @property
    def request(self) -> bytes:
        """What is sent, by default what a browser with that login would ask."""
        lines = [f"Cookie: {self.cookie}"] if self.cookie else []
        return self.asked or client.head("GET", self.path, *lines)

    @property
    def rate(self) -> float:
        """Answers per second, the median of all rounds."""
        return median(sample.rate for sample in self.samples)

    @property
    def ratio(self) -> float:
        """Rate by the rate of hello just before and just after, the median of all rounds."""
        return median(self.ratios)

    def answers(self) -> list[float]:
        """Seconds of every answer."""
        return [seconds for sample in self.samples for seconds in sample.answers]


async def check(page: Page) -> None:
    """Look at a page once before it is measured: a wrong one could be quick."""
    status, body = await client.fetch(page.port, page.request)
    shown = body.count(page.mark)
    if status != page.status or shown != page.posts:
        raise RuntimeError(f"{page.label}: status {status}, {shown} posts instead of {page.posts}")


async def measure(hello: Page, pages: list[Page], pace: Pace) -> None:
    """Fill in the samples: hello, two pages, hello, the next two, and so on, round after round."""
    for page in (hello, *pages):
        await check(page)
    for _ in range(pace.rounds):
        before = await _load(hello, pace)
        for first in range(0, len(pages), _BETWEEN):
            together = pages[first : first + _BETWEEN]
            found = [await _load(page, pace) for page in together]
            after = await _load(hello, pace)
            for page, sample in zip(together, found, strict=True):
                page.ratios.append(2 * sample.rate / (before.rate + after.rate))
            before = after


async def _load(page: Page, pace: Pace) -> Sample:
    sample = await client.load(
        page.port,
        page.request,
        connections=pace.connections,
        seconds=pace.seconds,
        status=page.status,
    )
    page.samples.append(sample)
    return sample
