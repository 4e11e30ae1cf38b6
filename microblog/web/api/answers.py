"""What every answer of the API has, and what is counted before there is one."""

import hashlib

from quart import Response, request
from werkzeug.routing import RequestRedirect

from microblog.domain.errors import NotFound
from microblog.web import cors, identity, limiting, negotiation, scope
from microblog.web.api.blueprint import bp
from microblog.web.purses import Standing

# What a browser's script of another site may send.
_SENDABLE = "Authorization, Content-Type, Idempotency-Key, If-None-Match"
_REMEMBERED_SECONDS = "600"


@bp.before_app_request
async def count() -> None:
    """Find out whose request this is, and take it from their allowance."""
    if not negotiation.is_api(request.path) or _is_preflight():
        return
    await limiting.spend_call(await identity.recognise_token())
    if isinstance(request.routing_exception, RequestRedirect):
        # Programs spell addresses as they are, or hear that there is nothing.
        raise NotFound


@bp.after_app_request
async def finish(response: Response) -> Response:
    """Put on what stands beside every answer; an answer that is known already is not told again."""
    if not negotiation.is_api(request.path):
        return response
    if standings := limiting.standings():
        _tell(response, standings)
    if request.method in scope.SAFE_METHODS and response.status_code == 200:
        await _make_conditional(response)
    # RFC 9110, 8.6: what has no body says nothing about one.
    if response.status_code in (204, 304):
        response.headers.pop("Content-Length", None)
    if response.status_code in (204, 304) or _is_default(response):
        response.headers.pop("Content-Type", None)
    _open_to_other_sites(response)
    return response


def _is_default(response: Response) -> bool:
    """Whether this is the framework's own answer to OPTIONS, which is empty."""
    return request.method == "OPTIONS" and response.status_code == 200


def _is_preflight() -> bool:
    """Whether a browser asks what a script may (Fetch standard, 4.8); the script's call counts."""
    asked = request.headers
    is_asked = "Origin" in asked and "Access-Control-Request-Method" in asked
    return request.method == "OPTIONS" and is_asked


def _tell(response: Response, standings: list[Standing]) -> None:
    """As draft-ietf-httpapi-ratelimit-headers-10 writes it."""
    quotas = [standing.quota for standing in standings]
    policies = [f'"{quota.name}";q={quota.times};w={round(quota.seconds)}' for quota in quotas]
    left = [f'"{one.quota.name}";r={one.left};t={one.full_in}' for one in standings]
    response.headers["RateLimit-Policy"] = ", ".join(policies)
    response.headers["RateLimit"] = ", ".join(left)


async def _make_conditional(response: Response) -> None:
    """RFC 9110, 13.1.2. The answer may be kept by who got it, and is asked for again each time.

    Not a file: it may be large, and says of itself that nobody is to keep it.
    """
    # The headers as they are: taking each apart to read it costs more than all that is done here.
    headers = response.headers
    if request.method == "OPTIONS" or "no-store" in headers.get("Cache-Control", ""):
        return
    if "ETag" not in headers:
        headers["ETag"] = quoted_tag(await response.get_data(as_text=False))
    headers["Cache-Control"] = "private, no-cache"
    if "Vary" in headers:
        response.vary.add("Authorization")
    else:
        headers["Vary"] = "Authorization"
    if "If-None-Match" in request.headers:
        tag, _ = response.get_etag()
        if request.if_none_match.contains_weak(tag or ""):
            response.status_code = 304
            response.set_data(b"")


def quoted_tag(body: bytes) -> str:
    """The ETag of these very bytes, as it stands in the header."""
    return f'"{tag_of(body)}"'


def tag_of(body: bytes) -> str:
    """The ETag of these very bytes."""
    return hashlib.sha256(body).hexdigest()[:32]


def _open_to_other_sites(response: Response) -> None:
    allowed = scope.settings().api.cors_origins
    if not allowed:
        return
    response.vary.add("Origin")
    told = cors.beside(request.headers.get("Origin"), allowed)
    response.headers.update(told)
    if told and _is_preflight():
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        response.headers["Access-Control-Allow-Headers"] = _SENDABLE
        response.headers["Access-Control-Max-Age"] = _REMEMBERED_SECONDS
