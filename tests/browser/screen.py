"""What people look at and press on a page."""

import pytest
from playwright.async_api import FloatRect, Locator, Page, expect

from tests.cast import PASSWORD

PATIENCE = 15_000

# One browser for all, in one loop; the tests beside these have a loop each.
MARKS = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


def rows(tab: Page) -> Locator:
    return tab.locator("#posts article")


def row(tab: Page, text: str) -> Locator:
    """The post that says exactly this."""
    return rows(tab).filter(has=tab.locator(".post-body").get_by_text(text, exact=True))


async def texts(tab: Page) -> list[str]:
    """The posts from the top."""
    return await tab.locator("#posts .post-body").all_inner_texts()


def pill(tab: Page) -> Locator:
    return tab.locator("#new-posts")


def composer(tab: Page) -> Locator:
    return tab.get_by_label("Say something")


def button(tab: Page, name: str) -> Locator:
    """The button in the page, not the one of that name above it."""
    return tab.locator("main").get_by_role("button", name=name, exact=True)


def flash(tab: Page) -> Locator:
    return tab.locator(".alert.alert-info")


def error_at(tab: Page, field: str) -> Locator:
    return tab.locator(f"#{field}-error")


async def say(tab: Page, text: str) -> None:
    """Write a post and send it."""
    await composer(tab).fill(text)
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Your post is now live!")


async def register(tab: Page, name: str) -> None:
    """Fill in the registration page that is open."""
    await tab.get_by_label("Username").fill(name)
    await tab.get_by_label("Email").fill(f"{name}@example.com")
    await tab.get_by_label("Password", exact=True).fill(PASSWORD)
    await tab.get_by_label("Repeat Password").fill(PASSWORD)
    await button(tab, "Register").click()


async def log_in(tab: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the login page that is open."""
    await tab.get_by_label("Username").fill(name)
    await tab.get_by_label("Password").fill(password)
    await button(tab, "Sign In").click()


async def log_out(tab: Page) -> None:
    await tab.get_by_role("button", name="Logout").click()
    await expect(tab.get_by_role("heading", name="Sign In")).to_be_visible()


async def scroll_down(tab: Page) -> Locator:
    """Read on; returns a row that is in the middle of the screen then."""
    await tab.evaluate("scrollTo({ top: 1200, behavior: 'instant' })")
    await expect(tab.locator("html")).to_have_class("keeps-place")
    in_the_middle = """[...document.querySelectorAll("#posts article")]
        .find((row) => row.getBoundingClientRect().top > innerHeight / 3).id"""
    return tab.locator(f"#{await tab.evaluate(in_the_middle)}")


async def stop_the_clock(tab: Page) -> None:
    """From the next page on, time goes by only as the test lets it."""
    await tab.clock.install(time="2026-01-01T00:00:00Z")
    await tab.clock.pause_at("2026-01-01T01:00:00Z")


async def place(element: Locator) -> FloatRect:
    """Where it stands on the screen."""
    box = await element.bounding_box()
    assert box is not None
    return box
