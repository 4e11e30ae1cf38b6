"""One serving process: takes a listening socket, runs the app in Hypercorn, and stops in time."""

import asyncio
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from hypercorn.config import Config
from hypercorn.typing import ASGIFramework
from hypercorn.utils import LifespanFailureError, LifespanTimeoutError

from microblog.serving import accepting, descriptors, garbage, pulse, systemd
from microblog.serving.leash import BEAT, READY, Leash
from microblog.serving.mends import MESSAGE_BYTES, PING_SECONDS, mend
from microblog.serving.stopping import CANCEL_SECONDS, CLOSE_SECONDS, Stop, stop_when_told
from microblog.web.edge import Shedder

try:
    import uvloop
except ImportError:  # Windows has none
    fast_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    fast_loop = uvloop.new_event_loop

log = logging.getLogger(__name__)

# For so long a thread beside the loop (archives, languages, the database's) may keep the
# interpreter from the loop. Usual are 5 ms; a page asks for it several times.
THREAD_SECONDS = 0.0005
HEADER_BYTES = 16_384
KEEP_ALIVE_SECONDS = 15


class CannotStart(Exception):
    """The app refused to come up; its own log lines say why."""


@dataclass(frozen=True)
class Service:
    """What a process needs to serve: the app, whom to tell that it stops, and how patient to be.

    `ready` is called once connections are really accepted, in a process without a keeper;
    `goodbye` is awaited, while requests under way finish, as soon as the stop is asked for, with
    the seconds over which sockets may be closed; `patience` is in seconds, and so is
    `stall_seconds`: how long the loop may stand still (0: for ever). `shedder` refuses what is too
    much before it costs anything.
    """

    app: ASGIFramework
    goodbye: Callable[[float], Awaitable[None]]
    ready: Callable[[], None]
    patience: float = 8.0
    ping_seconds: float = PING_SECONDS
    new_loop: Callable[[], asyncio.AbstractEventLoop] = fast_loop
    stall_seconds: float = 0.0
    shedder: Shedder | None = None


def run(service: Service, listener: socket.socket, leash: Leash | None = None) -> None:
    """Serve until a signal, or until the other end of `leash` closes. Raises CannotStart."""
    mend()
    sys.setswitchinterval(THREAD_SECONDS)
    descriptors.raise_limit()
    if leash is not None:
        leash.leave_last_words()
    with asyncio.Runner(loop_factory=service.new_loop) as runner:
        runner.run(_serve(service, listener, leash))


async def _serve(service: Service, listener: socket.socket, leash: Leash | None) -> None:
    stop = stop_when_told(service.patience, leash)
    farewells: list[asyncio.Task[None]] = []
    signs = asyncio.create_task(_live(service, leash), name="pulse")

    def begun() -> None:
        garbage.settle()
        if leash is None:
            service.ready()
            systemd.ready()
        else:
            leash.say(READY)

    def ending() -> None:
        if leash is None:
            systemd.stopping()
        farewells.append(asyncio.create_task(_farewell(service.goodbye, stop)))

    config = configuration(service)
    try:
        await accepting.serve(
            service.app,
            config,
            listener,
            stop,
            most=descriptors.most_connections(),
            shedder=service.shedder,
            begun=begun,
            ending=ending,
        )
    except LifespanFailureError as error:
        raise CannotStart from error
    except LifespanTimeoutError as error:
        if not stop.asked.is_set():
            raise CannotStart from error
        log.warning("the app did not close its things in time")
    await asyncio.gather(*farewells)
    signs.cancel()
    with suppress(asyncio.CancelledError):
        await signs


async def _live(service: Service, leash: Leash | None) -> None:
    """Give signs of life to whoever is there to notice that there are none."""
    if leash is None:
        await pulse.live_alone(service.stall_seconds)
    else:
        await pulse.beat(pulse.interval(service.stall_seconds), partial(leash.say, BEAT))


async def _farewell(goodbye: Callable[[float], Awaitable[None]], stop: Stop) -> None:
    try:
        await goodbye(stop.spread)
    except Exception:
        log.exception("saying goodbye to the open sockets failed")


def configuration(service: Service) -> Config:
    """Hypercorn's settings for this service.

    There is no read timeout: it would also cut answers and downloads that take long. Slow headers
    end with the keep-alive time, slow bodies with the app's own limit, dead peers by their pongs.
    """
    config = Config()
    config.graceful_timeout = service.patience + CANCEL_SECONDS
    # Jobs are given back beside the draining, which may be over sooner; the last resort ends both.
    config.shutdown_timeout = service.patience + CLOSE_SECONDS
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = HEADER_BYTES
    config.websocket_ping_interval = service.ping_seconds
    config.websocket_max_message_size = MESSAGE_BYTES
    config.include_server_header = False
    errors = logging.getLogger("hypercorn.error")
    errors.setLevel(logging.WARNING)
    config.errorlog = errors
    return config
