"""Private messages between two browsers: the badge in every tab, and a conversation that goes on by itself."""

from time import perf_counter

import pytest_asyncio
from playwright.async_api import Locator, Page, Route, WebSocketRoute, expect

from tests.browser import screen
from tests.browser.conftest import Serve, Visit
from tests.browser.person import Person
from tests.browser.screen import button, flash

pytestmark = screen.MARKS

WITHIN_A_SECOND = 1000


def badge(tab: Page) -> Locator:
    return tab.locator("#message_count")


def answer_box(tab: Page) -> Locator:
    return tab.get_by_label("Message", exact=True)


def said(tab: Page) -> Locator:
    return tab.locator("#messages .post-body")


@pytest_asyncio.fixture(loop_scope="session")
async def two(member: Visit) -> tuple[Person, Person]:
    return await member("susan"), await member("john")


async def test_the_badge_in_every_tab(two: tuple[Person, Person]) -> None:
    """NOT-13, NOT-01, NOT-02, MSG-10: within a second, in both directions, without a reload."""
    susan, john = two
    tabs = [
        await susan.open_live(path) for path in ("/index", "/edit_profile", "/user/" + john.name)
    ]
    for tab in tabs:
        await expect(badge(tab)).to_be_hidden()
        await tab.evaluate("window.unbroken = true")
    desk = await john.open(f"/user/{susan.name}")
    await desk.get_by_role("link", name="Send private message").click()
    await expect(desk.get_by_role("heading")).to_have_text(f"Send Message to {susan.name}")
    await answer_box(desk).fill("Hello\nSusan")
    began = perf_counter()
    await answer_box(desk).press("Control+Enter")
    for tab in tabs:
        await expect(badge(tab)).to_be_visible(timeout=WITHIN_A_SECOND)
        await expect(badge(tab)).to_have_text("1")
    print(f"from the key to the other browser's badge: {perf_counter() - began:.3f} s")
    await expect(flash(desk)).to_have_text("Your message has been sent.")
    await expect(badge(desk)).to_be_hidden()
    # What was sent is no draft any more.
    await desk.get_by_role("link", name="Send private message").click()
    await expect(answer_box(desk)).to_have_value("")

    await tabs[0].get_by_role("link", name="Messages").click()
    await expect(tabs[0].locator(".message .post-body")).to_have_text("Hello\nSusan")
    await expect(badge(tabs[0])).to_be_hidden()
    for tab in tabs[1:]:
        await expect(badge(tab)).to_be_hidden(timeout=WITHIN_A_SECOND)
        assert await tab.evaluate("window.unbroken")
    # Back to a page out of the browser's memory, or out of its store: never the old number.
    await tabs[0].go_back()
    await expect(badge(tabs[0])).to_be_hidden()


async def test_a_conversation_goes_on_by_itself(two: tuple[Person, Person]) -> None:
    susan, john = two
    for number in range(6):
        await john.write(susan, f"Old {number}\n{chr(10).join('lines')}")
    hers = await susan.open_live(f"/messages/{john.name}")
    his = await john.open_live(f"/messages/{susan.name}")
    other = await susan.open_live("/explore")
    await expect(answer_box(hers)).to_be_in_viewport()
    await expect(badge(other)).to_be_hidden()
    await answer_box(hers).fill("half a thou")
    place = await screen.place(answer_box(hers))

    await answer_box(his).fill("Are you there?")
    await answer_box(his).press("Control+Enter")
    await expect(said(hers).last).to_have_text("Are you there?")
    await expect(said(his).last).to_have_text("Are you there?")
    await expect(answer_box(his)).to_have_value("")
    # The answer box stays where it is, with what is in it; the message above it is to be seen.
    assert abs((await screen.place(answer_box(hers)))["y"] - place["y"]) < 1
    await expect(said(hers).last).to_be_in_viewport()
    await expect(answer_box(hers)).to_have_value("half a thou")
    # Looked at is read.
    await expect(badge(hers)).to_be_hidden()
    await expect(badge(other)).to_be_hidden()

    # Who reads further up is not moved.
    await hers.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    first = await screen.place(said(hers).first)
    await john.write(susan, "One more")
    await expect(said(hers).last).to_have_text("One more")
    assert (await screen.place(said(hers).first))["y"] == first["y"]

    # One's own, from another tab; and to both sides.
    await susan.write(john, "From elsewhere")
    for tab in (hers, his):
        await expect(said(tab).last).to_have_text("From elsewhere")
    assert await said(hers).count() == 9

    # Deleted for oneself alone.
    await hers.locator(".message").last.get_by_role("button", name="Delete").click()
    await hers.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(flash(hers)).to_have_text("The message has been deleted.")
    await expect(said(hers).last).to_have_text("One more")
    await expect(said(his).last).to_have_text("From elsewhere")


async def test_a_page_that_nobody_sees_reads_nothing(two: tuple[Person, Person]) -> None:
    susan, john = two
    talk = await susan.open_live(f"/messages/{john.name}")
    await hide(talk, hidden=True)
    await john.write(susan, "Psst")
    await expect(badge(talk)).to_have_text("1")
    await expect(said(talk)).to_have_count(0)
    await hide(talk, hidden=False)
    await expect(said(talk)).to_have_text(["Psst"])
    await expect(badge(talk)).to_be_hidden()


async def hide(tab: Page, *, hidden: bool) -> None:
    """What the browser tells the page when it goes behind another tab, and comes back."""
    await tab.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def no_socket(route: WebSocketRoute) -> None:
    await route.close()


async def ten_seconds(tab: Page) -> int:
    """Until the page has asked again and has read the answer; its status."""
    async with tab.expect_response("**/notifications?*") as answer:
        await tab.clock.run_for(10_000)
    # What the page asked for before this has been dealt with.
    await tab.evaluate("fetch('/livez').then((answer) => answer.text())")
    return (await answer.value).status


async def test_without_a_socket_it_asks(two: tuple[Person, Person]) -> None:
    """NOT-11, NOT-12, NOT-13, NOT-14: every ten seconds with the newest time; a 401 ends it quietly."""
    susan, john = two
    tab = await susan.context.new_page()
    await screen.stop_the_clock(tab)
    await tab.route_web_socket("**/live**", no_socket)
    asked: list[str] = []
    answers: list[str] = []

    async def listen(route: Route) -> None:
        asked.append(route.request.url.partition("since=")[2])
        if answers:
            await route.fulfill(content_type="application/json", body=answers.pop())
        else:
            await route.continue_()

    await tab.route("**/notifications?*", listen)
    await tab.goto(f"{susan.site.url}/explore")
    begun = float(await tab.locator("meta[name=notified]").get_attribute("content") or "nan")
    await john.write(susan, "hello")
    # Only after a few vain tries to connect.
    while not asked:
        await tab.clock.run_for(5_000)
    await expect(badge(tab)).to_have_text("1")
    asked.clear()
    for number in range(1, 4):
        await ten_seconds(tab)
        assert len(asked) == number
    assert float(asked[0]) > begun
    # An unknown name moves the time on all the same.
    later = float(asked[-1]) + 1000
    answers.append(f'[{{"name": "from the future", "data": {{}}, "timestamp": {later}}}]')
    await ten_seconds(tab)
    await ten_seconds(tab)
    assert float(asked[-1]) == later
    await expect(badge(tab)).to_have_text("1")

    susan.expect(r"status of 401")
    await susan.log_out()
    assert await ten_seconds(tab) == 401
    quiet = len(asked)
    for _ in range(5):
        await tab.clock.run_for(10_000)
    assert len(asked) == quiet


async def test_without_scripts(visit: Visit, serve: Serve) -> None:
    site = serve()
    susan = await (await visit(site, "susan", java_script_enabled=False)).arrive()
    john = await (await visit(site, "john")).arrive()
    await john.write(susan, "hello")
    tab = await susan.open("/index")
    await expect(badge(tab)).to_have_text("1")
    await tab.get_by_role("link", name="Messages").click()
    await tab.get_by_role("link", name="Answer").click()
    await answer_box(tab).fill("Good day")
    await button(tab, "Submit").click()
    await expect(said(tab)).to_have_text(["hello", "Good day"])
    await tab.get_by_role("link", name="Conversations").click()
    await expect(tab.locator(".talk")).to_contain_text("You: Good day")
