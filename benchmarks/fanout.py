"""One post to very many sockets, and what readers who never read cost the others.

    python -m benchmarks.fanout [--sockets 1000 5000] [--posts 40] [--stuck 200]

The client counts in: it is one process on the same machine. Where readers are stuck, posts follow
each other quickly, so that what waits for the stuck ones overflows; the run without them goes just
before, at the same pace. It ends with status 1 where a figure is beyond its goal. Without
`--database-url` it works on SQLite.
"""

import argparse
import asyncio
import resource
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import client, data, stores
from benchmarks.data import Size
from benchmarks.report import percentile
from benchmarks.servers import serving
from benchmarks.sockets import Journeys, handshake, journeys
from microblog.serving.process import fast_loop

# Sockets, and milliseconds to the last of them.
GOALS_MS = {1_000: 100.0, 5_000: 500.0}
GOAL_STUCK = 1.2
_READERS = 1_000
_SIZE = Size(people=30, posts=400, sockets=200, some=10, many=20, logins=1)
_PAUSE_SECONDS = 0.2
_BUFFER = 4_096


def _many(cookies: Sequence[str], number: int) -> list[str]:
    return [cookies[turn % len(cookies)] for turn in range(number)]


async def _stuck(port: int, cookies: Sequence[str]) -> list[socket.socket]:
    """Sockets that are opened and never read from again; little is taken in for them."""
    loop, found = asyncio.get_running_loop(), []
    for cookie in cookies:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        line.setblocking(False)
        await loop.sock_connect(line, (client.HOST, port))
        await loop.sock_sendall(line, handshake(cookie))
        found.append(line)
    return found


def _show(label: str, way: Journeys) -> float:
    last = percentile(way.last, 99) * 1000
    each, middle = percentile(way.each, 99) * 1000, median(way.last) * 1000
    print(f"{label:36} {middle:8.1f} {last:8.1f} {each:10.1f}", flush=True)
    return last


async def measure(
    url: str,
    folder: str,
    numbers: Sequence[int],
    *,
    posts: int,
    stuck: int,
    readers: int = _READERS,
) -> bool:
    """Print all figures; whether all are within their goals."""
    names = data.listeners(_SIZE)
    found = await data.cookies(url, folder, [data.AUTHOR, *names])
    author, cookies = found[data.AUTHOR], [found[name] for name in names]
    good = True
    print(
        f"{'ms from the sending of a post':36} {'p50 last':>8} {'p99 last':>8} {'p99 of all':>10}"
    )
    for number in numbers:
        async with serving("site", data.environment(url, folder)) as port:
            listeners = _many(cookies, number)
            way = await journeys(port, author, listeners, posts=posts, pause=_PAUSE_SECONDS)
            last = _show(f"to the last of {number:,}", way)
            good = good and last <= GOALS_MS.get(number, float("inf"))
    if stuck:
        async with serving("site", data.environment(url, folder)) as port:
            listeners = _many(cookies, readers)
            plain = await journeys(port, author, listeners, posts=3 * posts, pause=0)
            lines = await _stuck(port, _many(cookies, stuck))
            beside = await journeys(port, author, listeners, posts=3 * posts, pause=0)
            for line in lines:
                line.close()
        without = _show(f"to the last of {readers:,}", plain)
        last = _show(f"beside {stuck} that never read", beside)
        print(f"ratio {last / without:.2f}")
        good = good and last <= GOAL_STUCK * without
    return good


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="*", default=list(GOALS_MS))
    parser.add_argument("--posts", type=int, default=40)
    parser.add_argument("--stuck", type=int, default=200)
    parser.add_argument("--database-url", default="")
    given = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        url = given.database_url or stack.enter_context(stores.sqlite(Path(scratch), _SIZE))
        with asyncio.Runner(loop_factory=fast_loop) as runner:
            work = measure(url, scratch, given.sockets, posts=given.posts, stuck=given.stuck)
            good = runner.run(work)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
