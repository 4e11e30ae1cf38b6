"""What is drawn once and kept is what is drawn each time.

One application keeps all that it can, another one on the same database keeps nothing.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
from quart import Quart

from microblog.app import create_app
from microblog.domain import accounts, posts, sessions, tokens, tongues, users
from microblog.settings import NO_FILE, load
from microblog.web import rendering
from microblog.web.drawing import _NOBODY, HOLES, Pages
from tests.cast import HTML, Browser, Cast, Person
from tests.web.forgetting import forget_everything, lasting

_PATHS = (
    "/",
    "/explore",
    "/user/susan",
    "/user/john",
    "/user/johnny",
    "/post/1",
    "/post/2",
    "/post/3",
    "/search?q=words",
    "/api/timeline",
    "/api/posts/1",
)
# What the browsers accept of those whose account says nothing.
_ACCEPTED = ("en", "en, es", "es, en")
Answer = tuple[int, str, str]


@dataclass
class Both:
    """Two applications, and the ways in of the same people to each."""

    keeping: Quart
    forgetful: Quart
    cast: Cast
    browsers: dict[tuple[Quart, str], Browser] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)

    @property
    def people(self) -> list[Person]:
        return [self.cast.susan, self.cast.john, self.cast.mary, self.cast.david]

    async def let_in(self) -> None:
        async with self.cast.resources.database.begin() as session:
            for who in self.people:
                login = await sessions.begin(
                    session, who.id, remembered=False, device="", lifetimes=sessions.Lifetimes()
                )
                scopes = tokens.SCOPES
                token = await tokens.make(session, who.actor, "a program", scopes, days=1)
                self.programs[who.username] = token
                for app in (self.keeping, self.forgetful):
                    self.browsers[app, who.username] = browser = Browser(app)
                    browser.hold(login)

    async def change(self, change: Any, *arguments: Any, **named: Any) -> None:
        """Have something done, and compare what everybody is told, also the second time."""
        async with self.cast.resources.database.begin() as session:
            await change(session, *arguments, **named)
        await self.compare()

    async def compare(self) -> dict[tuple[str, str], Answer]:
        told = {}
        for who in self.people:
            accepted = _ACCEPTED if who is self.cast.david else _ACCEPTED[:1]
            for path, languages in product(_PATHS, accepted):
                asked = who, path, languages
                right = await self._ask(self.forgetful, *asked)
                for _ in range(2):
                    assert await self._ask(self.keeping, *asked) == right, asked
                told[who.username, path] = right
        return told

    async def _ask(self, app: Quart, who: Person, path: str, languages: str) -> Answer:
        headers = {**HTML, "Accept-Language": languages}
        if path.startswith("/api"):
            headers = {"Authorization": f"Bearer {self.programs[who.username]}"}
        browser = self.browsers[app, who.username]
        response = await browser.client.get(path, headers=headers)
        text = await response.get_data(as_text=True)
        return response.status_code, response.headers.get("Location", ""), lasting(text)


@pytest.fixture
async def both(environment: dict[str, str]) -> AsyncIterator[Both]:
    settings = load(NO_FILE, environment | {"MICROBLOG_JOBS_INSIDE": "false"})
    async with AsyncExitStack() as stack:
        apps = [create_app(settings) for _ in range(2)]
        for app in apps:
            await stack.enter_async_context(app.test_app())
        both = Both(*apps, await Cast.assembled(apps[0]))
        forget_everything(both.forgetful)
        await both.let_in()
        yield both


async def test_what_is_kept_is_what_would_be_drawn(both: Both) -> None:
    """Each reader's own, whoever asked before; and still so after whatever is shown has changed."""
    susan, john, mary, david = (who.actor for who in both.people)
    async with both.cast.resources.database.begin() as session:
        await posts.publish(session, susan, "words of susan", length=500, language="en")
        await posts.publish(session, john, "words, en español", length=500, language="es")
        await posts.publish(session, john, "words & <b>", length=500, language=None)
        # Two of whom one may have posts translated and the other need not; one speaks Spanish.
        await tongues.set_reading(session, susan, reads=["en"], translates_live=False)
        await tongues.set_reading(session, john, reads=["en", "es"], translates_live=False)
        await accounts.speak(session, mary, language="es", time_zone=None)
    told = await both.compare()
    assert 'name="post_id" value="2"' in told["susan", "/explore"][2]
    assert 'name="post_id" value="2"' not in told["john", "/explore"][2]
    assert 'lang="es"' in told["mary", "/"][2]
    await both.change(posts.edit, john, 2, "better words", length=500)
    await both.change(posts.edit, john, 2, "words, en español", length=500)
    for zone in ("Asia/Tokyo", "America/Lima"):
        await both.change(accounts.speak, susan, language="en", time_zone=zone)
    await both.change(tongues.set_reading, susan, reads=["es"], translates_live=False)
    await both.change(tongues.remember_writing, david, "de")
    name = {"username": "johnny", "display_name": "John <i>", "about_me": "new"}
    await both.change(users.edit_profile, john, **name, about_me_length=500)
    await both.change(accounts.speak, david, language="es", time_zone=None)
    await both.change(posts.remove, susan, 1)
    kept: Any = _pages(both.keeping)
    # Otherwise it would have been right without keeping anything.
    assert kept.fragment.cache_info().hits > kept.fragment.cache_info().misses > 0
    assert len(kept._chunks) == 4


def _pages(app: Quart) -> Pages:
    pages: Pages = app.extensions[rendering.EXTENSION]
    return pages


async def test_with_that_off_nothing_is_kept(both: Both) -> None:
    """Or the comparison would say nothing."""
    number = await both.cast.publish(both.cast.susan, "words")
    async with both.cast.resources.database.reading() as session:
        post = await posts.by_id(session, number)
    nobody = {name: value for name, value in _NOBODY.items() if name not in HOLES}
    context = {"status": 404, "heading": "", "text": "", "request_id": "", **nobody}
    for app in (both.keeping, both.forgetful):
        pages = _pages(app)
        url_for: Any = pages.environment.globals["url_for"]
        ways: list[Callable[[], object]] = [
            lambda pages=pages: pages.fragment(post, "en", False),
            lambda pages=pages: pages.rows([post], "en", frozenset()),
            lambda pages=pages: pages.chunk("errors/error.html", "key", lambda: context),
            lambda pages=pages: pages.stencil("errors/error.html", context, "key"),
            lambda url_for=url_for: url_for("main.follow", username="susan"),
        ]
        assert [way() is way() for way in ways] == [app is both.keeping] * len(ways)
