"""In which language a post is: found out, or said by its writer."""

import asyncio
import re
import threading

import pytest
from sqlalchemy import select

from microblog.adapters.language import Detector
from microblog.models import Post
from tests.cast import Cast, Person
from tests.web.reading import body, error_at, leads_to

SPANISH = "Hola a todos, hoy hace un día muy bonito en la playa"


async def stored(cast: Cast) -> str | None:
    """The language of the newest post."""
    async with cast.resources.database.reading() as session:
        return await session.scalar(select(Post.language).order_by(Post.id.desc()).limit(1))


def chosen(page: str) -> str:
    select = re.search(r'<select id="language" name="language">.*?</select>', page, re.S)
    assert select
    options = re.findall(r"<option selected value=\"([^\"]*)\"", select[0])
    assert len(options) == 1
    return str(options[0])


async def write(person: Person, text: str, **fields: str) -> None:
    assert leads_to(await person.browser.submit("/index", post=text, **fields)) == "/index"


async def test_it_is_found_out(cast: Cast) -> None:
    """LANG-01, LANG-02: when a post is written, and when its words are changed."""
    await write(cast.susan, SPANISH)
    assert await stored(cast) == "es"
    await write(cast.susan, "12345 :-)")
    assert await stored(cast) == ""
    page = await cast.susan.browser.text("/post/2/edit")
    assert chosen(page) == ""
    await cast.susan.browser.submit(
        "/post/2/edit", post="Das ist jetzt ein ganz anderer Satz", language=""
    )
    assert await stored(cast) == "de"
    assert chosen(await cast.susan.browser.text("/post/2/edit")) == "de"


async def test_the_writer_knows_better(cast: Cast) -> None:
    """What is chosen is stored, is remembered by the account, and can be corrected afterwards."""
    await write(cast.susan, SPANISH, language="ca")
    assert await stored(cast) == "ca"
    assert chosen(await cast.susan.browser.text("/index")) == "ca"
    assert chosen(await cast.john.browser.text("/index")) == ""
    page = await cast.susan.browser.text("/post/1/edit")
    assert chosen(page) == "ca"
    await cast.susan.browser.submit("/post/1/edit", post=SPANISH, language="es")
    assert await stored(cast) == "es"
    page = await cast.susan.browser.text("/post/1")
    assert 'lang="es"' in page
    assert "post-edited" not in page  # no word is different
    await write(cast.susan, SPANISH, language="")
    assert await stored(cast) == "es"
    assert chosen(await cast.susan.browser.text("/index")) == ""


async def test_a_language_that_is_none(cast: Cast) -> None:
    for nonsense in ("xx", "en; drop", "EN"):
        answer = await cast.susan.browser.submit("/index", post="Hello", language=nonsense)
        page = await body(answer)
        assert error_at(page, "language")
        assert "Hello</textarea>" in page
    assert await stored(cast) is None


async def test_browser_and_habit_weigh_in(cast: Cast) -> None:
    """Close calls go to what the browser asks for, or to what the writer has written before."""
    close = "C'est trop bon"
    await write(cast.susan, close)
    assert await stored(cast) == ""
    token = await cast.susan.browser.token("/index")
    await cast.susan.browser.client.post(
        "/index",
        form={"csrf_token": token, "post": close},
        headers={"Accept-Language": "en, fr-CA;q=0.4"},
    )
    assert await stored(cast) == "fr"
    for _ in range(2):
        await write(cast.john, "Quelle belle journée pour se promener", language="fr")
    await write(cast.john, close, language="")
    assert await stored(cast) == "fr"


async def test_pages_do_not_ask(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG-04."""
    asked: list[str] = []

    def score(words: str) -> dict[str, float]:
        asked.append(words)
        return {"es": 0.0, "en": -50.0}

    monkeypatch.setattr(cast.resources, "detector", Detector(score))
    await write(cast.susan, "uno dos")
    assert asked == ["uno dos"]
    for path in ("/index", "/explore", "/user/susan", "/post/1", "/post/1/edit", "/search?q=uno"):
        await cast.susan.browser.text(path)
    assert asked == ["uno dos"]
    cast.resources.detector.close()


async def test_it_delays_nobody_else(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG-05, LANG-03: while one text is being looked at, pages come and others post."""
    looked_at, enough = threading.Event(), threading.Event()
    in_time = []

    def slow(words: str) -> dict[str, float]:
        if "slow" in words:
            looked_at.set()
            in_time.append(enough.wait(60))
        return {"zh-Hans": 0.0, "en": -50.0}

    monkeypatch.setattr(cast.resources, "detector", Detector(slow))
    writing = asyncio.create_task(write(cast.susan, "a slow one"))
    assert await asyncio.to_thread(looked_at.wait, 60)
    for _ in range(3):
        await cast.john.browser.text("/explore")
    enough.set()
    await writing
    assert in_time == [True]
    assert await stored(cast) == ""
    cast.resources.detector.close()
