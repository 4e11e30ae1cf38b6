"""Posts that are translated as they arrive, for readers who want that."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from microblog.domain import events, posts, tongues, translations
from microblog.interpreter import Payer
from microblog.interpreter.asking import BudgetSpent
from microblog.interpreter.simultaneous import SHARE
from microblog.models import Event
from microblog.resources import Resources
from tests.live.hearing import Ear, Town
from tests.translators import TranslationService

KINDS = {"en": "mary", "en_GB": "susan", "en_AU": "david"}


@pytest.fixture
async def town(resources: Resources) -> Any:
    async with Town.founded(resources) as town:
        yield town


async def listener(town: Town, name: str, language: str = "en", **setting: Any) -> Ear:
    """On ``explore``; wants translations unless told otherwise."""
    wish: dict[str, Any] = {"reads": (), "translates_live": True} | setting
    async with town.database.begin() as session:
        await tongues.set_reading(session, town.people[name], **wish)
    return await (await town.listen(name, "explore", language=language)).live()


async def say(town: Town, body: str, language: str | None = "es") -> int:
    async with town.database.begin() as session:
        post = await posts.publish(
            session, town.people["john"], body, length=500, language=language
        )
        return post.id


def translated(ear: Ear) -> list[dict[str, Any]]:
    return [frame for frame in ear.frames if frame["type"] == "post.translated"]


async def test_once_for_each_language(town: Town, service: TranslationService) -> None:
    """Those who want it get it after the post, in their language; the others get the post alone."""
    english = [await listener(town, "mary") for _ in range(3)]
    german = await listener(town, "susan", "de")
    content = await listener(town, "david", "en", translates_live=False)
    number = await say(town, "Hola a todos")
    for ear in (*english, german):
        await ear.until(lambda ear=ear: bool(translated(ear)))  # type: ignore[misc]
        kinds = [frame["type"] for frame in ear.frames]
        assert kinds == ["post.created", "post.translated"]
        assert ear.seqs == sorted(set(ear.seqs))
    (frame,) = translated(english[0])
    assert frame == {
        "type": "post.translated",
        "seq": frame["seq"],
        "post_id": number,
        "language": "en",
        "text": "en: Hola a todos",
    }
    assert translated(german)[0]["text"] == "de: Hola a todos"
    await content.hear_post(number)
    await town.hub.reach(await town.hub.newest())
    assert translated(content) == []
    assert sorted(asked.query["to"] for asked in service.asked) == ["de", "en"]


async def test_only_what_the_reader_does_not_read(town: Town, service: TranslationService) -> None:
    """Regional forms are equal, the page's language is read, no language is nothing to translate."""
    reader = await listener(town, "mary", reads=["es", "pt_BR"])
    known = [
        await say(town, body, language)
        for body, language in (("Hello", "en"), ("Olá", "pt"), ("Hola", "es-MX"), ("123", ""))
    ]
    known.append(await say(town, "xyz", None))
    last = await say(town, "Guten Tag", "de")
    await reader.until(lambda: bool(translated(reader)))
    assert reader.posts == [*known, last]
    assert [asked.query["from"] for asked in service.asked] == ["de"]
    assert translated(reader)[0]["post_id"] == last


async def test_posting_is_no_slower(town: Town, service: TranslationService) -> None:
    """The service hangs; posts go their way, and the translation comes when it comes."""
    reader = await listener(town, "mary")
    service.go_on.clear()
    slowest = 0.0
    for n in range(10):
        began = time.perf_counter()
        number = await say(town, f"Hola {n}")
        await reader.hear_post(number)
        slowest = max(slowest, time.perf_counter() - began)
    assert translated(reader) == []
    print(f"slowest post: {slowest:.3f} s")
    assert slowest < 2
    service.go_on.set()
    await reader.until(lambda: len(translated(reader)) == 10)


async def test_edits_are_translated_anew(town: Town, service: TranslationService) -> None:
    reader = await listener(town, "mary")
    number = await say(town, "Hola")
    await reader.until(lambda: len(translated(reader)) == 1)
    await town.edit("john", number, "Adiós")
    await reader.until(lambda: len(translated(reader)) == 2)
    assert [frame["text"] for frame in translated(reader)] == ["en: Hola", "en: Adiós"]


async def test_who_comes_back_gets_it_from_the_log(town: Town, service: TranslationService) -> None:
    """And nobody gets a translation of words that are no longer there."""
    first = await listener(town, "mary")
    start = town.hub.position
    kept, changed = await say(town, "Hola"), await say(town, "Buenas")
    await first.until(lambda: len(translated(first)) == 2)
    service.manner = "500"
    await town.edit("john", changed, "Otra cosa")
    late = await (await town.listen("mary", "explore", since=start)).live()
    assert [frame["post_id"] for frame in translated(late)] == [kept]
    indifferent = await (await town.listen("susan", "explore", since=start)).live()
    assert translated(indifferent) == []


async def test_a_translation_is_announced_once(town: Town, service: TranslationService) -> None:
    """Also when every process says so."""
    await listener(town, "mary")
    number = await say(town, "Hola")
    async with town.database.reading() as session:
        post = await posts.by_id(session, number)
    await town.resources.interpreter.ask(post, "en")
    for _ in range(3):
        async with town.database.begin() as session:
            await translations.announce(session, post, "en")
    async with town.database.reading() as session:
        kinds = await session.scalars(select(Event.kind).where(Event.subject_id == number))
        assert sorted(kinds) == [events.POST_CREATED, events.POST_TRANSLATED]


async def test_a_failure_keeps_nobody_from_the_next(
    town: Town, service: TranslationService, caplog: pytest.LogCaptureFixture
) -> None:
    reader = await listener(town, "mary")
    service.manner = "html"
    await say(town, "Hola")
    await service.was_asked(1)
    service.manner = "well"
    number = await say(town, "Buenas")
    await reader.until(lambda: bool(translated(reader)))
    assert translated(reader)[0]["post_id"] == number
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_is_not_wanted_is_not_asked(town: Town, service: TranslationService) -> None:
    """Nobody listens, or nobody wants it: no call."""
    await say(town, "Hola")
    reader = await listener(town, "mary", translates_live=False)
    await reader.hear_post(await say(town, "Buenas"))
    assert service.asked == []


async def test_the_kinds_of_a_language_that_are_one(
    town: Town, service: TranslationService
) -> None:
    """One call for all of them; each reader is told in their own."""
    ears = {code: await listener(town, name, code) for code, name in KINDS.items()}
    number = await say(town, "Hola a todos")
    for code, ear in ears.items():
        await ear.until(lambda ear=ear: bool(translated(ear)))  # type: ignore[misc]
        (frame,) = translated(ear)
        assert (frame["post_id"], frame["language"]) == (number, code)
        assert frame["text"] == "en: Hola a todos"
    assert len(service.asked) == 1
    await town.hub.reach(await town.hub.newest())
    assert [len(translated(ear)) for ear in ears.values()] == [1] * len(ears)


async def test_half_of_the_budget_is_for_those_who_ask(
    town: Town, service: TranslationService
) -> None:
    """Posts are translated by themselves only as long as half of the day's budget is there."""
    reader, interpreter = await listener(town, "mary"), town.resources.interpreter
    interpreter.budget = 2 * len("Hola 0") + 1
    first = await say(town, "Hola 0")
    await reader.until(lambda: len(translated(reader)) == 1)
    second = await say(town, "Hola 1")
    await reader.hear_post(second)
    assert translated(reader)[0]["post_id"] == first
    async with town.database.reading() as session:
        post = await posts.by_id(session, second)
    assert (await interpreter.ask(post, "en")).body == "en: Hola 1"
    assert len(service.asked) == 2


async def test_who_asks_meanwhile_gets_it_all_the_same(
    town: Town, service: TranslationService
) -> None:
    """Somebody who wants what has just come to nothing by itself."""
    number = await say(town, "Hola")
    async with town.database.reading() as session:
        post = await posts.by_id(session, number)
    interpreter = town.resources.interpreter
    interpreter.budget = len("Hola")
    live = asyncio.create_task(interpreter.ask(post, "en", Payer(share=SHARE)))
    await asyncio.sleep(0)
    assert (await interpreter.ask(post, "en")).body == "en: Hola"
    with pytest.raises(BudgetSpent):
        await live


async def test_a_flood_is_bounded(town: Town, service: TranslationService) -> None:
    """More than can wait is left; the pages still offer to translate it."""
    service.go_on.clear()
    simultaneous = town.resources.simultaneous
    number = await say(town, "Hola")
    async with town.database.reading() as session:
        post = await posts.by_id(session, number)
    for n in range(1000):
        simultaneous.hear(replace(post, id=post.id + n), frozenset({"en"}))
    assert simultaneous._waiting.qsize() <= 200
    await asyncio.sleep(0)
    assert len(service.asked) <= 3
    service.go_on.set()
    await service.was_asked(1)
