"""What the framework and its login cookie make anew for each request, made once.

Together a third of what a request costs here before it comes to its page.
"""

from collections.abc import Callable
from inspect import CO_COROUTINE
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from quart import Quart, Response, current_app, g
from quart.sessions import SecureCookieSessionInterface
from quart_auth import QuartAuth


class Application(Quart):
    """Knows an asynchronous function by its mark, where the framework takes it apart each time."""

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As the framework's, which it asks for whatever is not marked so."""
        code = getattr(func, "__code__", None)
        if code is not None and code.co_flags & CO_COROUTINE:
            return func
        return super().ensure_async(func)


class Logins(QuartAuth):
    """Keeps what reads the cookie; and leaves answers alone for which nobody asked who it is."""

    _reading: tuple[str, URLSafeTimedSerializer] | None = None

    def load_token(self, token: str, app: Quart | None = None) -> str | None:
        """The ``auth_id`` in a cookie, if its signature is ours and not too old."""
        key = str((app or current_app).secret_key)
        if self._reading is None or self._reading[0] != key:
            self._reading = key, self.serializer_class([key], self.salt or "")
        try:
            found: str = self._reading[1].loads(token, max_age=self.duration)
        except BadSignature:
            return None
        return found

    async def after_request(self, response: Response) -> Response:
        """Write or delete the cookie, if there was a login or a logout."""
        if not hasattr(g, self.attribute_name):
            return response
        return await super().after_request(response)


class Cookies(SecureCookieSessionInterface):
    """Keeps what signs the visitor's cookie."""

    _signing: tuple[str, URLSafeTimedSerializer | None] | None = None

    def get_signing_serializer(self, app: Quart) -> URLSafeTimedSerializer | None:
        """As the framework's, made once for a key."""
        key = str(app.secret_key)
        if self._signing is None or self._signing[0] != key:
            self._signing = key, super().get_signing_serializer(app)
        return self._signing[1]
