"""What the head of a request must be like."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes, urlsplit

from microblog.web.edge.asgi import Scope
from microblog.web.edge.refused import METHODS, Refused

MAX_PATH = 2 * 1024
MAX_TARGET = 8 * 1024
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
# Probes of containers and balancers call by address, whatever the site's name is.
PROBES = frozenset({b"/livez", b"/readyz"})
# What somebody pastes into the box of a search is no error: both make a blank of NUL.
MAY_ASK_ANYTHING = frozenset({b"/search", b"/api/search"})

_KNOWN_METHODS = frozenset(METHODS)
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(rb"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_WATCHED = frozenset(
    {
        b"host",
        b"content-length",
        b"transfer-encoding",
        b"content-encoding",
        b"content-type",
        b"upgrade",
        b"authorization",
    }
)

Headers = Iterable[tuple[bytes, bytes]]
Found = dict[bytes, list[bytes]]


@dataclass(frozen=True, slots=True)
class Head:
    """What the body's readers need to know; `length` is None where none was declared."""

    expects_body: bool
    length: int | None
    content_type: str


def allowed_hosts(base_url: str) -> frozenset[bytes]:
    """The Host values that mean `base_url`; empty for none, which allows every host."""
    if not base_url:
        return frozenset()
    parts = urlsplit(base_url)
    name = parts.netloc.rpartition("@")[2].lower()
    default = ":443" if parts.scheme == "https" else ":80"
    bare = name.removesuffix(default)
    spellings = {bare, bare + default} if bare != name or parts.port is None else {name}
    return frozenset(spelling.encode() for spelling in spellings)


def examine(scope: Scope, hosts: frozenset[bytes]) -> Head:
    """Refuses a bad head. An absolute target of our own becomes a plain path in `scope`."""
    check_method(scope)
    found = watched(scope["headers"])
    path = check_target(scope, found.get(b"host", []))
    check_host(found.get(b"host", []), path, scope["http_version"], hosts)
    length = check_framing(found, scope["http_version"])
    check_encodings(found)
    check_credentials(found)
    return Head(
        expects_body=_expects_body(scope, found, length),
        length=length,
        content_type=found.get(b"content-type", [b""])[0].decode("latin-1"),
    )


def check_method(scope: Scope) -> None:
    # A websocket's scope has none.
    if scope.get("method", "GET") not in _KNOWN_METHODS:
        raise Refused(405, "This method is not served here.")


def watched(headers: Headers) -> Found:
    """The headers that decide something, after counting them all."""
    found: Found = {}
    size = number = 0
    for name, value in headers:
        number += 1
        size += len(name) + len(value) + 4
        lowered = name.lower()
        if lowered in _WATCHED:
            found.setdefault(lowered, []).append(value)
    if number > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise Refused(431, "The request has too many or too long header fields.")
    return found


def check_target(scope: Scope, hosts: list[bytes]) -> bytes:
    """The path as it was sent."""
    path, query = _raw_path(scope), scope["query_string"]
    if len(path) + len(query) > MAX_TARGET:
        raise Refused(414, "The address is too long.")
    if path[:1] != b"/":
        path = _make_relative(scope, path, hosts)
    if len(path) > MAX_PATH:
        raise Refused(414, "The address is too long.")
    if b"%" in path or not path.isascii() or not scope["path"].isprintable():
        check_path_text(path)
    if b"%" in query or not query.isascii() or b"\0" in query:
        check_text(query, "The query", may_hold_nul=path in MAY_ASK_ANYTHING)
    return path


def _raw_path(scope: Scope) -> bytes:
    raw: bytes | None = scope.get("raw_path")
    if raw is None:  # Servers need not give it.
        raw = scope["path"].encode("utf-8", "surrogateescape")
    return raw.partition(b"?")[0]


def _make_relative(scope: Scope, target: bytes, hosts: list[bytes]) -> bytes:
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Refused(400, "The request's target is not a path.")
    authority, rest = match.groups()
    if [authority.lower()] != [host.lower() for host in hosts]:
        raise Refused(400, "The request's target names another host.")
    path: bytes = rest or b"/"
    scope["raw_path"] = path
    scope["path"] = unquote_to_bytes(path).decode("utf-8", "replace")
    return path


def check_path_text(path: bytes) -> None:
    # Nothing here has such a name, and a line break in a path would forge lines of logs.
    if _CONTROLS.search(check_text(path, "The path")):
        raise Refused(400, "The path contains control characters.")


def check_text(raw: bytes, what: str, *, may_hold_nul: bool = False) -> str:
    """The text behind percent-encoding."""
    try:
        text = unquote_to_bytes(raw).decode()  # Strict: surrogates are refused as well.
    except UnicodeDecodeError:
        raise Refused(400, f"{what} is not valid UTF-8.") from None
    if "\0" in text and not may_hold_nul:
        raise Refused(400, f"{what} contains a NUL character.")
    return text


def check_host(
    values: list[bytes], path: bytes, http_version: str, hosts: frozenset[bytes]
) -> None:
    probe = path in PROBES
    if not values and http_version == "1.0" and probe:
        return
    if len(values) != 1 or not is_host(values[0]):
        raise Refused(400, "The request must name its host once, as a host name and port.")
    if hosts and not probe and values[0].lower() not in hosts:
        raise Refused(421, "This server does not serve that host.")


@lru_cache(maxsize=256)
def is_host(value: bytes) -> bool:
    if len(value) > 260 or _HOST.fullmatch(value) is None:
        return False
    port = value.rpartition(b":")[2] if not value.endswith(b"]") and b":" in value else b"0"
    return int(port) <= 65535


def check_framing(found: Found, http_version: str) -> int | None:
    """The declared length. Two opinions about where a body ends smuggle requests."""
    lengths, transfers = found.get(b"content-length"), found.get(b"transfer-encoding")
    if lengths is None and transfers is None:
        return None
    if lengths and transfers:
        raise Refused(400, "The request declares its length in two ways.")
    if lengths is None:
        if transfers != [b"chunked"] and [v.lower() for v in transfers or ()] != [b"chunked"]:
            raise Refused(400, "This transfer encoding is not understood.")
        if http_version == "1.0":
            raise Refused(400, "HTTP/1.0 knows no transfer encodings.")
        return None
    return _length(lengths)


def _length(values: list[bytes]) -> int:
    value = values[0]
    # `isdigit` of bytes knows only 0 to 9.
    if len(values) != 1 or not value.isdigit() or len(value) > 18:
        raise Refused(400, "The request's length is not one number.")
    return int(value)


def check_encodings(found: Found) -> None:
    for value in found.get(b"content-encoding", ()):
        if value.strip().lower() not in (b"identity", b""):
            raise Refused(415, "Bodies are accepted without content encoding only.")
    for value in found.get(b"upgrade", ()):
        if b"h2c" in value.lower():
            raise Refused(400, "HTTP/2 without encryption is not served here.")


def check_credentials(found: Found) -> None:
    """The framework's reader of credentials fails over other characters."""
    values = found.get(b"authorization", ())
    if len(values) > 1 or not all(value.isascii() for value in values):
        raise Refused(400, "The Authorization header is ill-formed.")


def _expects_body(scope: Scope, found: Found, length: int | None) -> bool:
    if length is not None:
        return length > 0 or scope["http_version"] not in ("1.0", "1.1")
    if b"transfer-encoding" in found or scope["http_version"] not in ("1.0", "1.1"):
        return True
    return scope.get("method") not in _BODILESS
