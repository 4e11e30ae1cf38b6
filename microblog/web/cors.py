"""CORS (Fetch standard, 3.2): which scripts of other sites may read what programs are answered.

Those of the origins that the operator has named, and never with a cookie.
"""

from collections.abc import Collection

EXPOSED = (
    "Content-Disposition, ETag, Idempotency-Replayed, Link, Location, RateLimit, RateLimit-Policy,"
    " Retry-After, WWW-Authenticate, X-Request-Id"
)


def beside(origin: str | None, allowed: Collection[str]) -> dict[str, str]:
    """What stands beside an answer to a script of this origin, besides ``Vary: Origin``."""
    if origin is None or origin not in allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}
