"""Without a mouse: every stop is seen, and everything can be done."""

from playwright.async_api import FloatRect, Locator, Page, expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.person import Person
from tests.browser.screen import button, composer, flash, pill, row
from tests.browser.site import Site

pytestmark = screen.MARKS


async def test_the_skip_link_comes_first(member: Visit) -> None:
    person = await member("reader")
    tab = await person.open("/index")
    skip = tab.get_by_role("link", name="Skip to the content")
    await expect(skip).not_to_be_in_viewport()
    await tab.keyboard.press("Tab")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport(ratio=1)
    await tab.keyboard.press("Enter")
    await expect(tab.locator("main")).to_be_focused()
    await tab.keyboard.press("Tab")
    await expect(tab.locator("main :focus")).to_have_count(1)


async def stops(tab: Page) -> list[str]:
    """What Tab leads to, from the top of the page: those whose focus nobody could see."""
    unseen, first = [], ""
    for _ in range(40):
        await tab.keyboard.press("Tab")
        stop = tab.locator(":focus")
        if await stop.count() == 0:
            break
        name = await stop.evaluate("(e) => e.outerHTML.slice(0, 120)")
        if name == first:
            break
        first = first or name
        if not await looks_different(tab, stop):
            unseen.append(name)
    assert first, "Tab leads nowhere"
    return unseen


async def looks_different(tab: Page, stop: Locator) -> bool:
    """Whether the stop's surroundings look otherwise when it has lost the focus."""
    await stop.scroll_into_view_if_needed()
    box = await screen.place(stop)
    left, top = max(0, box["x"] - 40), max(0, box["y"] - 60)
    clip = FloatRect(x=left, y=top, width=box["width"] + 80, height=box["height"] + 120)
    seen = await tab.screenshot(clip=clip, animations="disabled")
    element = await stop.element_handle()
    await element.evaluate("(e) => e.blur()")
    unseen = await tab.screenshot(clip=clip, animations="disabled")
    await element.evaluate("(e) => e.focus({ focusVisible: true, preventScroll: true })")
    return seen != unseen


async def test_the_focus_is_always_seen(member: Visit, visit: Visit, site: Site) -> None:
    person = await member("reader")
    post = await person.publish("Hello https://example.com/")
    for path in ("/index", f"/post/{post}", "/edit_profile"):
        assert await stops(await person.open(path)) == [], path
    stranger = await visit(site)
    assert await stops(await stranger.open("/auth/register")) == []


async def test_writing_with_the_keyboard_alone(member: Visit) -> None:
    person = await member("reader")
    tab = await person.open("/index")
    await composer(tab).focus()
    await tab.keyboard.type("One line")
    await tab.keyboard.press("Enter")
    await tab.keyboard.type("and another")
    await tab.keyboard.press("Control+Enter")
    await expect(flash(tab)).to_have_text("Your post is now live!")
    assert await screen.texts(tab) == ["One line\nand another"]


async def test_sending_twice_posts_once(member: Visit) -> None:
    person = await member("reader")
    tab = await person.open("/index")
    await composer(tab).fill("Once")
    await tab.evaluate(
        "const form = document.querySelector('.composer'); for (let n = 0; n < 3; n++) form.requestSubmit()"
    )
    await expect(flash(tab)).to_have_text("Your post is now live!")
    assert await screen.texts(tab) == ["Once"]


async def test_deleting_asks_first(member: Visit) -> None:
    person = await member("reader")
    tab = await person.open(f"/post/{await person.publish('Dear to me')}")
    dialog = tab.get_by_role("dialog", name="Delete this post? It cannot be brought back.")
    await button(tab, "Delete").press("Enter")
    await expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(dialog).to_have_count(0)
    await button(tab, "Delete").press("Enter")
    await tab.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(row(tab, "Dear to me")).to_be_visible()
    await button(tab, "Delete").press("Enter")
    await dialog.get_by_role("button", name="Delete").press("Enter")
    await expect(flash(tab)).to_have_text("Your post has been deleted.")


async def test_somebody_who_walks_the_rows_is_not_interrupted(pair: tuple[Person, Person]) -> None:
    reader, writer = pair
    await writer.publish("Old")
    tab = await reader.open_live("/index")
    await tab.keyboard.press("Tab")
    author = row(tab, "Old").get_by_role("link", name=writer.name)
    while not await author.evaluate("(e) => e === document.activeElement"):
        await tab.keyboard.press("Tab")
    await writer.publish("New")
    await expect(pill(tab)).to_have_text("1 new post")
    await expect(author).to_be_focused()
    await pill(tab).press("Enter")
    await expect(row(tab, "New")).to_be_focused()
