"""The handshake is the framework's, with everything that a page's request has; the socket is not.

As long as a socket is open the framework would keep its request, its context and three tasks for
it. So the view only examines, and leaves word of who may come in; when the framework has put
everything away, the reader is served here.
"""

from typing import Any

from quart import websocket
from quart.asgi import ASGIWebsocketConnection

from microblog.live import outbox
from microblog.live.outbox import Line
from microblog.resources import Resources
from microblog.web import journal, scope
from microblog.web.edge.asgi import Receive, Send
from microblog.web.live.feed import Feed, Guest

_GUEST = "microblog.guest"
_LINE = "microblog.line"


def let_in(guest: Guest) -> None:
    """Have the socket under examination served, when the view has returned."""
    # ASGI gives an application this place for its own; the framework's types do not.
    asked: Any = websocket.scope
    asked[_GUEST] = guest
    journal.keep_open()


class Connection(ASGIWebsocketConnection):
    """What the application makes of each websocket."""

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Examine, and serve."""
        examined: Any = self._create_websocket_from_scope(send)
        await self.handle_websocket(examined, send)
        del examined
        asked: Any = self.scope
        guest: Guest | None = asked.pop(_GUEST, None)
        if guest is None:
            return
        # Nobody looks at them again, and a browser's are long.
        asked["headers"] = ()
        try:
            await self._serve(guest, receive, send)
        finally:
            journal.end_open(self.app)

    async def _serve(self, guest: Guest, receive: Receive, send: Send) -> None:
        resources: Resources = self.app.extensions[scope.EXTENSION]
        settings, hub, person = resources.settings, resources.hub, guest.actor.id
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        if hub.sockets[person] >= settings.limits.scaled(settings.live.connections_per_user):
            await send({"type": "websocket.close", "code": outbox.TOO_MANY})
            return
        # What our own server offers, an extension of ASGI: see microblog.serving.sockets.
        offered: dict[str, Any] = self.scope.get("extensions") or {}
        line: Line | None = offered.pop(_LINE, None)
        hub.sockets[person] += 1
        try:
            await Feed(hub, resources.database, receive, send, line).serve(guest)
        finally:
            hub.sockets[person] -= 1
            if not hub.sockets[person]:
                del hub.sockets[person]
