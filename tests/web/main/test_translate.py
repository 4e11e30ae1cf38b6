"""Translate: the control below foreign posts, the route, and what it says when it cannot."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from quart import Quart
from quart.wrappers import Response

from microblog import i18n
from microblog.adapters.translator import Breaker
from microblog.app import create_app
from microblog.domain import posts
from microblog.settings import NO_FILE, load
from tests.cast import HTML, Browser, Cast, Person
from tests.translators import TranslationService, environ, translation_service
from tests.web.reading import body, flashes, leads_to, rows

ENGLISH, SPANISH = {"Accept-Language": "en"}, {"Accept-Language": "es"}
FAILED = "Error: the translation service failed."
MISSING = "Error: the translation service is not configured."


@pytest.fixture
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


@pytest.fixture
def environment(environment: dict[str, str], service: TranslationService) -> dict[str, str]:
    own = {"LANGUAGES": "en,es,pt_BR", "MICROBLOG_SERVER_METRICS": "true"}
    return environment | environ(service) | own


async def ask(person: Person, headers: dict[str, str] | None = None, /, **fields: Any) -> Response:
    """As a script of ours would."""
    token = await person.browser.token("/explore")
    return await person.browser.client.post(
        "/translate",
        form=fields,
        headers={"Accept": "application/json", "X-CSRFToken": token, **(headers or {})},
    )


async def told(response: Response) -> str:
    """The one member of an answer."""
    assert response.status_code == 200
    assert response.content_type == "application/json"
    content = json.loads(await body(response))
    assert list(content) == ["text"]
    return str(content["text"])


async def control(person: Person, number: int, path: str = "/explore", **headers: str) -> str:
    """What stands below a post; empty if nothing does."""
    page = await body(await person.browser.get(path, **headers))
    (row,) = [row for row in rows(page) if row.id == number]
    assert f'id="post{number}"' in row.html
    inside = row.html.partition(f'id="translation{number}">')[2].partition("</span>")[0]
    return "Translate" if ">Translate<" in inside else "Traducir" if ">Traducir<" in inside else ""


def ticked(page: str) -> list[str]:
    """What is ticked in the part of the account page that is about reading."""
    part = page.partition('id="reading-heading"')[2].partition("</section>")[0]
    boxes = re.findall(r'<input[^>]* type="checkbox"[^>]*>|<input type="checkbox"[^>]*>', part)
    return [re.findall(r'value="([^"]*)"', box)[0] for box in boxes if " checked" in box]


HOLA = {"text": "Hola, ¿qué tal? & # % 🙂", "source_language": "es", "dest_language": "en"}


# The control


async def test_below_foreign_posts(cast: Cast) -> None:
    """TR-01: on every page that has posts."""
    number = await cast.publish(cast.john, "Hola a todos", language="es")
    await cast.follow(cast.susan, cast.john)
    for path in ("/index", "/explore", "/user/john", f"/post/{number}"):
        assert await control(cast.susan, number, path, **ENGLISH) == "Translate", path
    page = await cast.susan.browser.text("/explore")
    assert 'lang="es">Hola a todos</div>' in page
    assert 'id="translate" method="post" action="/translate"' in page


async def test_not_below_what_one_reads(cast: Cast) -> None:
    """TR-02: the page's language, none, unknown; regional forms are equal."""
    for language in ("en", "en-GB", "", None):
        number = await cast.publish(cast.john, "whatever", language=language)
        assert await control(cast.susan, number, **ENGLISH) == "", language
    brazilian = await cast.publish(cast.john, "Olá", language="pt")
    assert await control(cast.susan, brazilian, **ENGLISH) == "Translate"
    assert await control(cast.susan, brazilian, **{"Accept-Language": "pt-PT"}) == ""
    # What the browser accepts besides is read, too.
    assert await control(cast.susan, brazilian, **{"Accept-Language": "en, pt;q=0.5"}) == ""
    assert await control(cast.susan, number, **SPANISH) == ""


async def test_the_languages_of_the_account(cast: Cast) -> None:
    """They are chosen there, and stand above what the browser says."""
    spanish = await cast.publish(cast.john, "Hola", language="es")
    german = await cast.publish(cast.john, "Hallo", language="de")
    both = {"Accept-Language": "en, de"}
    assert await control(cast.susan, german, **both) == ""
    browser = cast.susan.browser
    token = await browser.token("/account")
    sent = [("csrf_token", token), ("reads", "es"), ("reads", "fr"), ("translates_live", "y")]
    answer = await browser.client.post(
        "/account/reading",
        data=urlencode(sent),
        headers={**HTML, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert leads_to(answer) == "/account"
    page = await browser.text("/account")
    assert flashes(page) == ["Your changes have been saved."]
    assert ticked(page) == ["es", "fr", "y"]
    assert await control(cast.susan, german, **both) == "Translate"
    assert await control(cast.susan, spanish, **both) == ""
    answer = await browser.submit("/account", "/account/reading")
    assert leads_to(answer) == "/account"
    assert ticked(await browser.text("/account")) == []
    assert await control(cast.susan, german, **both) == ""
    for nonsense in ("xx", "<b>", "en,es"):
        answer = await browser.submit("/account", "/account/reading", reads=nonsense)
        assert answer.status_code == 200
        assert "not a valid choice" in await body(answer)
    assert await control(cast.susan, german, **both) == ""


# The route


async def test_three_fields(cast: Cast, service: TranslationService) -> None:
    """TR-03, TR-10: any text, translated as it is and not kept."""
    for _ in range(2):
        assert await told(await ask(cast.susan, **HOLA)) == f"en: {HOLA['text']}"
    assert [asked.content for asked in service.asked] == [[{"Text": HOLA["text"]}]] * 2
    token = await cast.susan.browser.token("/explore")
    response = await cast.susan.browser.client.post(
        "/translate", json=HOLA, headers={"X-CSRFToken": token}
    )
    assert await told(response) == f"en: {HOLA['text']}"
    assert await told(await ask(cast.susan, **HOLA | {"source_language": ""}))
    assert "from" not in service.asked[-1].query


async def test_a_post(cast: Cast, service: TranslationService) -> None:
    """Its own words are sent, whatever the page shows; the answer is kept for everybody."""
    number = await cast.publish(cast.john, "Hola", language="es")
    fields = {"post_id": str(number), "dest_language": "en", "text": "forged"}
    for person in (cast.susan, cast.mary, cast.david):
        response = await ask(person, **fields)
        assert response.headers["X-Translated"] == "yes"
        assert await told(response) == "en: Hola"
    response = await ask(cast.susan, **fields | {"dest_language": "en-GB"})
    assert await told(response) == "en: Hola"
    assert [asked.content for asked in service.asked] == [[{"Text": "Hola"}]]
    token = await cast.susan.browser.token("/explore")
    response = await cast.susan.browser.client.post(
        "/translate",
        json={"post_id": number, "dest_language": "pt-BR"},
        headers={"X-CSRFToken": token},
    )
    assert await told(response) == "pt: Hola"
    assert (await ask(cast.susan, post_id="999", dest_language="en")).status_code == 404


async def test_private_words_are_never_sent(cast: Cast, service: TranslationService) -> None:
    """A number names a post and nothing else; a deleted one is gone."""
    await cast.write(cast.john, cast.susan, "Hola en secreto")
    for number in range(5):
        response = await ask(cast.susan, post_id=str(number), dest_language="en")
        assert response.status_code == 404
    assert service.asked == []


async def test_who_may(cast: Cast, service: TranslationService) -> None:
    """TR-04, TR-05: no stranger, no GET, no form of somebody else's."""
    answer = await cast.stranger.client.post(
        "/translate", form=HOLA, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 401
    assert "Hola" not in await body(answer)
    assert leads_to(await cast.stranger.post("/translate", **HOLA)).startswith("/auth/login")
    assert (await cast.susan.browser.get("/translate")).status_code == 405
    assert (await cast.susan.browser.post("/translate", **HOLA)).status_code == 400
    assert service.connections == 0


async def test_what_is_no_question(cast: Cast, service: TranslationService) -> None:
    """TR-06, T-53: a missing field, another type, no language, too long: 400, and nobody is asked."""
    for missing in HOLA:
        fields = {name: value for name, value in HOLA.items() if name != missing}
        assert (await ask(cast.susan, **fields)).status_code == 400, missing
    for wrong in (
        {"dest_language": ""},
        {"dest_language": "klingon"},
        {"dest_language": "../admin"},
        # Languages, but none that people read here: each would be a call, and kept.
        {"dest_language": "eo"},
        {"dest_language": "zu"},
        {"post_id": "1", "dest_language": "eo"},
        {"source_language": "en&to=de"},
        {"text": "x" * 501},
        {"text": "  "},
        {"text": "nul \x00"},
        {"post_id": "1x"},
        {"post_id": "99999999999999999999"},
        {"post_id": "-1"},
    ):
        assert (await ask(cast.susan, **HOLA | wrong)).status_code == 400, wrong
    token = await cast.susan.browser.token("/explore")
    headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
    for content in (
        *("[]", "null", '"text"', "{", "[" * 5000, '{"text": "x"'),
        json.dumps(HOLA | {"text": ["Hola"]}),
        json.dumps(HOLA | {"text": {"a": "b"}}),
        json.dumps(HOLA | {"dest_language": True}),
        '{"post_id": 1.5, "dest_language": "en"}',
        b'{"text": "\xff"}',
    ):
        client = cast.susan.browser.client
        answer = await client.post("/translate", data=content, headers=headers)
        assert answer.status_code == 400, content
    assert service.asked == []


# When there is none


async def test_no_service(environment: dict[str, str], service: TranslationService) -> None:
    """TR-07, TR-11: said in the page's language, and nobody is asked."""
    off = load(NO_FILE, environment | {"TRANSLATOR": "off"})
    app = create_app(off)
    async with app.test_app():
        cast = await Cast.assembled(app)
        number = await cast.publish(cast.john, "Hola", language="es")
        assert await control(cast.susan, number, **ENGLISH) == "Translate"
        for fields in (HOLA, {"post_id": str(number), "dest_language": "en"}):
            response = await ask(cast.susan, ENGLISH, **fields)
            assert "X-Translated" not in response.headers
            assert await told(response) == MISSING
            with i18n.speaking("es"):
                spanish = i18n.gettext(MISSING)
            assert await told(await ask(cast.susan, SPANISH, **fields)) == spanish != MISSING
        page = await cast.susan.browser.text("/account")
        assert "No translation service is set up here." in page
    assert service.connections == 0


@pytest.mark.parametrize("manner", ["500", "html", "reset", "redirect", "gigabyte"])
async def test_the_service_fails(cast: Cast, service: TranslationService, manner: str) -> None:
    """TR-08, TR-09, T-51: the same words with status 200, and the page goes on."""
    number = await cast.publish(cast.john, "Hola", language="es")
    service.manner, service.elsewhere = manner, f"{service.url}/trap"
    for fields in (HOLA, {"post_id": str(number), "dest_language": "en"}):
        assert await told(await ask(cast.susan, ENGLISH, **fields)) == FAILED
    assert "/trap" not in {asked.path for asked in service.asked}
    assert len(service.asked) == 2
    assert await control(cast.susan, number, **ENGLISH) == "Translate"


async def test_as_often_as_one_may(
    cast: Cast, app: Quart, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is each person's, and only for what is not kept yet."""
    limits = cast.resources.settings.limits
    monkeypatch.setitem(limits.__dict__, "scale", 1.0)
    monkeypatch.setitem(limits.__dict__, "translations_per_day", 3)
    numbers = [await cast.publish(cast.john, f"Hola {n}", language="es") for n in range(3)]
    for number in numbers[:2]:
        await told(await ask(cast.susan, post_id=str(number), dest_language="en"))
    await told(await ask(cast.susan, **HOLA))
    for fields in (HOLA, {"post_id": str(numbers[2]), "dest_language": "en"}):
        refused = await ask(cast.susan, **fields)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 60
    await told(await ask(cast.susan, post_id=str(numbers[0]), dest_language="en"))
    await told(await ask(cast.mary, **HOLA))
    assert len(service.asked) == 4


async def test_what_fails_is_not_counted(
    cast: Cast, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad day of the service costs nobody what they may have; nor does asking while it rests."""
    limits = cast.resources.settings.limits
    monkeypatch.setitem(limits.__dict__, "scale", 1.0)
    monkeypatch.setitem(limits.__dict__, "translations_per_day", 1)
    number = await cast.publish(cast.john, "Hola", language="es")
    a_post = {"post_id": str(number), "dest_language": "en"}
    service.manner = "500"
    for _ in range(4):
        for fields in (HOLA, a_post):
            assert await told(await ask(cast.susan, ENGLISH, **fields)) == FAILED
    assert len(service.asked) == 5
    cast.resources.interpreter.translator.breaker = Breaker()
    service.manner = "well"
    assert await told(await ask(cast.susan, **a_post)) == "en: Hola"
    assert (await ask(cast.susan, **HOLA)).status_code == 429


async def test_as_much_as_one_may(
    cast: Cast, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In characters, too: a few long texts are as dear as many short ones."""
    limits = cast.resources.settings.limits
    assert limits.translated_characters_per_day * 3 <= cast.resources.settings.translator.budget
    monkeypatch.setitem(limits.__dict__, "scale", 1.0)
    monkeypatch.setitem(limits.__dict__, "translated_characters_per_day", 1000)
    long = HOLA | {"text": "Hola " * 100}
    for _ in range(2):
        await told(await ask(cast.susan, **long))
    refused = await ask(cast.susan, **long)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 60
    await told(await ask(cast.mary, **long))


async def test_the_operator_sees_what_it_costs(cast: Cast, service: TranslationService) -> None:
    await told(await ask(cast.susan, **HOLA))
    service.manner = "500"
    for _ in range(5):
        await told(await ask(cast.susan, **HOLA))
    figures = await body(await cast.stranger.get("/metrics"))
    assert f"\nmicroblog_translated_characters_today {len(HOLA['text'])}\n" in figures
    assert "\nmicroblog_translation_budget 60000\n" in figures
    assert "\nmicroblog_translator_resting 1\n" in figures


# Without scripts


async def test_the_button_without_scripts(cast: Cast, service: TranslationService) -> None:
    """The page of the post shows it below; markup in it is words, links are links (TR-14, L6)."""
    number = await cast.publish(
        cast.john, "<b>Hola</b> {{7*7}} https://example.org/a", language="es"
    )
    browser = cast.susan.browser
    answer = await browser.submit("/explore", "/translate", post_id=str(number), dest_language="en")
    assert leads_to(answer) == f"/post/{number}?translated=en"
    page = await browser.text(leads_to(answer))
    below = page.partition('class="translation-below"')[2].partition("</section>")[0]
    assert 'en: &lt;b&gt;Hola&lt;/b&gt; {{7*7}} <a href="https://example.org/a"' in below
    assert "en: &lt;b&gt;" in await browser.text(f"/post/{number}?translated=en-GB")
    assert "translation-below" not in await browser.text(f"/post/{number}")
    for nonsense in ("de", "xx", "", "'"):
        assert "translation-below" not in await browser.text(
            f"/post/{number}?translated={nonsense}"
        )
    async with cast.resources.database.begin() as session:
        await posts.edit(session, cast.john.actor, number, "Adiós", length=500)
    assert "translation-below" not in await browser.text(f"/post/{number}?translated=en")


async def test_a_failure_without_scripts(cast: Cast, service: TranslationService) -> None:
    number = await cast.publish(cast.john, "Hola", language="es")
    service.manner = "500"
    browser = cast.susan.browser
    answer = await browser.submit("/explore", "/translate", post_id=str(number), dest_language="en")
    assert leads_to(answer) == f"/post/{number}"
    page = await browser.text(f"/post/{number}")
    assert flashes(page) == [FAILED]
    assert [row.text for row in rows(page)] == ["Hola"]


async def test_the_socket_s_fragment_is_the_reader_s(cast: Cast, app: Quart) -> None:
    """TR-01 and TR-02 for rows that arrive by themselves."""
    headers = {"Origin": "http://localhost", "Accept-Language": "en"}
    client = cast.susan.browser.client
    async with client.websocket("/live?channels=explore", headers=headers) as socket:
        assert json.loads(await socket.receive())["type"] == "hello"
        for language, offered in (("es", True), ("en", False), ("", False)):
            await cast.publish(cast.john, "words", language=language)
            frame = json.loads(await socket.receive())
            assert (">Translate<" in frame["html"]) is offered, language


async def test_a_browser_that_nobody_uses(cast: Cast) -> None:
    """The form that the buttons belong to is on members' pages only."""
    assert 'id="translate"' not in await Browser(cast.susan.browser.client.app).text("/auth/login")
