"""Static files: style sheets, browser modules and pictures of the package, served from memory.

The folder is read once, when the app is made. Names are looked up in a table, so a path can
name nothing outside it. The hash in an address stands for the whole folder: style sheets and
modules name each other by relative address, so they must all change their address together.
"""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from quart import Response, request
from werkzeug.exceptions import NotFound

from microblog.web.joining import join_modules

MAX_TOTAL = 16 * 1024 * 1024
FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_ALREADY_SMALL = {".gif", ".jpg", ".png", ".webp", ".woff2"}


@dataclass(frozen=True, slots=True)
class _Variant:
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class _File:
    content_type: str
    plain: _Variant
    gzipped: _Variant | None


class StaticFiles:
    """One folder in memory, under the address `prefix`.

    The modules named in `joined` bring along all that they import.
    """

    def __init__(
        self, folder: Path, *, prefix: str = "/static", joined: Iterable[str] = ()
    ) -> None:
        contents = _read(folder)
        contents |= {name: join_modules(contents, name) for name in joined}
        self._prefix = prefix
        self._files = {name: _prepare(name, body) for name, body in contents.items()}
        self._hash = _hash_of(contents)

    def url(self, filename: str) -> str:
        """The address that may be cached for ever; KeyError if there is no such file."""
        if filename not in self._files:
            raise KeyError(f"no static file {filename!r}")
        return f"{self._prefix}/~{self._hash}/{quote(filename)}"

    async def serve(self, filename: str) -> Response:
        """The answer for `filename`, which may begin with `~hash/`; 404 if there is none."""
        cache_control, name = self._split(filename)
        file = self._files.get(name)
        if file is None:
            raise NotFound
        return _answer(file, cache_control)

    def _split(self, filename: str) -> tuple[str, str]:
        if not filename.startswith("~"):
            return REVALIDATE, filename
        tag, _, name = filename[1:].partition("/")
        # A page from before the last update asks with the old hash: it gets today's file, but
        # no cache may keep that under the old name.
        return (FOREVER if tag == self._hash else REVALIDATE), name


def _read(folder: Path) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if path.is_file() and not path.is_symlink() and not hidden:
            contents[name] = path.read_bytes()
    if sum(map(len, contents.values())) > MAX_TOTAL:
        raise ValueError(f"{folder} is too large to be kept in memory")
    return contents


def _hash_of(contents: dict[str, bytes]) -> str:
    digest = sha256()
    for name, body in sorted(contents.items()):
        digest.update(name.encode() + b"\0" + sha256(body).digest())
    return digest.hexdigest()[:16]


def _prepare(name: str, body: bytes) -> _File:
    suffix = Path(name).suffix.lower()
    tag = sha256(body).hexdigest()[:32]
    packed = b"" if suffix in _ALREADY_SMALL else gzip.compress(body, 9, mtime=0)
    worth_it = 0 < len(packed) < len(body)
    return _File(
        content_type=_TYPES.get(suffix, "application/octet-stream"),
        plain=_Variant(body, tag),
        # Other bytes, so another strong tag.
        gzipped=_Variant(packed, f"{tag}-gzip") if worth_it else None,
    )


def _answer(file: _File, cache_control: str) -> Response:
    variant = file.plain
    compressed = file.gzipped is not None and request.accept_encodings.quality("gzip") > 0
    if file.gzipped is not None and compressed:
        variant = file.gzipped
    unchanged = request.if_none_match.contains_weak(variant.etag)
    response = Response(b"" if unchanged else variant.body, status=304 if unchanged else 200)
    response.content_type = file.content_type
    response.set_etag(variant.etag)
    response.headers["Cache-Control"] = cache_control
    if file.gzipped is not None:
        response.headers["Vary"] = "Accept-Encoding"
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    return response
