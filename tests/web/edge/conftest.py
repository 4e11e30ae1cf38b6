"""Servers for the tests of the edge."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio

from microblog.web.edge import Edge
from tests.web.edge.speaking import LIMIT, UPLOAD_LIMIT, Server, StartServer, serve_app, small_app


@pytest_asyncio.fixture
async def start() -> AsyncIterator[StartServer]:
    stops: list[Callable[[], Awaitable[None]]] = []

    async def begin(**settings: Any) -> Server:
        app = small_app()
        limits = {"/upload": UPLOAD_LIMIT, "/upload/unread": UPLOAD_LIMIT}
        settings = {"max_body": LIMIT, "body_limits": limits, **settings}
        app.asgi_app = Edge(app.asgi_app, **settings)  # type: ignore[method-assign]
        server, stop = await serve_app(app)
        stops.append(stop)
        return server

    yield begin
    for stop in stops:
        await stop()


@pytest_asyncio.fixture
async def server(start: StartServer) -> Server:
    return await start()
