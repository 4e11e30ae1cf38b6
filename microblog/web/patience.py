"""Patience: a large body stays on the line until the application begins to read it.

The framework takes in whatever arrives, read or not: all of a quick sender's file would be in
memory before it is known who that is.
"""

import asyncio
from collections.abc import Collection
from typing import Any

from microblog.web.edge.asgi import Application, Receive, Send

_WANTED = "microblog.wanted"


class Patience:
    """A wrapper around the application, for the paths that take large files."""

    def __init__(self, app: Application, paths: Collection[str]) -> None:
        """Take the application, and the paths."""
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Pass everything on; a body when it is wanted, or when it was answered unread."""
        if scope["type"] != "http" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        wanted = asyncio.Event()

        async def receive_wanted() -> Any:
            await wanted.wait()
            return await receive()

        async def send_and_go_on(message: Any) -> None:
            wanted.set()
            await send(message)

        await self._app({**scope, _WANTED: wanted}, receive_wanted, send_and_go_on)


def begin(scope: Any) -> None:
    """Let the body of this request come: somebody reads it now."""
    if _WANTED in scope:
        scope[_WANTED].set()
