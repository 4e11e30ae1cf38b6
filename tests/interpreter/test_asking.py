"""One question for each post and language, kept; the budget of a day."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from quart import Quart
from sqlalchemy import func, select, update

from microblog import resources as process
from microblog.adapters import outgoing
from microblog.adapters.translator import Breaker, Declined, Outage, Untranslated
from microblog.database import Database
from microblog.domain import posts, translations
from microblog.domain.errors import NotFound, TooManyRequests
from microblog.domain.limits import Allowance
from microblog.domain.posts import PostView
from microblog.domain.translations import Translation
from microblog.interpreter import Interpreter, Payer, Purse, asking
from microblog.interpreter.asking import BudgetSpent
from microblog.models import PostTranslation, Rate
from microblog.resources import Resources
from microblog.settings import Settings
from tests.cast import Cast
from tests.translators import TranslationService

HELLO = "¿Qué tal el día?"


@pytest.fixture
async def elsewhere(app: Quart, settings: Settings) -> AsyncIterator[Interpreter]:
    """The interpreter of another process on the same data."""
    other: Resources = process.build(settings, lambda *_: "")
    yield other.interpreter
    await other.close()


async def written(cast: Cast, body: str = HELLO) -> PostView:
    number = await cast.publish(cast.john, body, language="es")
    return await read(cast.resources.database, number)


async def read(database: Database, number: int) -> PostView:
    async with database.reading() as session:
        return await posts.by_id(session, number)


@contextmanager
def budgeted(interpreter: Interpreter, budget: int) -> Iterator[None]:
    """With another budget for a while."""
    before, interpreter.budget = interpreter.budget, budget
    yield
    interpreter.budget = before


async def rows(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(PostTranslation)) or 0


async def test_many_readers_one_question(
    cast: Cast, elsewhere: Interpreter, service: TranslationService
) -> None:
    """50 readers in each of two processes want 3 languages while the service thinks: 3 questions."""
    post, here = await written(cast), cast.resources.interpreter
    service.go_on.clear()
    asking = [
        asyncio.create_task(interpreter.ask(post, language))
        for _ in range(50)
        for interpreter in (here, elsewhere)
        for language in ("en", "de", "pt_BR")
    ]
    await service.was_asked(3)
    for impatient in asking[:2]:
        impatient.cancel()
    service.go_on.set()
    answers = await asyncio.gather(*asking[2:])
    assert set(answers) == {
        Translation(f"{code}: {HELLO}", "microsoft") for code in ("en", "de", "pt")
    }
    assert len(service.asked) == 3
    assert await here.ask(post, "en") == await elsewhere.find(post, "en")
    assert (len(service.asked), await here.spent_today()) == (3, 3 * len(HELLO))


def payer(name: str, *, texts: int = 10, characters: int = 1000) -> Payer:
    """Somebody who may have so much in a day."""
    day = 86400.0
    return Payer(Purse(Allowance("texts", texts, day), Allowance("words", characters, day), name))


async def left(database: Database, who: Payer, text: str = "x") -> bool:
    """Whether they may have such a text; nothing is used."""
    assert who.purse is not None
    try:
        async with database.begin() as session:
            await who.purse.spend(session, len(text))
            await who.purse.give_back(session, len(text))
    except TooManyRequests:
        return False
    return True


async def test_who_causes_the_call_pays_for_it(cast: Cast, service: TranslationService) -> None:
    """Whoever waits along does not; and is not refused because somebody else has had enough."""
    post, interpreter = await written(cast), cast.resources.interpreter
    database = cast.resources.database
    poor = [payer(name, texts=1) for name in ("first", "second")]
    rich = [payer(name, texts=1) for name in ("third", "fourth")]
    for who in poor:
        await interpreter.say("hola", source="es", target="en", payer=who)
    asking = [asyncio.create_task(interpreter.ask(post, "en", who)) for who in (*poor, *rich)]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers] == [
        *(TooManyRequests, TooManyRequests),
        *(Translation, Translation),
    ]
    assert len(service.asked) == 3
    assert [await left(database, who) for who in rich] == [False, True]
    assert await interpreter.spent_today() == 2 * len("hola") + len(HELLO)


async def test_who_is_answered_by_somebody_else_s_call_pays_nothing(
    cast: Cast, elsewhere: Interpreter, service: TranslationService
) -> None:
    """Not even where both processes were about to ask."""
    post, here, one, other = await written(cast), cast.resources.interpreter, *map(payer, "ab")
    service.delay = 0.5
    asking = (here.ask(post, "en", one), elsewhere.ask(post, "en", other))
    first, second = await asyncio.gather(*asking)
    assert first == second
    assert len(service.asked) == 1
    async with cast.resources.database.reading() as session:
        keys = await session.scalars(select(Rate.key))
    # Of each of both allowances of one of them.
    assert len(list(keys)) == 2


async def test_characters_are_counted_too(cast: Cast, service: TranslationService) -> None:
    """A few long texts cost as much as many short ones."""
    interpreter, susan = cast.resources.interpreter, payer("susan", texts=50, characters=100)
    for _ in range(2):
        await interpreter.say("x" * 50, source="es", target="en", payer=susan)
    with pytest.raises(TooManyRequests):
        await interpreter.say("x" * 50, source="es", target="en", payer=susan)
    await interpreter.say("x" * 50, source="es", target="en", payer=payer("john", characters=20))
    assert len(service.asked) == 3


async def test_what_came_to_nothing_is_given_back(cast: Cast, service: TranslationService) -> None:
    """Whatever fails, a person has lost nothing; nor while the service rests, or is off."""
    interpreter, database = cast.resources.interpreter, cast.resources.database
    susan, text = payer("susan", texts=1, characters=len(HELLO)), HELLO
    post = await written(cast)
    for manner in ("500", "html", "reset", "401", "500"):
        service.manner = manner
        with pytest.raises(Untranslated):
            await interpreter.say(text, source="es", target="en", payer=susan)
        assert await left(database, susan, text), manner
    assert interpreter.translator.breaker.state == "open"
    service.manner = "well"
    for _ in range(2):
        with pytest.raises(Outage):
            await interpreter.ask(post, "en", susan)
        with pytest.raises(Outage):
            await interpreter.say(text, source="es", target="en", payer=susan)
    interpreter.translator.breaker = Breaker()
    with budgeted(interpreter, 1), pytest.raises(BudgetSpent):
        await interpreter.ask(post, "en", susan)
    assert await left(database, susan, text)
    assert (await interpreter.ask(post, "en", susan)).body == f"en: {HELLO}"
    assert not await left(database, susan, "x")


async def test_a_text_that_is_refused_has_been_asked_for(
    cast: Cast, service: TranslationService
) -> None:
    """Else one person could have the service refuse without end; the budget loses nothing."""
    interpreter, susan = cast.resources.interpreter, payer("susan", texts=2)
    service.manner = "400"
    for expected in (Declined, Declined, TooManyRequests):
        with pytest.raises(expected):
            await interpreter.say("hola", source="es", target="en", payer=susan)
    assert len(service.asked) == 2
    assert await interpreter.spent_today() == 0


async def test_kinds_of_a_language_are_one_call(cast: Cast, service: TranslationService) -> None:
    """What is one to the service is asked for, and kept, once."""
    post, interpreter = await written(cast), cast.resources.interpreter
    service.delay = 0.2
    wanted = ("en", "en_GB", "en-US", "en_AU")
    answers = await asyncio.gather(*(interpreter.ask(post, code) for code in wanted))
    assert {answer.body for answer in answers} == {f"en: {HELLO}"}
    assert await interpreter.find(post, "en_CA") == answers[0]
    assert (await interpreter.ask(post, "pt_PT")).body == f"pt-PT: {HELLO}"
    assert await interpreter.find(post, "pt_BR") is None
    assert len(service.asked) == await rows(cast.resources.database) == 2


async def test_other_words_are_asked_for_anew(cast: Cast, service: TranslationService) -> None:
    """An edit makes what is kept worthless, and so does another language."""
    post, interpreter = await written(cast), cast.resources.interpreter
    database = cast.resources.database
    await interpreter.ask(post, "en")
    for change in ({"body": "¡Adiós!"}, {"language": "pt"}):
        body, language = change.get("body", "¡Adiós!"), change.get("language")
        async with database.begin() as session:
            await posts.edit(session, cast.john.actor, post.id, body, length=500, language=language)
        changed = await read(database, post.id)
        assert await interpreter.find(changed, "en") is None
        assert (await interpreter.ask(changed, "en")).body == "en: ¡Adiós!"
    assert [asked.query["from"] for asked in service.asked] == ["es", "es", "pt"]
    assert await rows(database) == 1
    assert await interpreter.find(post, "en") is None


async def test_an_answer_to_old_words_is_not_kept(cast: Cast, service: TranslationService) -> None:
    post, interpreter = await written(cast), cast.resources.interpreter
    service.go_on.clear()
    slow = asyncio.create_task(interpreter.ask(post, "en"))
    await service.was_asked(1)
    async with cast.resources.database.begin() as session:
        await posts.edit(session, cast.john.actor, post.id, "¡Adiós!", length=500)
    changed = await read(cast.resources.database, post.id)
    quick = asyncio.create_task(interpreter.ask(changed, "en"))
    await service.was_asked(2)
    service.go_on.set()
    assert (await slow).body == f"en: {HELLO}"
    assert (await quick).body == "en: ¡Adiós!"
    kept = await interpreter.find(changed, "en")
    assert kept is not None
    assert kept.body == "en: ¡Adiós!"


async def test_who_fails_leaves_no_trace(
    cast: Cast, elsewhere: Interpreter, service: TranslationService
) -> None:
    """Everybody who waited is told at once, in both processes; the next one may try."""
    post, here = await written(cast), cast.resources.interpreter
    service.manner = "500"
    service.go_on.clear()
    asking = [asyncio.create_task(which.ask(post, "en")) for which in (here, elsewhere) * 5]
    await service.was_asked(1)
    # Long enough for the other process to have found that somebody is asking.
    await asyncio.sleep(0.3)
    service.go_on.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(answer, Untranslated) for answer in answers)
    assert len(service.asked) == 1
    assert (await rows(cast.resources.database), await here.spent_today()) == (0, 0)
    service.manner = "well"
    assert (await elsewhere.ask(post, "en")).body == f"en: {HELLO}"


async def test_a_process_that_died_while_asking(cast: Cast, service: TranslationService) -> None:
    """Its ticket runs out; nobody waits for it longer than that."""
    post, database = await written(cast), cast.resources.database
    async with database.begin() as session:
        assert await translations.take_ticket(session, post, "en", provider="microsoft")
        assert await translations.take_ticket(session, post, "en", provider="microsoft") is None
    waiting = asyncio.create_task(cast.resources.interpreter.ask(post, "en"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    assert service.asked == []
    async with database.begin() as session:
        await session.execute(update(PostTranslation).values(asked_until=time.time() - 1))
    assert (await asyncio.wait_for(waiting, 5)).body == f"en: {HELLO}"


async def test_nobody_waits_for_the_dead_for_long(
    cast: Cast, service: TranslationService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A little longer than a call takes, and not as long as the ticket holds."""
    assert outgoing.DEADLINE < asking._WAITING_SECONDS < translations.TICKET_SECONDS <= 7
    post, database = await written(cast), cast.resources.database
    async with database.begin() as session:
        assert await translations.take_ticket(session, post, "en", provider="microsoft")
    monkeypatch.setattr(asking, "_WAITING_SECONDS", 0.5)
    began, susan = time.perf_counter(), payer("susan", texts=1)
    with pytest.raises(Untranslated):
        await cast.resources.interpreter.ask(post, "en", susan)
    assert 0.4 < time.perf_counter() - began < 3
    assert service.asked == []
    assert await left(database, susan)


async def test_a_deleted_post(cast: Cast, service: TranslationService) -> None:
    post = await written(cast)
    async with cast.resources.database.begin() as session:
        await posts.remove(session, cast.john.actor, post.id)
    with pytest.raises(NotFound):
        await cast.resources.interpreter.ask(post, "en")
    assert service.asked == []


async def test_the_budget_of_a_day(
    cast: Cast, elsewhere: Interpreter, service: TranslationService
) -> None:
    """Shared by all processes; at its end nobody is asked, and what is kept is still there."""
    here = cast.resources.interpreter
    here.budget = elsewhere.budget = 2 * len(HELLO)
    post = await written(cast)
    await here.ask(post, "en")
    await elsewhere.say(HELLO, source="es", target="de")
    for exhausted in (here, elsewhere):
        with pytest.raises(Untranslated):
            await exhausted.ask(post, "de")
        with pytest.raises(Untranslated):
            await exhausted.say("x", source="es", target="de")
        assert (await exhausted.ask(post, "en")).body == f"en: {HELLO}"
    assert len(service.asked) == 2
    assert await rows(cast.resources.database) == 1
    with pytest.raises(Untranslated):
        await here.say("x" * 100, source="es", target="de")
    assert await here.spent_today() == 2 * len(HELLO)


async def test_what_may_have_been_worked_on_counts(cast: Cast, service: TranslationService) -> None:
    interpreter = cast.resources.interpreter
    costs = ("500", 0), ("400", 0), ("html", 4), ("raw:[]", 8), ("reset", 12), ("empty", 16)
    for manner, spent in costs:
        service.manner = manner
        with pytest.raises(Untranslated):
            await interpreter.say("hola", source="es", target="en")
        assert await interpreter.spent_today() == spent, manner


async def test_a_resting_service_is_not_asked(cast: Cast, service: TranslationService) -> None:
    """T-75: nothing is written either."""
    post, interpreter = await written(cast), cast.resources.interpreter
    for _ in range(5):
        breaker = interpreter.translator.breaker
        breaker.fail(breaker.admit() or 0)
    with pytest.raises(Outage):
        await interpreter.ask(post, "en")
    with pytest.raises(Outage):
        await interpreter.say("hola", source="es", target="en")
    assert service.asked == []
    assert await rows(cast.resources.database) == 0


async def test_nothing_is_held_while_the_service_thinks(
    cast: Cast, service: TranslationService
) -> None:
    """T-68: translations that wait hold no connection to the database, and have cost nothing yet."""
    service.go_on.clear()
    interpreter, database = cast.resources.interpreter, cast.resources.database
    texts = [f"hola {n}" for n in range(20)]
    saying = [
        asyncio.create_task(interpreter.say(text, source="es", target="en")) for text in texts
    ]
    async with asyncio.timeout(15):
        while await interpreter.spent_today() < 8 * len("hola n") or any(
            engine.pool.checkedout()  # type: ignore[attr-defined]
            for engine in (database._writer, database._reader)
        ):
            await asyncio.sleep(0.01)
        await service.was_asked(8)  # as many as go out at once
    assert not any(task.done() for task in saying)
    service.go_on.set()
    assert sorted(await asyncio.gather(*saying)) == sorted(f"en: {text}" for text in texts)
    assert service.connections <= 8


async def test_the_end_of_the_process(
    cast: Cast, settings: Settings, service: TranslationService
) -> None:
    """It does not wait for the service, and leaves nobody waiting."""
    post, other = await written(cast), process.build(settings, lambda *_: "")
    service.go_on.clear()
    asking = asyncio.create_task(other.interpreter.ask(post, "en"))
    await service.was_asked(1)
    async with asyncio.timeout(4):
        await other.close()
    with pytest.raises((Untranslated, asyncio.CancelledError)):
        await asking
