"""What a body must be like inside, by its type.

Cheap looks only: the framework does the parsing, but over some bytes it would fail, not refuse.
"""

import re
from urllib.parse import unquote_to_bytes

from microblog.web.edge.refused import Refused

MAX_FIELDS = 1000
MAX_PARTS = 1000
MAX_DEPTH = 32

# One that never ends goes to the end of the body, so that the scan stays linear.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,200})"|([^\s;",]{1,200}))', re.IGNORECASE)


def check(content_type: str, body: bytes) -> None:
    """Refuses what its reader could not read."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        check_multipart(content_type, body)
    elif kind == "application/x-www-form-urlencoded":
        check_form(body)
    elif kind == "application/json" or kind.endswith("+json"):
        check_json(body)


def check_form(body: bytes) -> None:
    # NUL is left to the fields, which can say where it stands.
    if body.count(b"&") >= MAX_FIELDS:
        raise _bad("The form has too many fields.")
    _check_utf8(body, "The form")
    if b"%" in body:
        _check_utf8(unquote_to_bytes(body), "The form")


def check_json(body: bytes) -> None:
    _check_utf8(body, "The JSON")
    # Few brackets cannot nest deeply, wherever they stand.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and not is_shallow(body):
        raise _bad("The JSON is nested too deeply, or its brackets do not match.")


def is_shallow(body: bytes) -> bool:
    """Whether the brackets outside strings vanish when the innermost pairs are taken away,
    again and again, as often as they may nest. Scanning byte by byte would cost ten times more.
    """
    left = _STRING.sub(b"", body).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not left:
            break
        left = left.replace(b"[]", b"")
    return not left


def check_multipart(content_type: str, body: bytes) -> None:
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise _bad("The form names no boundary.")
    delimiter = f"--{match[1] or match[2]}".encode("latin-1")
    # One more stands at the end.
    if body.count(delimiter) > MAX_PARTS + 1:
        raise _bad("The form has too many parts.")


def _check_utf8(raw: bytes, what: str) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise _bad(f"{what} is not valid UTF-8.") from None


def _bad(detail: str) -> Refused:
    return Refused(400, detail, unread=False)
