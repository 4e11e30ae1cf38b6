"""Chromium for the measurements: somebody with a login, as if they came for the first time."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Playwright, async_playwright

from benchmarks import client

# Of a window, in CSS pixels.
WIDE = 1280
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(Exception):
    """There is no Chromium on this machine."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The machine's, or the one that Playwright has fetched. Raises NoBrowser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_executable(playwright),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visitor(
    browser: Browser, port: int, cookie: str, *, width: int = WIDE
) -> AsyncIterator[BrowserContext]:
    """Somebody with a cache of their own, empty as yet, a login, and a window of that width."""
    name, _, value = cookie.partition("=")
    context = await browser.new_context(viewport={"width": width, "height": 900})
    try:
        await context.add_cookies([{"name": name, "value": value, "url": address(port)}])
        yield context
    finally:
        await context.close()


def address(port: int) -> str:
    """Where the home page is."""
    return f"http://{client.HOST}:{port}/"


def _executable(playwright: Playwright) -> str:
    found = (shutil.which(name) for name in _NAMES)
    candidates = [name for name in found if name] + [playwright.chromium.executable_path]
    if not Path(candidates[0]).exists():
        raise NoBrowser("there is no Chromium on this machine")
    return candidates[0]
