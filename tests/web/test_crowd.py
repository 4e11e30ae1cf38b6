"""A process that has as much to do as it does at once: what people and programs are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from quart import Quart

from microblog.web.edge import EXTENSION, Shedder
from microblog.web.edge.crowd import Crowd
from microblog.web.edge.line import Line
from tests.cast import Cast
from tests.translators import TranslationService, environ, translation_service
from tests.web.reading import body, heading

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


@pytest.fixture
def environment(environment: dict[str, str], service: TranslationService) -> dict[str, str]:
    server = {"REQUESTS_IN_WORK": "1", "REQUESTS_WAITING": "1", "WAITING_SECONDS": "600"}
    named = {f"MICROBLOG_SERVER_{name}": value for name, value in server.items()}
    return environment | environ(service) | named


@pytest.fixture
def crowd(app: Quart) -> Crowd:
    found: Crowd = app.asgi_app.crowd  # type: ignore[attr-defined]
    return found


async def nothing() -> Any:
    await asyncio.Event().wait()


async def fill(line: Line) -> asyncio.Task[Any]:
    """Somebody else has the only place, and somebody waits for it."""
    await line.turn(nothing)
    waiting = asyncio.create_task(line.turn(nothing))
    while not line.waiting:
        await asyncio.sleep(0)
    return waiting


async def test_everybody_is_told_in_their_own_way(cast: Cast, crowd: Crowd) -> None:
    """T-57, API-28: a page in the reader's language, a problem for programs, at once."""
    waiting = await fill(crowd.reading)
    page = await cast.susan.browser.get("/explore", **{"Accept-Language": "es"})
    assert page.status_code == 503
    assert int(page.headers["Retry-After"]) > 0
    assert heading(await body(page)) == "Ocupado"
    assert "El servicio está ocupado." in await body(page)
    cast.susan.browser.client.set_cookie("localhost", "language", "en")
    page = await cast.susan.browser.get("/explore", **{"Accept-Language": "es"})
    assert heading(await body(page)) == "Busy"
    for path, kind in (("/api/users/1", "/api/docs#busy"), ("/explore", "about:blank")):
        answer = await cast.stranger.client.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.content_type == "application/problem+json"
        told = json.loads(await body(answer))
        assert (told["status"], told["type"]) == (503, kind)
    for path in ("/livez", "/readyz", "/static/css/site.css"):
        assert (await cast.stranger.get(path)).status_code == 200
    # Writing is another matter.
    await cast.publish(cast.susan, "hello")
    waiting.cancel()


async def test_who_is_told_before_the_gate_is_told_the_same(
    cast: Cast, app: Quart, crowd: Crowd
) -> None:
    """T-57: in the same words as at the gate, and counted."""
    shedder: Shedder = app.extensions[EXTENSION].shedder
    waiting = await fill(crowd.reading)
    for path, fields in (
        ("/explore", {"Accept": "text/html", "Accept-Language": "es"}),
        ("/explore", {"Accept": "text/html", "Accept-Language": "es", "Cookie": "language=en"}),
        ("/explore", {"Accept": "application/json", "Accept-Language": "es"}),
        ("/api/users/1", {"Accept-Language": "es", "Origin": "https://elsewhere.example"}),
    ):
        answer = await cast.stranger.client.get(path, headers=fields)
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        asked = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode()
        found = shedder.judge(asked, None, last=False)
        assert found is not None
        told, closes = found
        head, _, text = told.partition(b"\r\n\r\n")
        assert not closes
        assert text.decode() == await body(answer)
        sent = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert sent == {name.lower(): value for name, value in answer.headers.items()}
        assert shedder.judge(asked.replace(b"GET", b"HEAD"), None, last=True) == (
            head + b"\r\nconnection: close\r\n\r\n",
            True,
        )
    assert crowd.refused == {"reading": 12, "changing": 0, "sending": 0, "shaking": 0}
    waiting.cancel()


async def test_who_waits_at_the_entrance_keeps_nobody_from_work(cast: Cast, app: Quart) -> None:
    """T-68: a login that waits for its turn to be hashed has no place meanwhile."""
    entrance = cast.resources.entrance
    token = await cast.stranger.token("/auth/login")
    held = 0
    while not entrance.locked():
        await entrance.acquire()
        held += 1
    form = {"csrf_token": token, "username": "susan", "password": "a wrong guess"}
    logging_in = asyncio.create_task(cast.stranger.post("/auth/login", **form))
    while not getattr(entrance, "_waiters", None):
        await asyncio.sleep(0.01)
    answer = await cast.susan.browser.submit("/", post="meanwhile")
    assert answer.status_code == 302
    assert not logging_in.done()
    for _ in range(held):
        entrance.release()
    assert (await logging_in).status_code == 302


async def test_a_slow_translator_keeps_nobody_from_work(
    cast: Cast, crowd: Crowd, service: TranslationService
) -> None:
    """T-68: held over an outgoing call is neither a connection nor a place."""
    service.go_on.clear()
    number = await cast.publish(cast.john, "hola", language="es")
    token = await cast.susan.browser.token("/explore")
    headers = {"Accept": "application/json", "X-CSRFToken": token}
    asked = [
        {"post_id": str(number), "dest_language": "en"},
        {"text": "buenas", "source_language": "es", "dest_language": "en"},
    ]
    # Of two at once the second one would keep its place: there may be one in line, or beside.
    for form in asked:
        translating = asyncio.create_task(
            cast.susan.browser.client.post("/translate", form=form, headers=headers)
        )
        await service.was_asked(asked.index(form) + 1)
        answer = await cast.john.browser.submit("/", post="meanwhile")
        assert answer.status_code == 302
        for engine in (cast.resources.database._reader, cast.resources.database._writer):
            # What others use for a moment, they give back.
            async with asyncio.timeout(10):
                while engine.pool.checkedout():  # type: ignore[attr-defined]
                    await asyncio.sleep(0.01)
        assert not translating.done()
        service.go_on.set()
        assert (await translating).status_code == 200
        service.go_on.clear()
    assert crowd.changing.beside == 0
