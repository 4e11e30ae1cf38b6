"""The visitor's own cookie: for pages only."""

from quart import Quart
from quart.sessions import SecureCookieSession
from quart.wrappers import BaseRequestWebsocket

from microblog.web import negotiation
from microblog.web.thrift import Cookies


class Visits(Cookies):
    """Programs have no such cookie: theirs is not read, and no answer varies with one."""

    async def open_session(
        self, app: Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        """What the cookie holds; nothing that could hold anything under ``/api``."""
        if negotiation.is_api(request.path):
            return None
        return await super().open_session(app, request)
