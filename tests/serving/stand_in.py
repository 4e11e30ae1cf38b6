"""A small site with the manners of the real one, served by the real machinery.

Run as a program: `stand_in.py [--workers N] [--port P] [--patience S]`; workers run it again.
"""

import argparse
import asyncio
import gc
import os
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from quart import Quart, websocket
from wsproto.frame_protocol import FrameProtocol

from microblog.serving import listening, process, pulse
from microblog.serving.leash import Leash
from microblog.serving.mends import Connection
from microblog.serving.supervisor import Supervisor
from microblog.web.edge import Crowd, Edge


def make_app() -> tuple[Quart, Callable[[float], Awaitable[None]]]:
    """The app, and the goodbye that asks every open socket to close."""
    app = Quart(__name__)
    closing, released = asyncio.Event(), asyncio.Event()
    served: list[str] = []  # websockets

    @app.route("/pid", methods=["GET", "POST"])
    async def pid() -> str:
        return str(os.getpid())

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(1)
        return "done"

    @app.get("/held")
    async def held() -> str:
        await released.wait()
        return "done"

    @app.post("/release")
    async def release() -> str:
        released.set()
        released.clear()
        return "released"

    @app.post("/block")
    async def block() -> str:
        time.sleep(60)
        return "too late"

    @app.get("/stuck")
    async def stuck() -> str:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    @app.get("/frozen")
    async def frozen() -> str:
        return str(gc.get_freeze_count())

    @app.get("/switching")
    async def switching() -> str:
        return str(sys.getswitchinterval())

    @app.get("/wasted")
    async def wasted() -> str:
        """How many connections and parsers only the collector could free, since asked last."""
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        gc.set_debug(0)
        found = sum(isinstance(each, Connection | FrameProtocol) for each in gc.garbage)
        gc.garbage.clear()
        return str(found)

    @app.get("/open")
    async def number_of_open() -> str:
        return str(len(served))

    @app.websocket("/live")
    async def live() -> None:
        served.append(websocket.path)
        try:
            await websocket.send("hello")
            reading = asyncio.create_task(_read())
            await closing.wait()
            reading.cancel()
            await websocket.close(1001)
        finally:
            served.remove("/live")

    @app.websocket("/pondered")
    async def pondered() -> None:
        """It takes its time before it lets anybody in."""
        served.append(websocket.path)
        try:
            await released.wait()
        finally:
            served.remove("/pondered")

    @app.websocket("/once")
    async def once() -> None:
        await websocket.send(f"got {len(await websocket.receive())}")

    @app.websocket("/flood")
    async def flood() -> None:
        await websocket.send("hello")
        while True:
            await websocket.send("x" * 65_536)

    async def _read() -> None:
        while True:
            await websocket.receive()

    async def goodbye(_spread: float) -> None:
        closing.set()

    return app, goodbye


def work(chosen: argparse.Namespace, listener: socket.socket, leash: Leash | None) -> None:
    app, goodbye = make_app()
    shedder = None
    if chosen.places:
        entrance = Edge(app.asgi_app, max_body=1024, crowd=Crowd(chosen.places, 0, 600))
        app.asgi_app, shedder = entrance, entrance.shedder  # type: ignore[method-assign]
    if chosen.files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (chosen.files, chosen.files))
    service = process.Service(
        app,
        goodbye,
        partial(announce, listening.url(listener)),
        patience=chosen.patience,
        ping_seconds=chosen.ping,
        new_loop=asyncio.new_event_loop if chosen.plain_loop else process.fast_loop,
        stall_seconds=chosen.stall,
        shedder=shedder,
    )
    process.run(service, listener, leash)


def work_for_keeper(chosen: argparse.Namespace) -> None:
    pulse.die_with_parent()
    pulse.be_called("stand-in-spare")
    leash = Leash(chosen.leash)
    if leash.wait():
        pulse.be_called("stand-in-serve")
        work(chosen, socket.socket(fileno=chosen.fd), leash)


def announce(url: str) -> None:
    print(f"stand-in is at {url}", flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--patience", type=float, default=8.0)
    parser.add_argument("--plain-loop", action="store_true", help="asyncio's own loop")
    parser.add_argument("--ping", type=float, default=20.0)
    parser.add_argument("--stall", type=float, default=0.0)
    parser.add_argument("--spare", action="store_true")
    parser.add_argument("--places", type=int, default=0, help="requests at once; nobody waits")
    parser.add_argument("--files", type=int, default=0, help="as many may be open")
    parser.add_argument("--fail", type=int, help="workers end at once with this status")
    parser.add_argument("--fail-if", type=Path, help="so they do while there is such a file")
    parser.add_argument("--fd", type=int)
    parser.add_argument("--leash", type=int)
    return parser.parse_args()


def main() -> None:
    chosen = options()
    if chosen.fd is not None:
        if chosen.fail and (chosen.fail_if is None or chosen.fail_if.exists()):
            sys.exit(chosen.fail)
        work_for_keeper(chosen)
        return
    listener = listening.listen("127.0.0.1", chosen.port)
    if chosen.workers == 1:
        work(chosen, listener, None)
        return
    command = [sys.executable, *sys.argv]
    ready = partial(announce, listening.url(listener))
    keeper = Supervisor(
        command,
        listener,
        chosen.workers,
        ready=ready,
        patience=chosen.patience,
        stall_seconds=chosen.stall,
        spare=chosen.spare,
    )
    sys.exit(asyncio.run(keeper.run()))


if __name__ == "__main__":
    main()
