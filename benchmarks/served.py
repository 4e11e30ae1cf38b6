"""The measured server, as a process of its own: the site, or a bare Quart, served the same way."""

import asyncio
import sys

from quart import Quart

from microblog.adapters.language import Detector
from microblog.app import create_app
from microblog.serving import listening, process
from microblog.settings import NO_FILE, load
from microblog.web import edge


async def nothing(_spread: float) -> None:
    """Say no goodbye: nobody waits for one."""


def hello() -> Quart:
    """The least that Quart can do."""
    app = Quart("hello")

    @app.get("/")
    async def greet() -> str:
        return "hello"

    return app


async def load_languages() -> None:
    """Load what a service loads a moment after its start, so that it falls into no figure."""
    detector = Detector()
    await detector.open()
    detector.close()


def main(which: str) -> None:
    """Serve on a free port of the loopback address, and print its number when it accepts."""
    if which != "hello":
        asyncio.run(load_languages())
    app = hello() if which == "hello" else create_app(load(NO_FILE))
    listener = listening.listen("127.0.0.1", 0)
    port = listening.address(listener)[1]
    service = process.Service(
        app,
        nothing,
        lambda: print(port, flush=True),
        patience=1.0,
        shedder=app.extensions[edge.EXTENSION].shedder
        if edge.EXTENSION in app.extensions
        else None,
    )
    process.run(service, listener)


if __name__ == "__main__":
    main(sys.argv[1])
