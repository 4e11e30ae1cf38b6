"""The search box, by keyboard, and on a telephone."""

from playwright.async_api import expect

from tests.browser import screen
from tests.browser.conftest import Visit
from tests.browser.screen import composer

pytestmark = screen.MARKS


async def test_searching_by_keyboard(member: Visit) -> None:
    """A slash goes to the box from anywhere but a text; Escape goes back; Enter searches."""
    person = await member("reader")
    await person.publish("Zebras at dawn")
    tab = await person.open("/index")
    box = tab.get_by_role("searchbox", name="Search")
    await composer(tab).focus()
    await tab.keyboard.type("and/or")
    await expect(composer(tab)).to_have_value("and/or")
    await expect(box).not_to_be_focused()
    link = tab.get_by_role("link", name="Explore")
    await link.focus()
    for modified in ("Control+/", "Alt+/"):
        await tab.keyboard.press(modified)
        await expect(box).not_to_be_focused()
    await tab.keyboard.press("/")
    await expect(box).to_be_focused()
    await expect(box).to_have_value("")
    await tab.keyboard.type("a/b")
    await expect(box).to_have_value("a/b")
    await tab.keyboard.press("Escape")
    await expect(link).to_be_focused()
    await tab.keyboard.press("/")
    # What is there is selected: typing replaces it.
    await tab.keyboard.type(f"zebras from:{person.name}")
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("heading", name="Search Results")).to_be_visible()
    assert await screen.texts(tab) == ["Zebras at dawn"]
    await expect(tab.locator("mark")).to_have_text(["Zebras"])
    await expect(box).to_have_value(f"zebras from:{person.name}")


async def test_on_a_telephone_without_scripts(member: Visit) -> None:
    """The box is there, wide enough for a finger and a question, and nothing sticks out."""
    screen_of_a_phone = {"width": 320, "height": 640}
    person = await member("plain", java_script_enabled=False, viewport=screen_of_a_phone)
    await person.publish("Pelicans " + "w" * 80)
    tab = await person.open("/explore")
    box = tab.get_by_role("searchbox", name="Search")
    place = await screen.place(box)
    assert place["width"] > 200
    assert place["height"] >= 40
    await box.fill(f"pelicans from:{person.name}")
    await box.press("Enter")
    assert len(await screen.texts(tab)) == 1
    await tab.get_by_text("Search more precisely").click()
    await expect(tab.get_by_text("words that begin like this")).to_be_visible()
    assert await tab.evaluate("document.documentElement.scrollWidth") <= 320
