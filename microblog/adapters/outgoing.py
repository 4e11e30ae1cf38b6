"""Calls to other services: one client for a process, and one way to ask that has an end.

Who asks more than :data:`MOST_AT_ONCE` questions at once has to let them wait before they come
here: in here the deadline runs.

What answers is not believed. Redirects are not followed, cookies not kept, packed answers not
unpacked; a call has a deadline as a whole, however slowly its bytes drip, and an answer a size.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import httpx

from microblog import __version__

DEADLINE = 5.0
LARGEST = 64 * 1024
MOST_AT_ONCE = 8
_TIMEOUT = httpx.Timeout(connect=2.0, read=4.0, write=4.0, pool=4.0)
_LIMITS = httpx.Limits(max_connections=MOST_AT_ONCE, keepalive_expiry=30)

# What the client tells when the last byte of a question is out.
_SENT = "http11.send_request_body.complete"


class NoAnswer(Exception):
    """Nothing that could be used came back; the text says why, and quotes nobody.

    ``sent``: the question has gone out whole, so that somebody may have worked on it.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """The status that came back; and with 200, the JSON. Of others nothing is read."""

    status: int
    content: Any


def build(*, needed: bool = True) -> httpx.AsyncClient:
    """The client of a process; it opens nothing before the first call.

    One that is not ``needed`` trusts nobody: to read all authorities is a tenth of a start.
    """
    client = httpx.AsyncClient(
        verify=trust() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        timeout=_TIMEOUT,
        limits=_LIMITS,
        follow_redirects=False,
        # The environment is read by the settings alone.
        trust_env=False,
        headers={"User-Agent": f"microblog/{__version__}", "Accept-Encoding": "identity"},
    )
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


async def ask(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    """Send a request and read its answer, all within :data:`DEADLINE` seconds.

    Raises :class:`NoAnswer` where there is no status by then, or with status 200 no JSON of at most
    :data:`LARGEST` bytes.
    """
    steps: set[str] = set()

    async def note(step: str, _about: Mapping[str, Any]) -> None:
        steps.add(step)

    request.extensions["trace"] = note
    try:
        async with asyncio.timeout(DEADLINE):
            response = await client.send(request, stream=True)
            try:
                status = response.status_code
                return Answer(status, _parsed(await _read(response)) if status == 200 else None)
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
        raise NoAnswer(type(error).__name__, sent=_SENT in steps) from error


async def _read(response: httpx.Response) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _useless("packed, though that was not wanted")
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > LARGEST:
            raise _useless(f"more than {LARGEST} bytes")
    return bytes(content)


def _parsed(content: bytes) -> Any:
    try:
        # With the byte order mark that some services begin with.
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _useless("no JSON") from error


def _useless(what: str) -> NoAnswer:
    return NoAnswer(f"status 200, but {what}", sent=True)


@cache
def trust() -> ssl.SSLContext:
    """The authorities that come with the client, and the machine's own."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
