"""Translations for programs: as the page has them made, with the reasons why there is none."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from quart import Quart

from microblog.app import create_app
from microblog.settings import NO_FILE, load
from tests.cast import Cast
from tests.translators import TranslationService, environ, translation_service
from tests.web.api.programs import Answer, Program, login_token, personal_token
from tests.web.auth import records

ENGLISH = {"dest_language": "en"}


@pytest.fixture
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


@pytest.fixture
def environment(environment: dict[str, str], service: TranslationService) -> dict[str, str]:
    return environment | environ(service) | {"LANGUAGES": "en,es,pt_BR"}


@pytest.fixture
async def path(cast: Cast) -> str:
    """Where the translation of a post of john's is asked for."""
    return f"/api/posts/{await cast.publish(cast.john, 'Hola', language='es')}/translation"


def unavailable(answer: Answer) -> str:
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json["type"] == "/api/docs#busy"
    return str(answer.json["detail"])


async def test_once_for_everybody(
    cast: Cast, app: Quart, susan: Program, path: str, service: TranslationService
) -> None:
    """TR-03: asked for once, by whichever door; later ones get what is kept."""
    first = await susan.post(path, json=ENGLISH)
    assert first.json == {"text": "en: Hola", "provider": "microsoft", "cached": False}
    # Asking takes a token that may read, and no more.
    mary = Program(app, await personal_token(cast, cast.mary, "read"))
    for wish in ("en", "en-GB", "EN"):
        again = await mary.post(path, json={"dest_language": wish})
        assert again.json == first.json | {"cached": True}
    # No other text of anybody's has left the house.
    assert [asked.content for asked in service.asked] == [[{"Text": "Hola"}]]
    writer = Program(app, await personal_token(cast, cast.mary, "write", "messages"))
    assert (await writer.post(path, json=ENGLISH)).status == 403


async def test_many_at_once(cast: Cast, app: Quart, path: str, service: TranslationService) -> None:
    """One call for all who want the same at the same time."""
    service.go_on.clear()
    program = Program(app, await login_token(cast, cast.susan))
    asking = [asyncio.create_task(program.post(path, json=ENGLISH)) for _ in range(20)]
    await service.was_asked(1)
    service.go_on.set()
    answers = await asyncio.gather(*asking)
    assert {answer.json["text"] for answer in answers} == {"en: Hola"}
    assert len(service.asked) == 1


async def test_what_is_refused(
    cast: Cast, susan: Program, path: str, service: TranslationService
) -> None:
    """API-25: nobody is asked for what makes no sense."""
    for odd in ("", "xx", "tlh", "en,es", "<b>", "e\x00n", "x" * 999, 1, None, ["en"]):
        answer = await susan.post(path, json={"dest_language": odd})
        assert answer.status == 400, odd
        assert answer.json["errors"][0]["field"] == "dest_language"
    for body in ({}, {**ENGLISH, "text": "forged"}, []):
        assert (await susan.post(path, json=body)).status == 400
    assert (await susan.post(path, data="{}")).status == 415
    assert (await susan.post(f"{path}?text=forged", json=ENGLISH)).status == 400
    for absent in ("4711", "0", "x", "2147483648"):
        answer = await susan.post(f"/api/posts/{absent}/translation", json=ENGLISH)
        assert answer.status == 404, absent
    # A message has a number, too, and is nobody's post.
    number = await cast.write(cast.john, cast.susan, "strictly between us")
    assert (await susan.post(f"/api/posts/{number + 1}/translation", json=ENGLISH)).status == 404
    assert service.asked == []


async def test_the_translator_fails(
    susan: Program, path: str, service: TranslationService, cast: Cast
) -> None:
    """TR-08, ERR-03: 503 with when to come again, in English whatever the person speaks."""
    service.manner = "500"
    answer = await susan.post(path, json=ENGLISH, headers={"Accept-Language": "es"})
    assert unavailable(answer) == "Error: the translation service failed."
    service.manner = "well"
    assert (await susan.post(path, json=ENGLISH)).json["text"] == "en: Hola"


async def test_there_is_no_translator(environment: dict[str, str]) -> None:
    """TR-07."""
    app = create_app(load(NO_FILE, environment | {"TRANSLATOR": "off"}))
    async with app.test_app():
        cast = await Cast.assembled(app)
        number = await cast.publish(cast.john, "Hola", language="es")
        program = Program(app, await login_token(cast, cast.susan))
        answer = await program.post(f"/api/posts/{number}/translation", json=ENGLISH)
        assert unavailable(answer) == "Error: the translation service is not configured."
        # No operator changes that from one moment to the next.
        assert answer.headers["retry-after"] == "3600"


async def test_as_often_as_one_may(
    cast: Cast,
    susan: Program,
    app: Quart,
    service: TranslationService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """T-18: the page's allowance; what is kept is free."""
    limits = cast.resources.settings.limits
    monkeypatch.setitem(limits.__dict__, "scale", 1.0)
    monkeypatch.setitem(limits.__dict__, "translations_per_day", 1)
    one, two = [await cast.publish(cast.john, f"Hola {n}", language="es") for n in range(2)]
    assert (await susan.post(f"/api/posts/{one}/translation", json=ENGLISH)).status == 200
    refused = await susan.post(f"/api/posts/{two}/translation", json=ENGLISH)
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) > 60
    kept = await susan.post(f"/api/posts/{one}/translation", json=ENGLISH)
    assert kept.json["cached"] is True
    mary = Program(app, await login_token(cast, cast.mary))
    assert (await mary.post(f"/api/posts/{two}/translation", json=ENGLISH)).status == 200
    assert len(service.asked) == 2


@pytest.mark.usefixtures("confirmation_required")
async def test_until_the_address_is_confirmed(
    cast: Cast, app: Quart, path: str, service: TranslationService
) -> None:
    """As on the page."""
    program = await unconfirmed(cast, app)
    assert (await program.post(path, json=ENGLISH)).status == 403
    assert service.asked == []


async def unconfirmed(cast: Cast, app: Quart) -> Program:
    """A program of susan's, who has not answered her letter."""
    await records.change(cast, cast.susan, confirmed_at=None)
    return Program(app, await login_token(cast, cast.susan))
