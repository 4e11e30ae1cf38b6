"""Security headers: what every answer tells the browser to refuse.

One table, put on by the edge, so that pages, errors, redirects and static files cannot differ; and
one of shorter values for pictures. A route that needs another value sets its own header, and that
one stays.
"""

from collections.abc import Iterable
from functools import lru_cache

GRAVATAR = "https://www.gravatar.com"

HSTS = ("strict-transport-security", f"max-age={2 * 365 * 86400}; includeSubDomains")

# Features that a page of words and small pictures never asks for.
_POWERFUL = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)


def content_security_policy(image_sources: Iterable[str] = ()) -> str:
    """The policy; `image_sources` are further origins that pictures may come from."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            " ".join(("img-src 'self'", *image_sources)),
            "font-src 'self'",
            # Covers the websocket of the same origin too.
            "connect-src 'self'",
            "manifest-src 'self'",
            # A smuggled-in form could still steal a password where scripts cannot run.
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


SECURITY_HEADERS: list[tuple[str, str]] = [
    ("content-security-policy", content_security_policy()),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", ", ".join(f"{feature}=()" for feature in _POWERFUL)),
]

# Nothing runs in a picture, even where it is opened by itself, so a policy that allows nothing says
# it all. A page shows a few dozen of them, and the long lists would outweigh what they draw.
PICTURE_HEADERS: list[tuple[str, str]] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
]


@lru_cache(maxsize=8)
def _wanted(
    https: bool, image_sources: tuple[str, ...], is_picture: bool
) -> tuple[tuple[bytes, bytes], ...]:
    table = dict(PICTURE_HEADERS if is_picture else SECURITY_HEADERS)
    if not is_picture:
        table["content-security-policy"] = content_security_policy(image_sources)
    # Whoever says nothing about caching is taken to be personal.
    table["cache-control"] = "no-store"
    if https:
        table[HSTS[0]] = HSTS[1]
    return tuple((name.encode(), value.encode()) for name, value in table.items())


def apply(
    headers: Iterable[tuple[bytes, bytes]],
    *,
    https: bool,
    image_sources: tuple[str, ...] = (),
) -> list[tuple[bytes, bytes]]:
    """`headers` of an answer, and the security headers that it does not set itself."""
    result = list(headers)
    present = {name.lower(): value for name, value in result}
    is_picture = present.get(b"content-type", b"").startswith(b"image/")
    wanted = _wanted(https, image_sources, is_picture)
    result.extend(pair for pair in wanted if pair[0] not in present)
    return result
