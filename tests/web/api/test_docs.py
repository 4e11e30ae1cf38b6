"""The manual: the description as people read it, whole, and with nothing but our own in it."""

import re
from html.parser import HTMLParser

import pytest
from quart import Quart

from microblog.web import problems
from tests.cast import HTML, Cast
from tests.web.api.programs import lower

VOID = {"meta", "link", "input", "br", "img", "path"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing is asked of the database here."""
    return sqlite_url


class Page(HTMLParser):
    """What a page holds that matters here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [named["id"] or ""] if "id" in named else []
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


async def text_of(app: Quart, **headers: str) -> str:
    response = await app.test_client().get("/api/docs", headers={**HTML, **headers})
    assert response.status_code == 200
    assert response.content_type == "text/html; charset=utf-8"
    told = lower(response.headers)
    assert {"Accept-Language", "Cookie"} <= set(told["vary"].replace(",", " ").split())
    assert "set-cookie" not in told
    text = await response.get_data(as_text=True)
    assert "'unsafe" not in told["content-security-policy"]
    return str(text)


async def test_everything_is_in_it(app: Quart) -> None:
    """Every operation, shape and kind of problem has a place of its own, where links lead."""
    text = await text_of(app)
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    whole = app.extensions["QUART_SCHEMA"].openapi_provider.schema()
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"] in page.ids
            entry = text.partition(f'id="{operation["operationId"]}"')[2].partition("</article>")[0]
            assert path in entry
            assert method.upper() in entry
            for status in operation["responses"]:
                assert f">{status}<" in entry
            for parameter in operation.get("parameters", ()):
                assert f"<code>{parameter['name']}</code>" in entry
            assert "curl" in entry
    for name in whole["components"]["schemas"]:
        assert f"shape-{name}" in page.ids
    for kind in problems.KINDS:
        assert kind.type == f"/api/docs#{kind.name}"
        assert f'<tr id="{kind.name}">' in text
    targets = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert targets <= set(page.ids)


async def test_it_needs_nothing_from_elsewhere(app: Quart) -> None:
    """No foreign host, no script or style in it; its headings are in order."""
    page = Page(await text_of(app))
    assert all(link.startswith(("/", "#")) and link[:2] != "//" for link in page.links)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    steps = zip(page.headings, page.headings[1:], strict=False)
    assert all(after - before <= 1 for before, after in steps)


async def test_the_frame_speaks_and_the_manual_does_not(app: Quart, cast: Cast) -> None:
    """The same for everybody, so it knows nobody; whose language it is only the frame says."""
    english, spanish = await text_of(app), await text_of(app, **{"Accept-Language": "es"})
    assert '<html lang="en"' in english
    assert '<html lang="es"' in spanish
    assert '<div class="docs" lang="en" dir="ltr">' in spanish
    assert english.partition('class="docs"')[2].partition("</main>")[0] in spanish
    response = await cast.susan.browser.get("/api/docs")
    assert await response.get_data(as_text=True) == english
    assert 'href="/api/docs"' in await cast.susan.browser.text("/account")


async def test_it_is_made_once(app: Quart, monkeypatch: pytest.MonkeyPatch) -> None:
    """And told only when it is new."""
    await text_of(app)
    provider = app.extensions["QUART_SCHEMA"].openapi_provider
    monkeypatch.setattr(provider, "schema", None)
    await text_of(app)
    client = app.test_client()
    tag = (await client.get("/api/docs")).headers["ETag"]
    assert (await client.get("/api/docs", headers={"If-None-Match": tag})).status_code == 304
    head = await client.head("/api/docs")
    assert (head.status_code, head.headers["ETag"]) == (200, tag)
    assert (await client.post("/api/docs")).status_code == 405
