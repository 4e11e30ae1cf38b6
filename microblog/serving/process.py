"""One serving process: takes a listening socket, runs the app in Hypercorn, and stops in time."""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework
from hypercorn.utils import LifespanFailureError, LifespanTimeoutError

from microblog.serving.listening import BACKLOG
from microblog.serving.mends import cut_connections, mend

try:
    import uvloop
except ImportError:  # Windows has none
    fast_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    fast_loop = uvloop.new_event_loop

log = logging.getLogger(__name__)

MESSAGE_BYTES = 65_536
HEADER_BYTES = 16_384
KEEP_ALIVE_SECONDS = 15
# The parent is gone: whoever follows wants the port, so goodbyes are short.
ORPHAN_SECONDS = 0.5
HURRY_SECONDS = 0.5
# After the connections are cut: for Hypercorn's own cancelling, and for the app to tidy up.
CANCEL_SECONDS = 0.2
CLOSE_SECONDS = 1.0
# With what follows it, a stop never takes ten seconds.
LONGEST_PATIENCE = 8.4


class CannotStart(Exception):
    """The app refused to come up; its own log lines say why."""


@dataclass(frozen=True)
class Service:
    """What a process needs to serve: the app, whom to tell that it stops, and how patient to be.

    `ready` is called once connections are really accepted; `goodbye` is awaited, while requests
    under way finish, as soon as the stop is asked for; `patience` is in seconds.
    """

    app: ASGIFramework
    goodbye: Callable[[], Awaitable[None]]
    ready: Callable[[], None]
    patience: float = 8.0
    ping_seconds: float = 20.0
    new_loop: Callable[[], asyncio.AbstractEventLoop] = fast_loop


class Stop:
    """The way out: asked once it is orderly, asked again it is quick, and it always arrives."""

    def __init__(self, patience: float) -> None:
        self.asked = asyncio.Event()
        self._patience = patience
        self._loop = asyncio.get_running_loop()

    def ask(self) -> None:
        if self.asked.is_set():
            self._end_after(0)
        else:
            log.info("stopping: no new connections, waiting for what is under way")
            self.asked.set()
            self._end_after(self._patience)

    def ask_as_orphan(self) -> None:
        self.asked.set()
        self._end_after(ORPHAN_SECONDS)

    def _end_after(self, seconds: float) -> None:
        self._loop.call_later(seconds, self._cut)
        # A thread, because a blocked loop or a stuck thread pool must not keep us either.
        close = CLOSE_SECONDS if seconds else HURRY_SECONDS
        last_resort = threading.Timer(seconds + CANCEL_SECONDS + close, _leave)
        last_resort.daemon = True
        last_resort.start()

    def _cut(self) -> None:
        if number := cut_connections():
            log.info("connections cut at the end of the wait: %d", number)


def _leave() -> None:
    """End now, with success: the stop was asked for, and whatever was promised is committed."""
    log.warning("something would not end in time; leaving without it")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def run(service: Service, listener: socket.socket, leash: socket.socket | None = None) -> None:
    """Serve until a signal, or until the other end of `leash` closes. Raises CannotStart."""
    mend()
    with asyncio.Runner(loop_factory=service.new_loop) as runner:
        runner.run(_serve(service, listener, leash))


async def _serve(service: Service, listener: socket.socket, leash: socket.socket | None) -> None:
    stop = _stop_when_told(service.patience, leash)
    farewells: list[asyncio.Task[None]] = []

    async def until_asked() -> None:
        if not stop.asked.is_set():
            service.ready()
        await stop.asked.wait()
        # Runs beside Hypercorn's draining, which closes the listener first.
        farewells.append(asyncio.create_task(_farewell(service.goodbye)))

    try:
        config = configuration(listener.detach(), service)
        await hypercorn_serve(service.app, config, shutdown_trigger=until_asked, mode="asgi")
    except LifespanFailureError as error:
        raise CannotStart from error
    except LifespanTimeoutError as error:
        if not stop.asked.is_set():
            raise CannotStart from error
        log.warning("the app did not close its things in time")
    await asyncio.gather(*farewells)


def _stop_when_told(patience: float, leash: socket.socket | None) -> Stop:
    loop = asyncio.get_running_loop()
    stop = Stop(patience)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask)
    if leash is not None:
        loop.add_reader(leash, _let_go, leash, stop)
    return stop


async def _farewell(goodbye: Callable[[], Awaitable[None]]) -> None:
    try:
        await goodbye()
    except Exception:
        log.exception("saying goodbye to the open sockets failed")


def _let_go(leash: socket.socket, stop: Stop) -> None:
    asyncio.get_running_loop().remove_reader(leash)
    stop.ask_as_orphan()


def configuration(descriptor: int, service: Service) -> Config:
    """Hypercorn's settings for this service.

    There is no read timeout: it would also cut answers and downloads that take long. Slow headers
    end with the keep-alive time, slow bodies with the app's own limit, dead peers by their pongs.
    """
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.backlog = BACKLOG
    config.graceful_timeout = service.patience + CANCEL_SECONDS
    config.shutdown_timeout = CLOSE_SECONDS
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.h11_max_incomplete_size = HEADER_BYTES
    config.websocket_ping_interval = service.ping_seconds
    config.websocket_max_message_size = MESSAGE_BYTES
    config.include_server_header = False
    errors = logging.getLogger("hypercorn.error")
    # It announces its address by itself; once is enough.
    errors.setLevel(logging.WARNING)
    config.errorlog = errors
    return config
