"""Chromium, a running service, and people who come to it."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from tests.browser.person import Person
from tests.browser.screen import PATIENCE
from tests.browser.site import Site

Visit = Callable[..., Awaitable[Person]]
Serve = Callable[..., Site]
NAMES = ("chromium", "chromium-browser", "google-chrome")

expect.set_options(timeout=PATIENCE)


def executable(playwright: Playwright) -> str:
    """The machine's Chromium, or the one that Playwright has fetched; without any: no browser tests."""
    names = (shutil.which(name) for name in NAMES)
    candidates = [found for found in names if found] + [playwright.chromium.executable_path]
    if Path(candidates[0]).exists():
        return candidates[0]
    loud = "NO CHROMIUM on this machine: nothing of what people see has been tested"
    if "browser" in os.environ.get("TESTS_REQUIRE", ""):
        pytest.fail(loud)
    pytest.skip(loud)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable(playwright),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service on SQLite that the tests share: each brings its own people."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.start()
    yield site
    site.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a service of this test's own, which it may stop."""
    begun: list[Site] = []

    def serving(*arguments: str, **environ: str) -> Site:
        begun.append(Site(tmp_path, *arguments, **environ))
        begun[-1].start()
        return begun[-1]

    yield serving
    for site in begun:
        site.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(chromium: Browser, serve: Serve) -> AsyncIterator[Visit]:
    """Brings somebody to a service, not logged in; fails if their pages complained of anything."""
    # (After `serve`, so that people have left before their service stops.)
    people: list[Person] = []

    async def visiting(site: Site, name: str = "reader", **options: Any) -> Person:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = await chromium.new_context(**options)
        people.append(Person(context, site, f"{name}-{uuid4().hex[:8]}"))
        return people[-1]

    yield visiting
    for person in people:
        await person.context.close()
    assert [problem for person in people for problem in person.problems] == []


@pytest.fixture
def member(site: Site, visit: Visit) -> Visit:
    """Brings somebody with an account to the shared service, logged in."""

    async def arriving(name: str, **options: Any) -> Person:
        return await (await visit(site, name, **options)).arrive()

    return arriving


@pytest_asyncio.fixture(loop_scope="session")
async def pair(member: Visit) -> tuple[Person, Person]:
    """A reader, and somebody whom she follows."""
    reader, writer = await member("reader"), await member("writer")
    await reader.follow(writer)
    return reader, writer
