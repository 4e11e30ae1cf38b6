"""The wrapper around the application."""

from collections.abc import Mapping
from typing import Any

from microblog.web.edge import bodies
from microblog.web.edge.answers import Outgoing, refuse_http, refuse_websocket
from microblog.web.edge.asgi import Application, Receive, Scope, Send
from microblog.web.edge.refused import Refuse, Refused, plain_refusal
from microblog.web.edge.rules import allowed_hosts, examine

_SECURE_SCHEMES = {"http": "https", "websocket": "wss"}


class Edge:
    """`app` behind the rules of this package.

    `max_body` is in bytes; `body_limits` gives single paths another limit. `base_url` is the
    only host that is served, or empty for any. `refuse` draws the refusals and must not block.
    """

    def __init__(
        self,
        app: Application,
        *,
        max_body: int,
        base_url: str = "",
        refuse: Refuse = plain_refusal,
        body_limits: Mapping[str, int] | None = None,
        image_sources: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._https = base_url.lower().startswith("https://")
        self._hosts = allowed_hosts(base_url)
        self._refuse = refuse
        self._body_limits = dict(body_limits or {})
        self._image_sources = image_sources

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
        except Refused as refused:
            await refuse_websocket(scope, out, self._refuse, refused)
        else:
            await self._app(scope, receive, out)

    async def _http(self, scope: Scope, receive: Receive, out: Outgoing) -> None:
        try:
            head = examine(scope, self._hosts)
            limit = self._body_limits.get(scope["path"], self._max_body)
            bodies.check_declared(head, limit)
            if head.expects_body and limit > bodies.MAX_BUFFERED:
                await self._counted(scope, receive, out, limit)
                return
            ready = await bodies.buffered(head, receive, limit) if head.expects_body else receive
        except Refused as refused:
            await refuse_http(scope, receive, out, self._refuse, refused)
        except bodies.Gone:
            pass
        else:
            await self._guarded(scope, ready, out, out)

    async def _counted(self, scope: Scope, receive: Receive, out: Outgoing, limit: int) -> None:
        counted = bodies.Counted(receive, out, limit)
        await self._guarded(scope, counted.receive, counted.send, out)
        if counted.refused is not None and not out.started:
            raise counted.refused

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, out: Outgoing) -> None:
        """The last resort: a failure that the framework itself lets out."""
        try:
            await self._app(scope, receive, send)
        except Exception:
            if not out.started:
                failed = Refused(500, "Something went wrong here.", unread=False)
                await refuse_http(scope, receive, out, self._refuse, failed)
            raise
