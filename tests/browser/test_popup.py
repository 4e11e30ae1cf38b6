"""What opens beside a name: after a second, by pointer, keyboard or finger, and within the window."""

import asyncio

import pytest_asyncio
from playwright.async_api import CDPSession, Locator, Page, Route, expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.browser.screen import row

pytestmark = screen.MARKS


def popup(tab: Page) -> Locator:
    return tab.locator(".popup")


def name_of(tab: Page, text: str) -> Locator:
    """The author's name before a post."""
    return row(tab, text).locator(".post-author")


class Asked:
    """The requests for popups, held back until they are let through."""

    def __init__(self) -> None:
        self.count = 0
        self.failing = False
        self._gate = asyncio.Event()
        self._gate.set()

    @classmethod
    async def on(cls, tab: Page) -> "Asked":
        asked = cls()
        await tab.route("**/popup", asked._take)
        return asked

    async def _take(self, route: Route) -> None:
        self.count += 1
        await self._gate.wait()
        if self.failing:
            await route.abort()
        else:
            await route.continue_()

    def hold(self) -> None:
        self._gate.clear()

    def let_go(self) -> None:
        self._gate.set()


@pytest_asyncio.fixture(loop_scope="session")
async def post(member: Visit) -> tuple[Person, Person]:
    reader, writer = await member("reader"), await member("writer")
    await writer.publish("By the writer")
    return reader, writer


async def test_by_pointer(post: tuple[Person, Person]) -> None:
    """POP-06 to POP-11, POP-13."""
    reader, writer = post
    tab = await reader.context.new_page()
    await screen.stop_the_clock(tab)
    await tab.goto(f"{reader.site.url}/user/{writer.name}")
    asked = await Asked.on(tab)
    name = name_of(tab, "By the writer")
    aside = tab.get_by_role("heading", name="Posts")

    # In passing: nothing is asked.
    await name.hover()
    await tab.clock.run_for(900)
    await aside.hover()
    await tab.clock.run_for(5_000)
    assert asked.count == 0

    # Left during the request: it is given up, and nothing is shown.
    asked.hold()
    async with tab.expect_request("**/popup"):
        await name.hover()
        await tab.clock.run_for(1_000)
    async with tab.expect_event("requestfailed"):
        await aside.hover()
    asked.let_go()
    await expect(popup(tab)).to_have_count(0)

    # A request that fails shows nothing; the next one works.
    asked.failing = True
    reader.expect("net::ERR_FAILED")
    async with tab.expect_event("requestfailed"):
        await name.hover()
        await tab.clock.run_for(1_000)
    await expect(popup(tab)).to_have_count(0)
    await aside.hover()
    asked.failing = False

    await name.hover()
    await tab.clock.run_for(1_000)
    await expect(popup(tab)).to_be_visible()
    await expect(popup(tab).get_by_role("link")).to_have_text(writer.name)
    # In the reader's own time: what the server wrote has been rewritten.
    moment = popup(tab).locator("time")
    local = "(e) => new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short' }).format(new Date(e.dateTime))"
    assert await moment.inner_text() == await moment.evaluate(local)

    # Into it: it stays, and its links work; out of it: it is gone.
    await popup(tab).locator("img").hover()
    await tab.clock.run_for(5_000)
    await expect(popup(tab)).to_be_visible()
    await aside.hover()
    await expect(popup(tab)).to_have_count(0)
    await name.hover()
    await tab.clock.run_for(1_000)
    await popup(tab).get_by_role("link").click()
    await expect(tab.get_by_role("heading", name=f"User: {writer.name}")).to_be_visible()


async def test_following_inside(post: tuple[Person, Person]) -> None:
    """POP-03: in place, with the counts; the page is not left, and a failure is said."""
    reader, writer = post
    tab = await reader.open_live(f"/user/{writer.name}")
    await tab.evaluate("window.unbroken = true")
    await name_of(tab, "By the writer").hover()
    await expect(popup(tab)).to_contain_text("0 followers")
    await tab.route("**/follow/*", lambda route: route.abort())
    reader.expect("net::ERR_FAILED")
    await popup(tab).get_by_role("button", name="Follow").click()
    await expect(popup(tab).get_by_role("status")).to_have_text("Error: Could not contact server.")
    await tab.unroute("**/follow/*")
    await popup(tab).get_by_role("button", name="Follow").click()
    await expect(popup(tab)).to_contain_text("1 follower")
    await popup(tab).get_by_role("button", name="Unfollow").click()
    await expect(popup(tab)).to_contain_text("0 followers")
    await expect(popup(tab).get_by_role("button", name="Follow", exact=True)).to_be_visible()
    assert await tab.evaluate("window.unbroken")
    await tab.reload()
    await expect(screen.flash(tab)).to_have_count(0)


async def test_rows_that_come_later_have_it(post: tuple[Person, Person]) -> None:
    reader, writer = post
    tab = await reader.open_live(f"/user/{writer.name}")
    await writer.publish("Just now")
    await name_of(tab, "Just now").hover()
    await expect(popup(tab)).to_be_visible()


async def test_by_keyboard(post: tuple[Person, Person]) -> None:
    reader, writer = post
    tab = await reader.open_live(f"/user/{writer.name}")
    name = name_of(tab, "By the writer")
    while not await name.evaluate("(e) => e === document.activeElement"):
        await tab.keyboard.press("Tab")
    await expect(popup(tab)).to_be_visible()
    await tab.keyboard.press("Tab")
    await expect(popup(tab).get_by_role("link")).to_be_focused()
    await tab.keyboard.press("Tab")
    await tab.keyboard.press("Enter")
    await expect(popup(tab).get_by_role("button", name="Unfollow")).to_be_focused()
    await tab.keyboard.press("Escape")
    await expect(popup(tab)).to_have_count(0)
    await expect(name).to_be_focused()
    # Walked past, and walked out of.
    await tab.keyboard.press("Tab")
    await tab.keyboard.press("Shift+Tab")
    await expect(popup(tab)).to_be_visible()
    for _ in range(3):
        await tab.keyboard.press("Tab")
    await expect(popup(tab)).to_have_count(0)


async def press(touch: CDPSession, at: Locator, *, until: Locator | None = None) -> None:
    """A finger comes down, stays until something is to be seen, and is lifted."""
    box = await screen.place(at)
    point = {"x": box["x"] + 10, "y": box["y"] + box["height"] / 2}
    await touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    if until is not None:
        await expect(until).to_be_visible()
    await touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def test_by_finger_on_a_small_screen(member: Visit) -> None:
    """A long touch opens it, a tap follows the link; it never stands out of the window."""
    reader = await member("reader", viewport={"width": 320, "height": 480}, has_touch=True)
    for number in range(4):
        await reader.publish(f"Post {number}\nof several\nlines")
    tab = await reader.open_live("/explore")
    touch = await reader.context.new_cdp_session(tab)
    for text in ("Post 3\nof several\nlines", "Post 0\nof several\nlines"):
        name = name_of(tab, text)
        await name.scroll_into_view_if_needed()
        await press(touch, name, until=popup(tab))
        await expect(popup(tab)).to_be_visible()
        box = await screen.place(popup(tab))
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["y"] + box["height"] <= 480
        await tab.locator(".brand").dispatch_event("pointerdown", {"pointerType": "touch"})
        await expect(popup(tab)).to_have_count(0)
    assert tab.url.endswith("/explore")
    await name_of(tab, "Post 3\nof several\nlines").tap()
    await expect(tab.get_by_role("heading", name=f"User: {reader.name}")).to_be_visible()
