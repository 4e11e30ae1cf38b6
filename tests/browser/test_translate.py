"""Translate: read it in place, go back to the original, and have it come by itself."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.browser import screen
from tests.browser.conftest import Serve, Visit
from tests.browser.person import Person
from tests.browser.screen import button, composer, flash, row
from tests.browser.site import Site
from tests.translators import TranslationService, environ, translation_service

pytestmark = screen.MARKS

HOLA = "Hola a todos, ¿qué tal?"


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[TranslationService]:
    async with translation_service() as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def site(service: TranslationService, serve: Serve) -> Site:
    return serve(**environ(service))


@pytest_asyncio.fixture(loop_scope="session")
async def people(site: Site, visit: Visit) -> tuple[Person, Person]:
    """A reader of English, and somebody whom she follows and who writes in Spanish."""
    reader = await (await visit(site, "reader", locale="en-US")).arrive()
    writer = await (await visit(site, "writer", locale="en-US")).arrive()
    await reader.follow(writer)
    return reader, writer


def slot(tab: Page, number: int) -> Locator:
    return tab.locator(f"#translation{number}")


def text(tab: Page, number: int) -> Locator:
    return tab.locator(f"#post{number}")


async def test_there_and_back(people: tuple[Person, Person], service: TranslationService) -> None:
    """TR-12, TR-14: the loading image, the words in place of the post's, as words; and the original."""
    reader, writer = people
    said = "<b>Hola</b> https://example.org/a https://example.org/b"
    number = await writer.publish(said, language="es")
    tab = await reader.open_live("/index")
    service.go_on.clear()
    await slot(tab, number).get_by_role("button", name="Translate").click()
    await expect(slot(tab, number).get_by_role("img", name="Translating…")).to_be_visible()
    await expect(slot(tab, number).get_by_text("Translate", exact=True)).to_have_count(0)
    service.go_on.set()
    words = slot(tab, number).locator(".translation-text")
    await expect(words).to_have_text(f"en: {said}")
    await expect(words).to_have_attribute("lang", "en")
    await expect(words.locator("a")).to_have_count(2)
    await expect(words.locator("b")).to_have_count(0)
    await expect(text(tab, number)).to_be_hidden()
    await expect(tab.locator("[data-translated]")).to_have_text(f"en: {said}")

    # By keyboard: the focus has come along.
    back = slot(tab, number).get_by_role("button", name="Show original")
    await expect(back).to_be_focused()
    await tab.keyboard.press("Enter")
    await expect(text(tab, number)).to_have_text(said)
    await expect(words).to_be_hidden()
    await slot(tab, number).get_by_role("button", name="Show translation").click()
    await expect(words).to_be_visible()
    assert len(service.asked) == 1


async def test_what_goes_wrong_is_said_in_its_place(
    people: tuple[Person, Person], service: TranslationService
) -> None:
    """TR-08, TR-13: the service, and our own server; the post stays readable, and one may try
    again, with the focus where it was.
    """
    reader, writer = people
    number = await writer.publish(HOLA, language="es")
    service.manner = "500"
    tab = await reader.open("/index")
    again = slot(tab, number).get_by_role("button", name="Translate")
    failed = slot(tab, number).locator(".translation-failed")
    await again.focus()
    await tab.keyboard.press("Enter")
    await expect(failed).to_have_text("Error: the translation service failed.")
    await expect(text(tab, number)).to_have_text(HOLA)
    await expect(again).to_be_focused()
    service.manner = "well"
    await tab.keyboard.press("Enter")
    await expect(slot(tab, number).locator(".translation-text")).to_have_text(f"en: {HOLA}")
    await expect(failed).to_have_count(0)
    number = await writer.publish("Buenas tardes", language="es")

    reader.expect("ERR_FAILED")

    async def away(route: Route) -> None:
        await route.abort()

    await tab.reload()
    await tab.route("**/translate", away)
    again, failed = (
        slot(tab, number).get_by_role("button", name="Translate"),
        slot(tab, number).locator(".translation-failed"),
    )
    await again.click()
    await expect(failed).to_have_text("Error: Could not contact server.")
    await expect(again).to_be_visible()
    await expect(text(tab, number)).to_have_text("Buenas tardes")


async def test_posts_that_arrive_translated(
    people: tuple[Person, Person], service: TranslationService
) -> None:
    """Once the account asks for it; also behind the pill, and never for what one reads."""
    reader, writer = people
    account = await reader.open("/account")
    await account.get_by_label("Translate posts as they arrive").check()
    await (
        account.locator("section", has=account.locator("#reading-heading"))
        .get_by_role("button", name="Save")
        .click()
    )
    await expect(flash(account)).to_have_text("Your changes have been saved.")
    for number in range(25):
        await writer.publish(f"Old {number}", language="en")
    tab = await reader.open_live("/index")
    number = await writer.publish(HOLA, language="es")
    await expect(slot(tab, number).locator(".translation-text")).to_have_text(f"en: {HOLA}")
    await expect(text(tab, number)).to_be_hidden()

    read = await screen.scroll_down(tab)
    place = await screen.place(read)
    later = await writer.publish("Buenas tardes", language="es")
    await expect(screen.pill(tab)).to_have_text("1 new post")
    await service.was_asked(2)
    await writer.publish("Known", language="en")
    await expect(screen.pill(tab)).to_have_text("2 new posts")
    assert await screen.place(read) == place
    await screen.pill(tab).click()
    await expect(slot(tab, later).locator(".translation-text")).to_have_text("en: Buenas tardes")
    assert len(service.asked) == 2

    await writer.edit(number, "Adiós")
    await expect(slot(tab, number).locator(".translation-text")).to_have_text("en: Adiós")


async def test_without_scripts(
    site: Site, people: tuple[Person, Person], visit: Visit, service: TranslationService
) -> None:
    _, writer = people
    await writer.publish(HOLA, language="es")
    plain = await (await visit(site, "plain", locale="en-US", java_script_enabled=False)).arrive()
    tab = await plain.open("/explore")
    await row(tab, HOLA).get_by_role("button", name="Translate").click()
    await expect(tab.locator(".translation-below")).to_contain_text(f"en: {HOLA}")
    await expect(row(tab, HOLA)).to_be_visible()


async def test_the_writer_says_which_language(people: tuple[Person, Person]) -> None:
    reader, writer = people
    tab = await writer.open("/index")
    await tab.get_by_label("Language of the post").select_option("Português")
    await composer(tab).fill("Bom dia")
    await button(tab, "Submit").click()
    await expect(flash(tab)).to_have_text("Your post is now live!")
    await expect(tab.get_by_label("Language of the post")).to_have_value("pt")
    theirs = await reader.open("/explore")
    await expect(row(theirs, "Bom dia").get_by_role("button", name="Translate")).to_be_visible()
