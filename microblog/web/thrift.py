"""What the framework and its login cookie make anew for each request, made once.

Together a quarter of what a page costs in the application, once it is drawn: reading the login
cookie 13 %, what signs cookies 7, leaving the visitor's alone 6, knowing functions by their mark 3.
"""

import time
from collections.abc import Callable
from inspect import CO_COROUTINE
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from quart import Quart, Response, current_app, g
from quart.sessions import SecureCookieSessionInterface, SessionMixin
from quart.typing import ResponseTypes
from quart_auth import QuartAuth

# Ours have half of that. What is signed may be spelt in many ways, and some are long.
_LONGEST_KEPT = 300


class Application(Quart):
    """Knows an asynchronous function by its mark, where the framework takes it apart each time."""

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As the framework's, which it asks for whatever is not marked so."""
        code = getattr(func, "__code__", None)
        if code is not None and code.co_flags & CO_COROUTINE:
            return func
        return super().ensure_async(func)


class Logins(QuartAuth):
    """Keeps what reads the cookie, and what it has read; a login may be over none the less.

    ``most`` cookies are kept. Answers are left alone for which nobody asked who it is.
    """

    most = 4096
    _reading: tuple[str, URLSafeTimedSerializer] | None = None

    def __init__(self, app: Quart, **options: Any) -> None:
        """As quart-auth's."""
        self._read: dict[str, tuple[str, float]] = {}
        super().__init__(app, **options)

    def load_token(self, token: str, app: Quart | None = None) -> str | None:
        """The ``auth_id`` in a cookie, if its signature is ours and not too old."""
        key = str((app or current_app).secret_key)
        if self._reading is None or self._reading[0] != key:
            self._reading = key, self.serializer_class([key], self.salt or "")
            self._read.clear()
        known, until = self._read.get(token, ("", 0.0))
        if time.time() < until:
            return known
        try:
            found, since = self._reading[1].loads(
                token, max_age=self.duration, return_timestamp=True
            )
        except BadSignature:
            return None
        found = str(found)
        if self.most and len(token) <= _LONGEST_KEPT:
            self._keep(token, found, since.timestamp() + self.duration)
        return found

    def _keep(self, token: str, found: str, until: float) -> None:
        if len(self._read) >= self.most:
            self._read.clear()
        self._read[token] = found, until

    async def after_request(self, response: Response) -> Response:
        """Write or delete the cookie, if there was a login or a logout."""
        if not hasattr(g, self.attribute_name):
            return response
        return await super().after_request(response)


class Cookies(SecureCookieSessionInterface):
    """Keeps what signs the visitor's cookie; and leaves pages alone for which nothing changed."""

    _signing: tuple[str, URLSafeTimedSerializer | None] | None = None

    def get_signing_serializer(self, app: Quart) -> URLSafeTimedSerializer | None:
        """As the framework's, made once for a key."""
        key = str(app.secret_key)
        if self._signing is None or self._signing[0] != key:
            self._signing = key, super().get_signing_serializer(app)
        return self._signing[1]

    async def save_session(
        self, app: Quart, session: SessionMixin, response: ResponseTypes | None
    ) -> None:
        """As the framework's, which looks up all about a cookie before it sees that there is none.

        An answer that varies with cookies says so itself.
        """
        is_said = response is not None and "Cookie" in response.headers.get("Vary", "")
        if session.modified or session.permanent or (session.accessed and not is_said):
            await super().save_session(app, session, response)
