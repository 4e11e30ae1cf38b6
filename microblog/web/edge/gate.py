"""The wrapper around the application."""

from collections.abc import Mapping
from typing import Any

from microblog.web import headers
from microblog.web.edge import bodies
from microblog.web.edge.answers import Outgoing, answer, refuse_http, refuse_websocket
from microblog.web.edge.arrivals import ARRIVAL, Arrival
from microblog.web.edge.asgi import Application, Receive, Scope, Send
from microblog.web.edge.crowd import Crowd, hold
from microblog.web.edge.line import busy
from microblog.web.edge.refused import Beside, Refuse, Refused, nothing_beside, plain_refusal
from microblog.web.edge.rules import allowed_hosts, examine
from microblog.web.edge.shedding import Shedder

# Where an application keeps its own.
EXTENSION = "microblog.edge"
_SECURE_SCHEMES = {"http": "https", "websocket": "wss"}


class Edge:
    """`app` behind the rules of this package.

    `max_body` is in bytes; `body_limits` gives single paths another limit, and all paths under a
    first part, which ends in a slash there. `base_url` is the only host that is served, or empty
    for any. `refuse` draws the refusals, `beside` gives headers for them; neither must block.
    `crowd` bounds how many requests the application sees at once; without it nothing does.
    """

    def __init__(
        self,
        app: Application,
        *,
        max_body: int,
        base_url: str = "",
        refuse: Refuse = plain_refusal,
        beside: Beside = nothing_beside,
        body_limits: Mapping[str, int] | None = None,
        image_sources: tuple[str, ...] = (),
        crowd: Crowd | None = None,
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._https = base_url.lower().startswith("https://")
        self._hosts = allowed_hosts(base_url)
        self._refuse = refuse
        self._beside = beside
        self._body_limits = dict(body_limits or {})
        self._image_sources = image_sources
        self.crowd = crowd or Crowd()
        self.shedder = Shedder(self.crowd.reading, self._told_to_go)

    # The framework types its scopes too narrowly for ours: hence Any.
    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if self._https and scope["type"] in _SECURE_SCHEMES:
            # The proxy in front speaks TLS; behind it the application must know.
            scope = {**scope, "scheme": _SECURE_SCHEMES[scope["type"]]}
        if scope["type"] == "http":
            await self._http(scope, receive, self._outgoing(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, self._outgoing(scope, send))
        else:
            await self._app(scope, receive, send)

    def _outgoing(self, scope: Scope, send: Send) -> Outgoing:
        https = self._https or scope.get("scheme") in ("https", "wss")
        return Outgoing(send, https=https, image_sources=self._image_sources)

    async def _websocket(self, scope: Scope, receive: Receive, out: Outgoing) -> None:
        try:
            examine(scope, self._hosts)
            place, receive = await self.crowd.shaking.turn(receive)
        except Refused as refused:
            await refuse_websocket(scope, out, self._refuse, refused)
        except bodies.Gone:
            pass
        else:
            out.on_start = place.give_back
            try:
                await self._app(scope, receive, out)
            finally:
                place.end()

    async def _http(self, scope: Scope, receive: Receive, out: Outgoing) -> None:
        arrival: Arrival | None = (scope.get("state") or {}).get(ARRIVAL)
        since = arrival.reach() if arrival is not None else None
        try:
            limit, ready = await self._examined(scope, receive)
            place, ready = await self.crowd.turn(scope, ready, large=limit is not None, since=since)
        except Refused as refused:
            await self._say_no(scope, receive, out, refused)
        except bodies.Gone:
            pass
        else:
            out.on_start = place.give_back
            try:
                await self._served(hold(scope, place), ready, out, limit)
            finally:
                place.end()

    async def _examined(self, scope: Scope, receive: Receive) -> tuple[int | None, Receive]:
        """What to receive from; and the limit of a body that is still to come and be counted."""
        head = examine(scope, self._hosts)
        limit = self._limit(scope["path"])
        bodies.check_declared(head, limit)
        if not head.expects_body:
            return None, receive
        if limit > bodies.MAX_BUFFERED:
            return limit, receive
        return None, await bodies.buffered(head, receive, limit)

    def _limit(self, path: str) -> int:
        first = path[: path.find("/", 1) + 1]
        limits = self._body_limits
        return limits.get(path) or limits.get(first) or self._max_body

    async def _served(
        self, scope: Scope, receive: Receive, out: Outgoing, limit: int | None
    ) -> None:
        if limit is None:
            await self._guarded(scope, receive, out, out)
            return
        counted = bodies.Counted(receive, out, limit)
        await self._guarded(scope, counted.receive, counted.send, out)
        if counted.refused is not None and not out.started:
            await self._say_no(scope, receive, out, counted.refused)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, out: Outgoing) -> None:
        """The last resort: a failure that the framework itself lets out."""
        try:
            await self._app(scope, receive, send)
        except Exception:
            if not out.started:
                failed = Refused(500, "Something went wrong here.", unread=False)
                await self._say_no(scope, receive, out, failed)
            raise

    async def _say_no(self, scope: Scope, receive: Receive, out: Outgoing, no: Refused) -> None:
        no.beside = self._beside(scope)
        await refuse_http(scope, receive, out, self._refuse, no)

    def _told_to_go(self, scope: Scope) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """The whole refusal of one for whom there is no room, as it is said before the gate."""
        no = busy()
        no.closes = False
        no.beside = self._beside(scope)
        start, body = answer(scope, self._refuse, no)
        fields = headers.apply(
            start["headers"], https=self._https, image_sources=self._image_sources
        )
        return fields, body
