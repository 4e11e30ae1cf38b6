"""A form as a browser sends it: the token that the page shows, and the fields."""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urlencode

from benchmarks import client

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def token(page: bytes) -> str:
    """The token in the form on this page."""
    found = _TOKEN.search(page.decode())
    if found is None:
        raise RuntimeError("the page shows no form")
    return unescape(found[1])


def filled(path: str, cookie: str, fields: Mapping[str, str]) -> bytes:
    """The request that sends the form."""
    body = urlencode(fields).encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    lines = (f"Cookie: {cookie}", kind, f"Content-Length: {len(body)}")
    return client.head("POST", path, *lines) + body
