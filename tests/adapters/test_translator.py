"""Translators: what the services are asked, and that nothing they answer can do harm."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from microblog.adapters import outgoing, translator
from microblog.adapters.language import KNOWN
from microblog.adapters.translator import (
    Breaker,
    Declined,
    Guarded,
    NoTranslator,
    Outage,
    Untranslated,
    guarded,
)
from microblog.logs import Seldom
from microblog.settings import Translator as Settings
from tests.translators import KEY, TranslationService, translation_service

TEXT = "¿Qué? 5 & 7 # 100 % «mañana» 🙂\n+ más"


@pytest.fixture
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with outgoing.build() as client:
        yield client


def built(client: httpx.AsyncClient, service: TranslationService, **settings: str) -> Guarded:
    settings = {"provider": "microsoft", "key": KEY, "url": service.url} | settings
    return translator.build(Settings(**settings), client)  # type: ignore[arg-type]


async def test_microsoft_3(client: httpx.AsyncClient, service: TranslationService) -> None:
    """TR-10: key, source, target and the exact text."""
    microsoft = built(client, service, region="westeurope")
    assert await microsoft.translate(TEXT, source="es", target="en_GB") == f"en: {TEXT}"
    (asked,) = service.asked
    assert (asked.path, asked.content) == ("/translate", [{"Text": TEXT}])
    assert asked.query == {"api-version": "3.0", "from": "es", "to": "en"}
    assert asked.headers["ocp-apim-subscription-key"] == KEY
    assert asked.headers["ocp-apim-subscription-region"] == "westeurope"
    await microsoft.translate("x", source="", target="zh_Hant")
    assert service.asked[1].query == {"api-version": "3.0", "to": "zh-Hant"}
    assert service.connections == 1


async def test_microsoft_2026(client: httpx.AsyncClient, service: TranslationService) -> None:
    """TR-10 for the present version, which is another shape altogether."""
    microsoft = built(client, service, version="2026-06-06")
    assert await microsoft.translate(TEXT, source="no", target="pt_PT") == f"pt-PT: {TEXT}"
    (asked,) = service.asked
    assert asked.query == {"api-version": "2026-06-06"}
    question = {"text": TEXT, "targets": [{"language": "pt-PT"}], "language": "nb"}
    assert asked.content == {"inputs": [question]}
    assert asked.headers["ocp-apim-subscription-key"] == KEY
    assert "ocp-apim-subscription-region" not in asked.headers


async def test_libretranslate(client: httpx.AsyncClient, service: TranslationService) -> None:
    libre = built(client, service, provider="libretranslate")
    assert await libre.translate(TEXT, source="", target="de_AT") == f"de: {TEXT}"
    (asked,) = service.asked
    question = {"q": TEXT, "source": "auto", "target": "de", "format": "text", "api_key": KEY}
    assert (asked.path, asked.content) == ("/translate", question)


async def test_deepl(client: httpx.AsyncClient, service: TranslationService) -> None:
    deepl = built(client, service, provider="deepl")
    assert await deepl.translate(TEXT, source="nb", target="en") == f"en-us: {TEXT}"
    (asked,) = service.asked
    assert asked.path == "/v2/translate"
    assert asked.headers["authorization"] == f"DeepL-Auth-Key {KEY}"
    assert asked.content == {"text": [TEXT], "target_lang": "EN-US", "source_lang": "NB"}


async def test_none(client: httpx.AsyncClient, service: TranslationService) -> None:
    """TR-07: without a key there is nobody to ask, and nobody is asked."""
    with pytest.raises(NoTranslator):
        await built(client, service, provider="", key="").translate("x", source="", target="en")
    assert service.connections == 0


MANNERS = [
    *("redirect", "html", "gigabyte", "endless", "packed", "reset"),
    *("500", "429", "403", "404", "302", "empty"),
    "raw:" + "[" * 30_000,
    "raw:\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "raw:[]",
    'raw:[{"translations": [{"text": 5}]}]',
    'raw:[{"translations": [{"text": "nul \\u0000"}]}]',
    'raw:[{"translations": [{"text": "half \\ud800"}]}]',
    f'raw:[{{"translations": [{{"text": "{"long " * 1000}"}}]}}]',
]


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner[:20])
async def test_whatever_it_answers(
    client: httpx.AsyncClient, service: TranslationService, manner: str
) -> None:
    """T-51, L6: no translation, at once, and no connection to anywhere but the service."""
    async with translation_service() as elsewhere:
        service.manner = manner
        service.elsewhere = f"{elsewhere.url}/translate"
        began = time.perf_counter()
        with pytest.raises(Untranslated):
            await built(client, service).translate("hola", source="es", target="en")
        assert time.perf_counter() - began < 3
        assert (service.connections, elsewhere.connections) == (1, 0)


async def test_a_deadline_for_the_whole(
    client: httpx.AsyncClient, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T-51, L8, TR-09: bytes that keep dripping are no answer either, and the loop goes on."""
    monkeypatch.setattr(outgoing, "DEADLINE", 1.0)
    for manner in ("hang", "drip"):
        service.manner = manner
        began = time.perf_counter()
        asking = asyncio.create_task(
            built(client, service).translate("hola", source="es", target="en")
        )
        slowest = 0.0
        while not asking.done():
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            slowest = max(slowest, time.perf_counter() - before)
        with pytest.raises(Outage) as outage:
            await asking
        assert outage.value.billed
        assert 0.9 < time.perf_counter() - began < 3
        assert slowest < 0.5


def test_the_deadline_is_five_seconds() -> None:
    assert outgoing.DEADLINE == 5.0


async def test_nobody_there(client: httpx.AsyncClient, service: TranslationService) -> None:
    """TR-09. Nobody was sent anything, so nobody counts it."""
    await service.go_away()
    with pytest.raises(Outage) as outage:
        await built(client, service).translate("hola", source="es", target="en")
    assert not outage.value.billed
    with pytest.raises(Outage) as outage:
        nowhere = built(client, service, url="http://no.such.host.invalid")
        await nowhere.translate("hola", source="es", target="en")
    assert not outage.value.billed


@pytest.mark.parametrize(
    ("manner", "kind", "reason", "billed"),
    [
        *((status, Declined, f"status {status}", False) for status in ("400", "413", "422")),
        *((status, Outage, f"status {status}", False) for status in ("401", "403", "404", "410")),
        *((status, Outage, f"status {status}", False) for status in ("429", "456", "500", "503")),
        ("redirect", Outage, "status 307", False),
        ("html", Outage, "status 200, but no JSON", True),
        ("packed", Outage, "status 200, but packed, though that was not wanted", True),
        ("gigabyte", Outage, "status 200, but more than 65536 bytes", True),
        ("raw:[]", Outage, "status 200 with an answer of another shape", True),
        ("reset", Outage, "Error", True),  # of two kinds
        ("empty", Declined, "an answer that is no text of ours", True),
    ],
)
async def test_what_it_costs_and_what_the_operator_sees(
    client: httpx.AsyncClient,
    service: TranslationService,
    caplog: pytest.LogCaptureFixture,
    manner: str,
    kind: type[Untranslated],
    reason: str,
    billed: bool,
) -> None:
    """Only what has gone out and was not turned away counts; the status is looked at first."""
    service.manner = manner
    asked = built(client, service)
    for _ in range(3):
        with pytest.raises(kind) as error:
            await asked.translate("hola", source="es", target="en")
        assert reason in error.value.reason
        assert error.value.billed is billed
    warnings = [record for record in caplog.records if reason in record.getMessage()]
    # An outage ends itself soon; a refusal anybody can bring about.
    assert len(warnings) == (1 if kind is Declined else 3)
    assert {record.levelname for record in warnings} == {"WARNING"}


async def test_an_error_page_is_not_waited_for(
    client: httpx.AsyncClient, service: TranslationService
) -> None:
    """Of what is no answer nothing but the status is read."""

    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 502 X\r\nContent-Length: 1000\r\n\r\n<html>")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(fail, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        began = time.perf_counter()
        with pytest.raises(Outage) as outage:
            await built(client, service, url=url).translate("hola", source="es", target="en")
        assert (outage.value.reason, outage.value.billed) == ("status 502", False)
        assert time.perf_counter() - began < 2


def test_the_same_is_said_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    seldom = Seldom(logging.getLogger("microblog.test"), clock=lambda: now)
    for status in (400, 413, 400, 400):
        seldom.warning("status %d", status)
    now += 60
    seldom.warning("status %d", 400)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["status 400", "status 413", "status 400"]


async def ask_in_turn(translator: Guarded) -> str:
    async with translator.turn():
        return await translator.translate("hola", source="es", target="en")


async def test_a_crowd_is_no_outage(
    client: httpx.AsyncClient, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 at once for a service that is well, and slow: they wait for each other, and get it all."""
    monkeypatch.setattr(outgoing, "DEADLINE", 1.0)
    crowded = built(client, service)
    service.delay = 0.4
    answers = await asyncio.gather(*(ask_in_turn(crowded) for _ in range(60)))
    assert answers == ["en: hola"] * 60
    assert crowded.breaker.state == "closed"
    assert service.connections <= outgoing.MOST_AT_ONCE


async def test_a_turn_that_does_not_come(
    client: httpx.AsyncClient, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is nobody's failure; and once the service is left alone, nobody waits for a turn."""
    monkeypatch.setattr(guarded, "TURN_SECONDS", 0.3)
    crowded = built(client, service)
    service.go_on.clear()
    asking = [asyncio.create_task(ask_in_turn(crowded)) for _ in range(outgoing.MOST_AT_ONCE)]
    await service.was_asked(outgoing.MOST_AT_ONCE)
    with pytest.raises(Untranslated) as late:
        await ask_in_turn(crowded)
    assert (type(late.value), late.value.billed) == (Untranslated, False)
    monkeypatch.setattr(guarded, "TURN_SECONDS", 30.0)
    waiting = [asyncio.create_task(ask_in_turn(crowded)) for _ in range(20)]
    service.manner = "500"
    service.go_on.set()
    answers = await asyncio.gather(*asking, *waiting, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Outage}
    assert crowded.breaker.state == "open"
    assert len(service.asked) <= 2 * outgoing.MOST_AT_ONCE


@pytest.mark.parametrize("provider", ["microsoft", "libretranslate", "deepl"])
def test_one_name_for_what_is_one_to_the_service(provider: str) -> None:
    """And the name means the same to it as what it stands for."""
    settings = Settings(provider=provider, key=KEY, url="http://127.0.0.1")
    service = translator.build(settings, httpx.AsyncClient())
    assert len({service.told(code) for code in ("es", "es_MX", "es-419", "ES")}) == 1
    assert service.told("zh_TW") == service.told("zh_Hant") != service.told("zh")
    for code in (*KNOWN, "pt_BR", "pt_PT", "en_GB", "zh_Hant", "fr_CA", "sr_Latn", "nn"):
        told = service.told(code)
        assert service.told(told) == told
        assert len(told) <= 16


async def test_the_service_s_cookies_are_not_kept(
    client: httpx.AsyncClient, service: TranslationService
) -> None:
    await built(client, service).translate("hola", source="es", target="en")
    response = httpx.Response(
        200, headers={"Set-Cookie": "a=b"}, request=httpx.Request("GET", service.url)
    )
    client.cookies.extract_cookies(response)
    assert not client.cookies


async def test_five_failures_open_the_breaker(
    client: httpx.AsyncClient, service: TranslationService
) -> None:
    """T-75: after that nobody is asked for 30 seconds; then one tries for all."""
    now = 1000.0
    guarded = Guarded(built(client, service)._translator, Breaker(clock=lambda: now))

    async def fails() -> bool:
        try:
            await guarded.translate("hola", source="es", target="en")
        except Untranslated:
            return True
        return False

    service.manner = "500"
    assert [await fails() for _ in range(8)] == [True] * 8
    assert (len(service.asked), guarded.breaker.state) == (5, "open")
    now += 29.9
    assert await fails()
    assert len(service.asked) == 5
    now += 0.2
    assert guarded.breaker.state == "half-open"
    service.go_on.clear()
    trying = asyncio.create_task(fails())
    await service.was_asked(6)
    assert await fails()  # one at a time
    service.go_on.set()
    assert await trying
    assert (len(service.asked), guarded.breaker.state) == (6, "open")
    now += 31
    service.manner = "well"
    assert not await fails()
    assert guarded.breaker.state == "closed"


def attempt(breaker: Breaker) -> int:
    generation = breaker.admit()
    assert generation is not None
    return generation


def test_who_comes_late_has_no_say() -> None:
    """What began before the breaker opened neither ends the try that is under way, nor closes it."""
    now = 1000.0
    breaker = Breaker(failures=2, rest=30, clock=lambda: now)
    early = [attempt(breaker) for _ in range(6)]
    breaker.fail(early.pop())
    breaker.fail(early.pop())
    now += 29
    breaker.fail(early.pop())
    breaker.succeed(early.pop())
    assert breaker.admit() is None
    now += 1
    trying = attempt(breaker)
    breaker.fail(early.pop())
    breaker.abandon(early.pop())
    assert (breaker.state, breaker.admit()) == ("half-open", None)
    breaker.succeed(trying)
    assert breaker.state == "closed"
    breaker.fail(attempt(breaker))
    assert breaker.state == "closed"


async def test_a_try_that_is_given_up_leaves_the_way_open(
    client: httpx.AsyncClient, service: TranslationService
) -> None:
    now = 1000.0
    breaker = Breaker(failures=1, clock=lambda: now)
    guarded = Guarded(built(client, service)._translator, breaker)
    breaker.fail(attempt(breaker))
    now += 31
    service.go_on.clear()
    trying = asyncio.create_task(guarded.translate("hola", source="es", target="en"))
    await service.was_asked(1)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    service.go_on.set()
    assert await guarded.translate("hola", source="es", target="en") == "en: hola"


async def test_one_bad_question_is_no_outage(
    client: httpx.AsyncClient, service: TranslationService
) -> None:
    """Nobody closes the service for everybody by asking for a language that it does not have."""
    guarded = built(client, service)
    service.manner = "400"
    for _ in range(10):
        with pytest.raises(Untranslated):
            await guarded.translate("hola", source="es", target="eo")
    assert guarded.breaker.state == "closed"
    assert len(service.asked) == 10
