"""Posts against the least that the same store can do, and against bare Quart.

In turns, round after round, so that what the machine does meanwhile falls on all alike. Eight
people write, each on a connection of their own.
"""

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from benchmarks import bare, client, data, forms
from benchmarks.client import Line
from benchmarks.data import Size

WRITERS = 8
# Posts of the bare loop's rate.
GOAL = 0.5


@dataclass(eq=False)
class Way:
    """One way of writing: how many a second in each round; the server's CPU seconds for each."""

    label: str
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of all rounds."""
        return median(self.rates)

    def ratio(self, other: "Way") -> float:
        """This rate by another one, the median of all rounds."""
        return median(a / b for a, b in zip(self.rates, other.rates, strict=True))


@dataclass
class Posting:
    """The bare loops, the first of which counts; the posts; hello; seconds of one sync."""

    bare: list[Way]
    posts: list[Way]
    hello: Way
    syncs: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Writer:
    """Somebody who posts: a browser's Cookie header, and a program's Authorization header."""

    cookie: str
    bearer: str


async def writers(url: str, folder: str, size: Size) -> list[Writer]:
    """Eight people: one alone would be counted in one row, and wait there for himself."""
    names = data.listeners(size)[:WRITERS]
    cookies = await data.cookies(url, folder, names)
    tokens = await data.access_tokens(url, folder, names)
    return [Writer(cookies[name], f"Authorization: Bearer {tokens[name]}") for name in names]


async def posting(
    url: str,
    port: int,
    hello_port: int,
    people: Sequence[Writer],
    *,
    folder: str,
    seconds: float,
    rounds: int,
) -> Posting:
    """Measure the site at ``port`` with the database ``url``; it and hello are our children."""
    asked = {
        "POST /, the form": [await _form(port, person) for person in people],
        "POST /api/posts": [_call(person) for person in people],
    }
    greeting = [client.head("GET", "/")] * len(people)
    async with bare.loops(url, Path(folder), len(people)) as loops:
        found = Posting([Way(each) for each in loops], [Way(each) for each in asked], Way("hello"))
        for _ in range(rounds):
            for way in found.bare:
                began = time.perf_counter()
                number = await loops[way.label](began + seconds)
                way.rates.append(number / (time.perf_counter() - began))
            for way in found.posts:
                await _ask(way, port, asked[way.label], seconds)
            await _ask(found.hello, hello_port, greeting, seconds)
            found.syncs.append(bare.sync(Path(folder)))
    return found


async def _form(port: int, person: Writer) -> bytes:
    _, page = await client.fetch(port, client.head("GET", "/", f"Cookie: {person.cookie}"))
    fields = {"csrf_token": forms.token(page), "post": bare.TEXT, "submit": "1"}
    return forms.filled("/", person.cookie, fields)


def _call(person: Writer) -> bytes:
    body = json.dumps({"body": bare.TEXT}).encode()
    lines = (person.bearer, "Content-Type: application/json", f"Content-Length: {len(body)}")
    return client.head("POST", "/api/posts", *lines) + body


async def _ask(way: Way, port: int, requests: Sequence[bytes], seconds: float) -> None:
    server = _listening(port)
    before, began = _processor(server), time.perf_counter()
    each = await asyncio.gather(*(_repeat(port, asked, began + seconds) for asked in requests))
    took, answers = time.perf_counter() - began, [answer for some in each for answer in some]
    way.rates.append(len(answers) / took)
    way.cpu.append((_processor(server) - before) / len(answers))
    way.answers += answers


async def _repeat(port: int, request: bytes, until: float) -> list[float]:
    """Ask again and again, on a new connection when the server has ended the old one."""
    answers: list[float] = []
    line = await Line.opened(port)
    try:
        while (began := time.perf_counter()) < until:
            try:
                status, _ = await line.ask(request)
            except (asyncio.IncompleteReadError, ConnectionError):
                line.close()
                line = await Line.opened(port)
                continue
            if status not in (200, 201, 302):
                raise RuntimeError(f"unexpected status: {status}")
            answers.append(time.perf_counter() - began)
    finally:
        line.close()
    return answers


def _listening(port: int) -> psutil.Process:
    for child in psutil.Process().children(recursive=True):
        if any(c.laddr.port == port for c in child.net_connections("inet") if not c.raddr):
            return child
    raise RuntimeError(f"no child of this process listens on {port}")


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def report(found: Mapping[str, Posting]) -> Iterable[str]:
    """A line for each way of writing on each database."""
    title = f"posts, {WRITERS} writers"
    heads = ("a second", "to bare", "to hello", "CPU ms", "p50 ms")
    yield f"{title:36} " + " ".join(f"{head:>9}" for head in heads)
    for database, each in found.items():
        for way in (*each.bare, *each.posts):
            label, ratio = f"{database}: {way.label}", way.ratio(each.bare[0])
            line = f"{label:36} {way.rate:9,.0f} {ratio:9.2f}"
            if way.cpu:
                cpu, middle = median(way.cpu) * 1000, median(way.answers) * 1000
                line += f" {way.ratio(each.hello):9.3f} {cpu:9.2f} {middle:9.1f}"
            yield line
    syncs = ", ".join(f"{name} {median(each.syncs) * 1000:.2f} ms" for name, each in found.items())
    yield f"(goal: {GOAL} of the first bare loop of each; one sync of 4 KiB beside: {syncs})"
