"""Anti-forgery: a change is accepted only from our own pages.

First the browser's own word (Sec-Fetch-Site, Origin), then a token that only our pages know. It is
bound to the login, or before that to a secret in the visitor's cookie, so a token from before the
login is worth nothing after it. Each page shows it in another disguise (a fresh nonce), so that its
length on a compressed page tells nothing.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from quart import current_app, request, session
from werkzeug.exceptions import BadRequest

from microblog.i18n import marked
from microblog.web import identity

_FIELD = "csrf_token"
_HEADER = "X-CSRFToken"
_ANONYMOUS = "csrf"


class Forged(BadRequest):
    """The request did not come from our own page, or that page is too old."""

    description = marked("This form is too old, or it was not ours. Please try again.")


def token() -> str:
    """A token for the page that is being made; a visitor without a login gets a cookie for it."""
    nonce = secrets.token_urlsafe(9)
    return f"{nonce}.{_sign(nonce, identity.login_token() or _visitor())}"


def refuse_foreign(*, nameless: bool = False) -> None:
    """Raise :class:`Forged` if the browser says that another site is behind this request.

    Of the body nothing is read for it. The form of a ``nameless`` page, which has the referrer
    policy ``no-referrer``, comes with the origin ``null`` (Fetch standard, "append a request Origin
    header").
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise Forged
    if origin == "null" and (site == "same-origin" or (nameless and site is None)):
        origin = None
    if origin is not None and not is_own_origin(origin, request.headers.get("Host", "")):
        raise Forged


async def check(*, nameless: bool = False) -> None:
    """Raise :class:`Forged` unless this request comes from a page of ours."""
    refuse_foreign(nameless=nameless)
    given = request.headers.get(_HEADER) or (await request.form).get(_FIELD, "")
    binding = identity.login_token() or session.get(_ANONYMOUS, "")
    nonce, _, signature = given.partition(".")
    if not binding or not hmac.compare_digest(
        signature.encode("utf-8", "replace"), _sign(nonce, binding).encode()
    ):
        raise Forged


def is_own_origin(origin: str, host: str) -> bool:
    """Whether an Origin header names this very service (``null`` never does)."""
    base_url = current_app.config["BASE_URL"]
    if base_url:
        return bool(origin == base_url)
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc != "" and parts.netloc == host


def _visitor() -> str:
    if _ANONYMOUS not in session:
        session[_ANONYMOUS] = secrets.token_urlsafe(16)
    return str(session[_ANONYMOUS])


def _sign(nonce: str, binding: str) -> str:
    key = str(current_app.secret_key).encode()
    message = f"csrf\0{nonce}\0{binding}".encode("utf-8", "replace")
    return hmac.digest(key, message, "sha256").hex()
