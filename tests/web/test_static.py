"""Static files through the framework's own routing."""

import gzip
from pathlib import Path

import pytest
from quart import Quart

from microblog.web.static import StaticFiles

CSS = b"body { color: red } " * 50
JS = b"import './other.js'; " * 50
PNG = b"\x89PNG\r\n" + b"\0" * 500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    (root / "css").mkdir(parents=True)
    (root / "css" / "site.css").write_bytes(CSS)
    (root / "site.js").write_bytes(JS)
    (root / "logo.png").write_bytes(PNG)
    (root / "tiny.svg").write_bytes(b"<svg/>")
    (root / "what.xyz").write_bytes(b"?")
    (root / ".hidden").write_bytes(b"secret")
    (tmp_path / "outside.txt").write_bytes(b"secret")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    return root


@pytest.fixture
def static(folder: Path) -> StaticFiles:
    return StaticFiles(folder)


@pytest.fixture
def app(static: StaticFiles) -> Quart:
    app = Quart(__name__, static_folder=None)
    app.add_url_rule("/static/<path:filename>", "static", static.serve)
    return app


async def test_a_plain_address_is_revalidated(app: Quart) -> None:
    answer = await app.test_client().get("/static/css/site.css")
    assert answer.status_code == 200
    assert await answer.get_data(as_text=False) == CSS
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(CSS))
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in answer.headers


async def test_the_hashed_address_is_kept_for_ever(app: Quart, static: StaticFiles) -> None:
    url = static.url("css/site.css")
    assert url.startswith("/static/~")
    assert url.endswith("/css/site.css")
    answer = await app.test_client().get(url)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


async def test_an_old_hash_gives_the_file_of_today_but_not_for_ever(app: Quart) -> None:
    answer = await app.test_client().get("/static/~0000/css/site.css")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


def test_the_hash_stands_for_the_whole_folder(folder: Path, static: StaticFiles) -> None:
    assert StaticFiles(folder).url("site.js") == static.url("site.js")
    (folder / "css" / "site.css").write_bytes(CSS + b"!")
    assert StaticFiles(folder).url("site.js") != static.url("site.js")


def test_no_address_for_a_file_that_is_not_there(static: StaticFiles) -> None:
    for name in ("nothing.css", ".hidden", "link.txt", "css", ""):
        with pytest.raises(KeyError):
            static.url(name)


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("site.js", "text/javascript; charset=utf-8"),
        ("logo.png", "image/png"),
        ("tiny.svg", "image/svg+xml"),
        ("what.xyz", "application/octet-stream"),
    ],
)
async def test_types(app: Quart, name: str, content_type: str) -> None:
    answer = await app.test_client().get(f"/static/{name}")
    assert answer.headers["Content-Type"] == content_type


async def test_compressed_for_those_who_can(app: Quart) -> None:
    client = app.test_client()
    packed = await client.get("/static/site.js", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(await packed.get_data(as_text=False)) == JS
    plain = await client.get("/static/site.js", headers={"Accept-Encoding": "gzip;q=0, *"})
    assert "Content-Encoding" not in plain.headers
    assert plain.headers["ETag"] != packed.headers["ETag"]


@pytest.mark.parametrize("name", ["logo.png", "tiny.svg"])
async def test_not_compressed_where_it_does_not_pay(app: Quart, name: str) -> None:
    answer = await app.test_client().get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_unchanged_files_are_not_sent_again(app: Quart, encoding: str) -> None:
    client = app.test_client()
    asking = {"Accept-Encoding": encoding}
    first = await client.get("/static/site.js", headers=asking)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        again = await client.get("/static/site.js", headers={**asking, "If-None-Match": known})
        assert again.status_code == 304
        assert await again.get_data(as_text=False) == b""
        assert again.headers["ETag"] == tag
        assert again.headers["Vary"] == "Accept-Encoding"
        assert again.headers["Cache-Control"] == "no-cache"
    other = await client.get("/static/site.js", headers={**asking, "If-None-Match": '"x"'})
    assert other.status_code == 200


async def test_head_tells_the_length(app: Quart) -> None:
    answer = await app.test_client().head("/static/logo.png")
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(PNG)))


@pytest.mark.parametrize(
    "path",
    [
        "/static/nothing.css",
        "/static/css",
        "/static/css/",
        "/static/.hidden",
        "/static/link.txt",
        "/static/../outside.txt",
        "/static/%2e%2e/outside.txt",
        "/static/..%2foutside.txt",
        "/static/..%5coutside.txt",
        "/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/static/~x/../../outside.txt",
        "/static/~",
        "/static/~/",
        "/static/css/./site.css",
        "/static/css/../site.js",
        "/static/C:%5Cwindows%5Cwin.ini",
        "/static/CON",
        "/static/site.js%00.png",
        "/static/%252e%252e%252foutside.txt",
    ],
)
async def test_path_tricks(app: Quart, path: str) -> None:
    answer = await app.test_client().get(path)
    assert answer.status_code == 404
    assert b"secret" not in await answer.get_data(as_text=False)


def test_a_folder_too_large_for_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microblog.web.static.MAX_TOTAL", 1000)
    with pytest.raises(ValueError, match="too large"):
        StaticFiles(folder)
