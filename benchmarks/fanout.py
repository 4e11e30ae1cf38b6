"""One post to very many sockets, and what readers who never read cost the others.

    python -m benchmarks.fanout [--sockets 1000 5000] [--posts 40] [--stuck 200]

The client counts in: it is one process on the same machine. What either uses of a processor is
printed beside, for each post and socket; that of the server has the writing of the post in it.
Where readers are stuck, posts follow each other quickly, so that what waits for the stuck ones
overflows; turns without them and turns beside new ones alternate. It ends with status 1 where a
figure is beyond its goal. Without `--database-url` it works on SQLite.
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
from benchmarks.sockets import Journeys, gathered, handshake, journeys
from microblog.serving.process import fast_loop

# Sockets, and milliseconds to the last of them.
GOALS_MS = {1_000: 100.0, 5_000: 500.0}
GOAL_STUCK = 1.2
_READERS = 1_000
_SIZE = Size(people=30, posts=400, sockets=200, some=10, many=20, logins=1)
_PAUSE_SECONDS = 0.2
# Opening and closing hundreds of sockets is work as well, but not what is measured.
_SETTLE_SECONDS = 1.0
_BUFFER = 4_096
_TURNS = 3


def _many(cookies: Sequence[str], number: int) -> list[str]:
    return [cookies[turn % len(cookies)] for turn in range(number)]


async def _stuck(port: int, cookies: Sequence[str]) -> list[socket.socket]:
    """Sockets that are open and never read from again; little is taken in for them."""
    loop, found = asyncio.get_running_loop(), []
    for cookie in cookies:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        line.setblocking(False)
        await loop.sock_connect(line, (client.HOST, port))
        await loop.sock_sendall(line, handshake(cookie))
        if not (await loop.sock_recv(line, 12)).endswith(b" 101"):
            raise RuntimeError("one who never reads was not let in")
        found.append(line)
    return found


def _show(label: str, way: Journeys, sockets: int) -> float:
    last = percentile(way.last, 99) * 1000
    each, middle = percentile(way.each, 99) * 1000, median(way.last) * 1000
    frames = len(way.last) * sockets
    server, mine = way.server / frames * 1e6, way.client / frames * 1e6
    print(
        f"{label:36} {middle:8.1f} {last:8.1f} {each:10.1f} {server:10.1f} {mine:10.1f}", flush=True
    )
    return last


async def _beside_stuck(
    port: int, author: str, listeners: Sequence[str], stuck: Sequence[str], posts: int
) -> bool:
    """Whether those who read get their posts as if the others were not there."""
    plain, beside = Journeys(), Journeys()
    async with gathered(port, author, listeners) as crowd:
        for _ in range(_TURNS):
            plain += await crowd.follow(posts, 0)
            lines = await _stuck(port, stuck)
            await asyncio.sleep(_SETTLE_SECONDS)
            beside += await crowd.follow(posts, 0)
            for line in lines:
                line.close()
            await asyncio.sleep(_SETTLE_SECONDS)
    without = _show(f"to the last of {len(listeners):,}", plain, len(listeners))
    last = _show(f"beside {len(stuck)} that never read", beside, len(listeners))
    print(
        f"ratio p99 {last / without:.2f}, p50 {median(beside.last) / median(plain.last):.2f}, ",
        end="",
    )
    print(f"of the server's work {beside.server / plain.server:.2f}")
    return last <= GOAL_STUCK * without


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
        f"{'ms from the sending of a post':36} {'p50 last':>8} {'p99 last':>8} {'p99 of all':>10}",
        end="",
    )
    print(f" {'server µs':>10} {'client µs':>10}")
    for number in numbers:
        async with serving("site", data.environment(url, folder)) as port:
            listeners = _many(cookies, number)
            way = await journeys(port, author, listeners, posts=posts, pause=_PAUSE_SECONDS)
            last = _show(f"to the last of {number:,}", way, number)
            good = good and last <= GOALS_MS.get(number, float("inf"))
    if stuck:
        async with serving("site", data.environment(url, folder)) as port:
            listeners, silent = _many(cookies, readers), _many(cookies, stuck)
            fair = await _beside_stuck(port, author, listeners, silent, 2 * posts)
        good = good and fair
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
